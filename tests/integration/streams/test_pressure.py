"""What becomes of a worker whose outputs are not taken, or whose broker goes away."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pytest

from streams.broker import LocalKafka
from support.streams_fakes import prescription, subject
from support.streams_worker import HELD_MS, Installation, times_answered, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def test_memory_stays_bounded_while_outputs_are_not_taken(installation: Installation) -> None:
    installation.feed((subject(n % 997).encode(), prescription(n, n % 997)) for n in range(80_000))
    patience = {
        "session_s": 30,
        "message_s": 25,
        "flush_s": 27,
        "rebalance_s": 40,
    }
    with installation.workers("worker", fault="hold_outputs", timeouts=patience) as processes:
        until(lambda: "Worker ready" in installation.log_of("worker"))
        pid = processes.pid("worker")
        assert pid is not None
        worker = psutil.Process(pid)
        most = 0
        end = time.monotonic() + HELD_MS / 1000
        while time.monotonic() < end:
            most = max(most, worker.memory_info().rss)
            time.sleep(0.1)
        assert most < 400 * 1_048_576
        # In flight is bounded, so the backlog waits in Kafka and not in the process.
        until(lambda: installation.count(installation.topics.decisions) > 0)
        assert installation.count(installation.topics.decisions) < 60_000
        assert processes.restarts["worker"] == 0
        processes.kill("worker")


def test_a_restart_of_the_broker_under_load_loses_nothing(
    kafka_cache_dir: Path, topic_prefix: str, tmp_path: Path
) -> None:
    with LocalKafka(kafka_cache_dir, data_dir=tmp_path / "kafka") as kafka:
        installation = Installation(kafka.bootstrap, topic_prefix, tmp_path)
        count = 0
        stop = threading.Event()

        def feed() -> None:
            nonlocal count
            while not stop.wait(0.1):
                records = [
                    (subject(n % 97).encode(), prescription(n, n % 97))
                    for n in range(count, count + 50)
                ]
                count += installation.feed(records)

        feeding = threading.Thread(target=feed)
        with installation.workers("worker"):
            feeding.start()
            until(lambda: installation.count(installation.topics.decisions) > 500)
            kafka.restart()
            time.sleep(2)  # load goes on against the broker that is back
            stop.set()
            feeding.join()
            until(installation.all_committed, 90)
        answered = times_answered(installation.read(installation.topics.decisions))
        assert len(answered) == installation.count(installation.prescriptions) >= count > 500
