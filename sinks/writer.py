"""The sink: Kafka's intake, decisions and dead letters into ClickHouse, each record once.

    consume ─> lanes (one a partition) ─> cuts ─> rows, in threads ─> sink_positions ─> commit

The loop below never blocks: it polls Kafka, hands cuts to threads and collects what they are done
with. While ClickHouse is away the threads try again, the loop pauses the partitions and keeps
polling, so that the sink stays in its group. Where to resume, and why a sink that was frozen or
lost its partitions can do no harm, is explained in sinks.positions.
"""

from __future__ import annotations

import gc
import logging
import threading
from typing import Final

from confluent_kafka import KafkaException

from contracts.clock import Clock, SystemClock
from sinks.config import SinkConfig
from sinks.errors import SinkError
from sinks.figures import Figures
from sinks.link import Link
from sinks.loop import Loop
from sinks.schema import migrate
from sinks.signals import stopping
from sinks.status import StatusServer
from sinks.store import Abandoned, Availability, Store

__all__ = ["SinkConfig", "run"]

log = logging.getLogger(__name__)

STOPPED: Final = 0
FAILED: Final = 1


def run(
    config: SinkConfig,
    *,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
) -> int:
    """The exit code: 0 after SIGTERM, SIGINT or `stop`, 1 where it cannot go on.

    It cannot go on where a position is not in the log (PositionInvalid), where the tables are
    newer than the program, or where Kafka says so; the log names the reason. ClickHouse or Kafka
    being away is no such case. What was fetched is stored before it ends, within `drain_s`.
    """
    stop = stop or threading.Event()
    with stopping(stop):
        return _run(config, stop, clock or SystemClock())


def _run(config: SinkConfig, stop: threading.Event, clock: Clock) -> int:
    link = Link(config.dsn, config.insert_timeout_s)
    store = Store(link, Availability())
    figures = Figures(store.availability)
    loop = Loop(config, store, figures, clock)
    server = None
    if config.http is not None:
        server = StatusServer(config.http, figures.registry(), loop.health)
    try:
        store.until_done(lambda: _migrate(link), stop)
        _tune_collector()
        loop.run(stop)
        return STOPPED
    except Abandoned:  # told to stop before ClickHouse could be reached
        return STOPPED
    except (SinkError, KafkaException) as error:
        log.error("the sink stops: %s", error)
        return FAILED
    finally:
        loop.close()
        if server is not None:
            server.stop()
        link.close()


def _migrate(link: Link) -> None:
    applied = migrate(link())
    if applied:
        log.info("schema migrated to version %d", applied[-1])


def _tune_collector() -> None:
    """Rows and messages form no cycles: looking for them at every turn doubles the cost."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
