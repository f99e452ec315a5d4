"""What becomes of events when workers join, leave, die, freeze, or have lost their position."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from contracts.decision import Decision, Reader
from streams.supervise import ProcessSupervisor
from support.streams_fakes import prescription, subject
from support.streams_worker import Installation, Place, resets, times_answered, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

read_decision = Reader(Decision)
PATIENTS = 97


class Load:
    """Feeds prescriptions in a thread until it is told to stop."""

    def __init__(self, installation: Installation, rate: int) -> None:
        self._installation = installation
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._feed)
        self.count = 0

    def _feed(self) -> None:
        while not self._stop.wait(0.1):
            first = self.count
            self.count += self._rate // 10
            self._installation.feed(
                (subject(n % PATIENTS).encode(), prescription(n, n % PATIENTS))
                for n in range(first, self.count)
            )

    def stop(self) -> int:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        return self.count


@contextmanager
def load(installation: Installation, rate: int = 1000) -> Iterator[Load]:
    feeding = Load(installation, rate)
    feeding._thread.start()
    try:
        yield feeding
    finally:
        feeding.stop()


def feed(installation: Installation, count: int, first: int = 0) -> None:
    installation.feed(
        (subject(n % PATIENTS).encode(), prescription(n, n % PATIENTS))
        for n in range(first, first + count)
    )


def generation(installation: Installation, name: str) -> int:
    """The newest generation that a worker's log tells of."""
    lines = installation.log_of(name).splitlines()
    told = [x for x in lines if "Successfully synced group" in x]
    return int(told[-1].rpartition(" ")[2]) if told else 0


def assert_every_event_is_answered(installation: Installation, count: int) -> None:
    until(installation.all_committed, 60, "everything committed")
    stored = installation.read(installation.topics.decisions)
    places = {
        Place(installation.prescriptions, partition, offset)
        for (_, partition), bounds in installation.bounds(installation.prescriptions).items()
        for offset in range(bounds.earliest, bounds.latest)
    }
    assert len(places) == count
    assert set(times_answered(stored)) == places
    contents: dict[str, set[bytes]] = {}
    for output in stored:
        assert output.value is not None
        contents.setdefault(read_decision(output.value).decision_id, set()).add(output.value)
    assert len(contents) == count
    assert all(len(values) == 1 for values in contents.values()), "a repeated decision differs"


def test_a_graceful_change_of_workers_repeats_nothing(installation: Installation) -> None:
    with installation.workers("one") as processes, load(installation) as fed:
        until(lambda: installation.count(installation.topics.decisions) > 500)
        installation.start(processes, "two")
        until(lambda: generation(installation, "two") > 0)
        before = installation.count(installation.topics.decisions)
        until(lambda: installation.count(installation.topics.decisions) > before + 2000)
        assert processes.stop("one") == 0
        before = installation.count(installation.topics.decisions)
        until(lambda: installation.count(installation.topics.decisions) > before + 2000)
        count = fed.stop()
        until(installation.all_committed, 60)
        assert processes.restarts == {"one": 0, "two": 0}
    assert_every_event_is_answered(installation, count)
    stored = installation.read(installation.topics.decisions)
    assert resets(stored) == 0
    assert set(times_answered(stored).values()) == {1}


def test_killed_workers_lose_nothing_and_repeat_only_the_same(installation: Installation) -> None:
    with installation.workers("one") as processes, load(installation) as fed:
        for _ in range(3):
            before = installation.count(installation.topics.decisions)
            until(lambda b=before: installation.count(installation.topics.decisions) > b + 1500)  # type: ignore[misc]
            processes.kill("one")
            until(lambda: processes.pid("one") is not None)
        count = fed.stop()
        until(installation.all_committed, 60)
    assert_every_event_is_answered(installation, count)


def test_a_crash_between_output_and_commit_evaluates_again(installation: Installation) -> None:
    feed(installation, 400)
    with installation.workers("dies", fault="die_after_outputs") as processes:
        until(lambda: processes.restarts["dies"] >= 1)
    before = installation.count(installation.topics.decisions)
    assert before > 0
    assert all(offset < 0 for offset in installation.committed(installation.prescriptions).values())
    with installation.workers("lives"):
        until(installation.all_committed, 60)
    assert installation.count(installation.topics.decisions) >= 400 + before
    assert_every_event_is_answered(installation, 400)


def freeze(installation: Installation, processes: ProcessSupervisor, name: str) -> None:
    """Stop a worker for twice its session and let it go on."""
    processes.suspend(name)
    time.sleep(12)  # the event is time itself: twice the session timeout
    processes.resume(name)
    before = installation.count(installation.topics.decisions)
    until(lambda: installation.count(installation.topics.decisions) > before + 1000, 60)


def test_a_frozen_worker_does_not_write_over_its_successor(installation: Installation) -> None:
    with installation.workers("one", "two") as processes, load(installation) as fed:
        until(lambda: generation(installation, "one") == generation(installation, "two") > 0)
        until(lambda: installation.count(installation.topics.decisions) > 1000)
        freeze(installation, processes, "one")
        count = fed.stop()
        until(installation.all_committed, 60)
    assert_every_event_is_answered(installation, count)
    # Each partition is gone back in once at most, when the successor starts at the committed
    # position; a frozen worker that wrote on would go back once more.
    stored = installation.read(installation.topics.decisions)
    for partition in range(4):
        assert resets(o for o in stored if o.partition == partition) <= 1


def test_gaps_in_the_offsets_do_not_hold_the_commit(installation: Installation) -> None:
    producer = Producer(
        {
            "bootstrap.servers": installation.bootstrap,
            "transactional.id": f"{installation.prefix}-hospital",
            "partitioner": "murmur2_random",
        }
    )
    producer.init_transactions()
    for batch in range(20):
        producer.begin_transaction()
        for n in range(batch * 10, batch * 10 + 10):
            producer.produce(installation.prescriptions, prescription(n, n), subject(n).encode())
        producer.commit_transaction()
    with installation.workers("worker", timeouts={"stuck_s": 6}) as processes:
        until(lambda: installation.count(installation.topics.decisions) == 200)
        ends = {
            p: b.latest for (_, p), b in installation.bounds(installation.prescriptions).items()
        }
        # The last offset of each log is a transaction's marker, which nobody reads.
        until(
            lambda: (
                installation.committed(installation.prescriptions)
                == {p: end - 1 for p, end in ends.items()}
            )
        )
        time.sleep(10)  # longer than the watchdog would wait
        assert processes.restarts["worker"] == 0
        assert processes.stop("worker") == 0
    assert installation.count(installation.topics.decisions) == 200


def test_a_position_beyond_the_log_stops_the_worker_before_it_reads(
    installation: Installation,
) -> None:
    feed(installation, 50)
    installation.commit(installation.prescriptions, 2, 10_000)
    with installation.workers("worker") as processes:
        until(lambda: processes.restarts["worker"] >= 1)
    assert "stands outside the log" in installation.log_of("worker")
    assert f"{installation.prescriptions}[2]: committed 10000" in installation.log_of("worker")
    assert installation.count(installation.topics.decisions) == 0


def test_a_position_before_the_log_stops_the_worker_before_it_reads(
    installation: Installation,
) -> None:
    feed(installation, 400)
    with installation.workers("worker") as processes:
        until(installation.all_committed)
        assert processes.stop("worker") == 0
    done = installation.count(installation.topics.decisions)
    installation.commit(installation.prescriptions, 1, 3)
    admin = AdminClient({"bootstrap.servers": installation.bootstrap})
    for future in admin.delete_records(
        [TopicPartition(installation.prescriptions, 1, 10)]
    ).values():
        future.result(10)
    with installation.workers("again") as processes:
        until(lambda: processes.restarts["again"] >= 1)
    assert "7 records are gone" in installation.log_of("again")
    assert installation.count(installation.topics.decisions) == done


def test_a_worker_whose_commit_stands_still_ends(installation: Installation) -> None:
    feed(installation, 50)
    with installation.workers(
        "worker", fault="never_acknowledge", timeouts={"stuck_s": 4}
    ) as processes:
        until(lambda: processes.restarts["worker"] >= 1)
    assert "records to do and its commit has stood" in installation.log_of("worker")


def test_an_exception_in_the_agent_ends_the_worker_and_acknowledges_nothing(
    installation: Installation,
) -> None:
    feed(installation, 50)
    with installation.workers("worker", fault="raise_in_agent") as processes:
        until(lambda: processes.restarts["worker"] >= 1)
    assert "a batch could not be worked through" in installation.log_of("worker")
    assert all(offset < 0 for offset in installation.committed(installation.prescriptions).values())
