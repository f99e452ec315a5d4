"""The verifier's life: tables, HTTP, signals, exit code."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from confluent_kafka import KafkaException

from sinks.errors import SinkError
from sinks.signals import stopping
from sinks.status import StatusServer
from sinks.verifications import Abandoned, VerificationStore
from yijian.verify.config import VerifyConfig
from yijian.verify.figures import Figures
from yijian.verify.library import Library
from yijian.verify.loop import Loop

log = logging.getLogger(__name__)

STOPPED: Final = 0
FAILED: Final = 3


def run(config: VerifyConfig, verifier: Library, dsn: str, http: str) -> int:
    """The exit code: 0 after SIGTERM or SIGINT, 3 where it cannot go on; the log names why."""
    stop = threading.Event()
    with stopping(stop):
        return _run(config, verifier, dsn, http, stop)


def _run(
    config: VerifyConfig, verifier: Library, dsn: str, http: str, stop: threading.Event
) -> int:
    store = VerificationStore(dsn)
    figures = Figures()
    loop = Loop(config, verifier, store, figures)

    def health() -> dict[str, Any]:
        down = store.availability.down
        return {"ok": not down, "clickhouse": "down" if down else "up", **figures.health()}

    server = StatusServer(http, figures.registry(), health)
    try:
        store.prepare(stop)
        loop.run(stop)
        return STOPPED
    except Abandoned:  # told to stop before ClickHouse could be reached
        return STOPPED
    except (SinkError, KafkaException) as error:
        log.error("the verifier stops: %s", error)
        return FAILED
    finally:
        loop.close()
        server.stop()
        store.close()
