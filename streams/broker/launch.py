"""Starting one broker: its folder, its command, its guard, and the wait until it answers."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException

from streams.broker import guard
from streams.broker.admin import admin_client
from streams.broker.errors import BrokerStartError
from streams.broker.files import tail, write_atomically
from streams.broker.ports import is_listening
from streams.broker.server_config import JvmSettings, Ports, kafka_command, server_properties
from streams.broker.storage import ensure_formatted

READY_TIMEOUT_S: Final = 90.0
"""A quiet machine needs 2 s; a busy one must not fail for being busy."""

STOP_GRACE_S: Final = 15.0
"""How long a broker may take to shut down cleanly before it is killed."""

_LOOK_EVERY_S: Final = 0.05


class Program(NamedTuple):
    """What is run: a Java, and Kafka's jars."""

    java: Path
    classpath: Sequence[Path]


@dataclass(frozen=True)
class Prepared:
    """A broker that could be started now: folder laid out, command known."""

    ports: Ports
    cluster_id: str
    log_file: Path
    command: Sequence[str]


def prepare(
    folder: Path, ports: Ports, cache_dir: Path, program: Program, settings: JvmSettings
) -> Prepared:
    """Lay out `folder` (server.properties, broker.log, data/), formatting data/ if it is new."""
    java, classpath = program
    data_dir = folder / "data"
    cluster_id = ensure_formatted(data_dir, cache_dir, java, classpath)
    log_file = folder / "broker.log"
    if log_file.exists():  # one log a start, and the one before
        log_file.replace(folder / "broker.log.1")
    properties_file = folder / "server.properties"
    write_atomically(properties_file, server_properties(ports, data_dir, settings.properties))
    return Prepared(
        ports=ports,
        cluster_id=cluster_id,
        log_file=log_file,
        command=kafka_command(java, classpath, settings, properties_file),
    )


@dataclass(frozen=True)
class Spawned:
    """The guard (our child unless detached) and the pids of guard and JVM."""

    child: subprocess.Popen[bytes]
    guard_pid: int
    jvm_pid: int


def spawn(
    prepared: Prepared, guard_options: Sequence[str], grace_s: float = STOP_GRACE_S
) -> Spawned:
    """Start the guard, which starts the JVM; the guard's stdin stays open in `child`."""
    command = [
        sys.executable,
        "-I",
        guard.__file__,
        f"--log={prepared.log_file}",
        f"--grace-s={grace_s}",
        *guard_options,
        "--",
        *prepared.command,
    ]
    with prepared.log_file.open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C in a terminal is for the owner, who then stops us
        )
    assert child.stdout is not None
    with child.stdout:
        report = child.stdout.readline()
    if not report:
        child.communicate()
        raise BrokerStartError(_death_notice(prepared, "its guard did not start"))
    pids = json.loads(report)
    return Spawned(child, guard_pid=pids["guard"], jvm_pid=pids["jvm"])


def wait_until_ready(
    prepared: Prepared, alive: Callable[[], bool], timeout_s: float = READY_TIMEOUT_S
) -> None:
    """Return when the broker answers a metadata request as the cluster it should be.

    Raises:
        BrokerStartError: it ended, or did not answer in time; the error shows its log's end.
    """
    deadline = time.monotonic() + timeout_s
    while not _answers(prepared):
        if not alive():
            raise BrokerStartError(_death_notice(prepared, "it ended while starting"))
        if time.monotonic() > deadline:
            raise BrokerStartError(_death_notice(prepared, f"not ready within {timeout_s:.0f} s"))
        time.sleep(_LOOK_EVERY_S)
    _make_offsets_topic(prepared)


def lost_its_port(prepared: Prepared) -> bool:
    """Whether the broker's log says that another process took one of its ports."""
    return "Address already in use" in tail(prepared.log_file, lines=60)


def _answers(prepared: Prepared) -> bool:
    if not is_listening(prepared.ports.broker):
        return False
    try:
        metadata: Any = admin_client(prepared.ports.bootstrap).list_topics(timeout=2.0)
    except KafkaException:
        return False
    return metadata.cluster_id == prepared.cluster_id and bool(metadata.brokers)


def _make_offsets_topic(prepared: Prepared) -> None:
    """Let the first consumer group join in 0.1 s instead of 3 s.

    Kafka makes the topic of group offsets when a coordinator is first asked for, and answers that
    there is none yet; a consumer then waits long before it asks again.
    """
    client = admin_client(prepared.ports.bootstrap)
    asked = client.describe_consumer_groups([prepared.cluster_id], request_timeout=5.0)
    for future in asked.values():
        with contextlib.suppress(KafkaException, TimeoutError):
            future.result(5.0)


def _death_notice(prepared: Prepared, what: str) -> str:
    return (
        f"the local Kafka on {prepared.ports.bootstrap} did not start: {what}. "
        f"Its log is {prepared.log_file} and ends with:\n{tail(prepared.log_file)}"
    )
