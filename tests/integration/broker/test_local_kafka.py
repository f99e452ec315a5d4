from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer

from streams.broker import (
    BrokerStartError,
    LocalKafka,
    TopicSpec,
    apply_topics,
    cluster_id,
    log_bounds,
    topic_ids,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

READY_WITHIN_S = 60.0
"""Four times the promise: this machine may be busy with other tests."""


def produce(bootstrap: str, topic: str, values: list[bytes], partitions: int = 1) -> None:
    failed: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for number, value in enumerate(values):
        producer.produce(
            topic,
            value,
            partition=number % partitions,
            on_delivery=lambda error, _message: failed.append(error) if error else None,
        )
    assert producer.flush(60.0) == 0
    assert failed == []


def consume(bootstrap: str, topic: str, group: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 1500,
            "heartbeat.interval.ms": 400,
            "log_level": 0,
        }
    )
    consumer.subscribe([topic])
    values: list[bytes] = []
    deadline = time.monotonic() + 60.0
    try:
        while len(values) < count:
            assert time.monotonic() < deadline, f"{len(values)} of {count} records in 60 s"
            for message in consumer.consume(500, timeout=0.1):
                assert message.error() is None
                value = message.value()
                assert value is not None
                values.append(bytes(value))
    finally:
        consumer.close()
    return values


def wait_until(condition: Callable[[], bool], what: str, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def local(kafka_cache_dir: Path) -> Iterator[LocalKafka]:
    with LocalKafka(kafka_cache_dir) as local:
        yield local


def test_a_broker_is_ready_soon_and_leaves_nothing_behind(
    kafka_cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LocalKafka(kafka_cache_dir):
        pass  # the first start ever also fetches the jars
    local = LocalKafka(kafka_cache_dir)
    began = time.monotonic()
    local.start()
    took_s = time.monotonic() - began
    resident_mb = psutil.Process(local.pid).memory_info().rss / 1e6
    folder, pid = local.log_file.parent, local.pid
    local.stop()
    with capsys.disabled():
        sys.stdout.write(f" [ready in {took_s:.1f} s, {resident_mb:.0f} MB] ")
    assert took_s < READY_WITHIN_S
    assert not folder.exists()
    assert has_ended(pid)


def test_a_thousand_records_come_back_in_order(local: LocalKafka) -> None:
    values = [b"%d" % number for number in range(1000)]
    apply_topics(local.bootstrap, [TopicSpec("t", 1)])
    produce(local.bootstrap, "t", values)
    assert consume(local.bootstrap, "t", "g", 1000) == values


def test_two_brokers_run_side_by_side(local: LocalKafka, kafka_cache_dir: Path) -> None:
    with LocalKafka(kafka_cache_dir) as other:
        assert other.bootstrap != local.bootstrap
        assert cluster_id(other.bootstrap) != cluster_id(local.bootstrap)
        for broker in (local, other):
            apply_topics(broker.bootstrap, [TopicSpec("t", 1)])
        produce(local.bootstrap, "t", [b"mine"])
        assert log_bounds(local.bootstrap, [("t", 0)])[("t", 0)].latest == 1
        assert log_bounds(other.bootstrap, [("t", 0)])[("t", 0)].latest == 0


def test_a_restart_keeps_address_topics_and_records(local: LocalKafka) -> None:
    apply_topics(local.bootstrap, [TopicSpec("t", 2)])
    produce(local.bootstrap, "t", [b"a", b"b", b"c"], partitions=2)
    before = (local.bootstrap, topic_ids(local.bootstrap, ["t"]), cluster_id(local.bootstrap))
    first_pid = local.pid
    local.restart()
    assert (
        local.bootstrap,
        topic_ids(local.bootstrap, ["t"]),
        cluster_id(local.bootstrap),
    ) == before
    assert local.pid != first_pid
    assert sorted(consume(local.bootstrap, "t", "g", 3)) == [b"a", b"b", b"c"]


def test_a_killed_broker_starts_again_with_what_it_had_acknowledged(local: LocalKafka) -> None:
    apply_topics(local.bootstrap, [TopicSpec("t", 1)])
    produce(local.bootstrap, "t", [b"a", b"b"])
    local.kill()
    assert not local.running
    with pytest.raises(BrokerStartError, match="not running"):
        _ = local.pid
    local.start()
    assert consume(local.bootstrap, "t", "g", 2) == [b"a", b"b"]


def test_a_data_folder_that_was_given_outlives_the_broker(
    tmp_path: Path, kafka_cache_dir: Path
) -> None:
    data_dir = tmp_path / "数据 with spaces"
    with LocalKafka(kafka_cache_dir, data_dir) as first:
        apply_topics(first.bootstrap, [TopicSpec("t", 1)])
        produce(first.bootstrap, "t", [b"kept"])
    with LocalKafka(kafka_cache_dir, data_dir) as second:
        assert consume(second.bootstrap, "t", "g", 1) == [b"kept"]


def test_a_broker_that_cannot_start_shows_the_end_of_its_log(kafka_cache_dir: Path) -> None:
    broken = LocalKafka(kafka_cache_dir, properties={"num.io.threads": "many"})
    with pytest.raises(BrokerStartError) as caught:
        broken.start()
    assert str(broken.log_file) in str(caught.value)
    assert "num.io.threads" in str(caught.value)
    assert "ended while starting" in str(caught.value)
    folder = broken.log_file.parent
    broken.stop()
    assert not folder.exists()


def test_a_message_of_many_megabytes_passes_where_the_topic_allows_it(local: LocalKafka) -> None:
    large = 12 * 1024 * 1024
    apply_topics(local.bootstrap, [TopicSpec("t", 1, max_message_bytes=large + 1024)])
    producer = Producer({"bootstrap.servers": local.bootstrap, "message.max.bytes": large + 1024})
    producer.produce("t", b"x" * large)
    assert producer.flush(60.0) == 0
    assert len(consume(local.bootstrap, "t", "g", 1)[0]) == large


OWNER = """
    import os, sys, time
    from pathlib import Path
    from streams.broker import LocalKafka

    kafka = LocalKafka(Path(sys.argv[1]))
    kafka.start()
    child = os.fork() if sys.argv[2] == "fork" else None
    if child == 0:
        time.sleep(300)  # holds every descriptor its parent had
    print(kafka.pid, kafka.log_file.parent, child or 0, flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("kind", ["alone", "fork"])
def test_the_broker_ends_when_its_owner_is_killed(kafka_cache_dir: Path, kind: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), str(kafka_cache_dir), kind],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    with owner.stdout:
        pid_text, folder, child_text = owner.stdout.readline().split()
        pid, child = int(pid_text), int(child_text)
        try:
            assert not has_ended(pid)
            owner.kill()
            owner.wait()
            wait_until(lambda: has_ended(pid), "the broker outlived its owner")
            wait_until(lambda: not Path(folder).exists(), "the temporary data outlived the owner")
        finally:
            owner.kill()
            if child:
                os.kill(child, 9)


def kept_for(local: LocalKafka) -> Path:
    options = psutil.Process(local.pid).cmdline()
    (path,) = (o.partition("=")[2] for o in options if o.startswith("-XX:AOTCache="))
    return Path(path)


def test_a_broker_starts_all_the_same_where_what_was_kept_for_it_is_damaged(
    kafka_cache_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(kafka_cache_dir / "kafka", tmp_path / "kafka")
    with LocalKafka(tmp_path) as local:
        kept = kept_for(local)
        local.kill()
        assert kept.stat().st_size > 1_000_000
        with kept.open("r+b") as file:
            file.truncate(kept.stat().st_size // 2)
        local.start()
        assert kept_for(local) == kept
        apply_topics(local.bootstrap, [TopicSpec("t", 1)])
        produce(local.bootstrap, "t", [b"x"])
        assert consume(local.bootstrap, "t", "g", 1) == [b"x"]
