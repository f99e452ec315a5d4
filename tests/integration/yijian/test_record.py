"""What a worker decided, killed in between, is what the order of its record leads to once more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from contracts.decision import KindHeaders
from integration.conftest import Servers
from simulation import Simulator
from simulation.feed import feed
from sinks import queries
from sinks.client import connect
from yijian import chaos, drain, kafka_log, settings
from yijian.audit import audit
from yijian.composition import Core, load_core
from yijian.expected import Supervisors
from yijian.kafka_log import LogRecord
from yijian.record import Replay, order_of, recompute
from yijian.record.log import at_home
from yijian.settings import Settings
from yijian.stack import Size, Stack

pytestmark = pytest.mark.timeout(300)
FOLDER = Path(__file__).parents[2] / "data" / "looks_back"
PART = 1500
SYSTEMS = ("his", "lis")


@pytest.fixture(scope="module")
def core() -> Core:
    return load_core(site())


def site() -> Settings:
    """Rules that look back and wait, over patients whose events come from two systems."""
    return replace(
        chaos.quick(settings.load({}), 3.0),
        profile="demo",
        packs=(FOLDER / "rules",),
        knowledge=(FOLDER / "knowledge",),
        systems=SYSTEMS,
    )


@pytest.fixture(scope="module")
def stack(core: Core, module_servers: Servers) -> Iterator[Stack]:
    with Stack(replace(site(), **module_servers), core.knowledge, Size()) as running:
        publish(running, seed=1, kills=3)
        yield running


def publish(stack: Stack, seed: int, kills: int) -> None:
    """Traffic in pieces of turns, one system after the other; the worker dies now and then."""
    s = stack.settings
    traffic = load_core(settings.load({})).knowledge
    events = Simulator(traffic, seed, 60, date(2026, 3, 2)).events(PART)
    for turn in range(10):
        piece = list(islice(events, PART // 10))
        for n, system in enumerate(SYSTEMS):
            feed(iter(piece[n::2]), s.kafka_bootstrap, s.topics, system=system)
        feed(iter(piece[:20]), s.kafka_bootstrap, s.topics, system=SYSTEMS[0])  # they come again
        if turn in range(2, 2 + 2 * kills, 2):
            while stack.processes.pid("worker-0") is None:
                time.sleep(0.05)
            stack.processes.kill("worker-0")
    drain.until_drained(s, 120)
    time.sleep(2.0)  # the last ticks let the last deadlines pass
    drain.until_drained(s, 60)


def decisions(s: Settings, partition: int) -> list[LogRecord]:
    return list(kafka_log.read(s, [s.topics.decisions], [partition]))


def test_every_decision_is_what_the_order_of_record_leads_to(stack: Stack, core: Core) -> None:
    found = recompute(stack.settings, core)
    assert found.differing == []
    assert found.disordered == []
    assert found.timers > 20
    assert found.repeats > 100
    assert found.decisions > PART
    assert not found.expected.not_recomputed
    assert found.expected.records == PART + 200


def test_the_tables_hold_exactly_the_alerts_that_stand_in_the_end(stack: Stack, core: Core) -> None:
    figures = audit(stack.settings, core)
    assert figures.passed, figures
    assert figures.timers > 20
    client = connect(stack.settings.clickhouse_dsn)
    try:
        stored = {name for name, *_ in queries.alert_contents(client)}
    finally:
        client.close()
    assert stored == recompute(stack.settings, core).expected.alerts.keys()
    assert len(stored) > 20


def test_another_order_is_noticed(stack: Stack, core: Core) -> None:
    """Two decisions about one patient that change places are no record of what happened."""
    s = stack.settings
    found = 0
    for partition in range(s.partitions):
        made = decisions(s, partition)
        swapped = [r._replace(offset=n) for n, r in enumerate(reversed(made))]
        plain = [r for r in swapped if dict(r.headers).get(KindHeaders.KIND) is None]
        replay = Replay(Supervisors(s, core, lambda digest: None), {}, s.max_ahead_s)
        intake = list(kafka_log.read(s, s.topics.all_intake, [partition]))
        moved = kafka_log.read(s, [s.topics.rekeyed], [partition])
        replay.partition(order_of(plain), intake, dict(map(at_home, moved)))
        found += len(replay.found.differing)
    assert found > 20


def test_a_log_that_was_cut_says_that_the_past_is_not_known(stack: Stack, core: Core) -> None:
    s = stack.settings
    ends = kafka_log.ends(s, [s.topics.decisions])
    (topic, partition), _ = max(ends.items(), key=lambda item: item[1])
    admin = AdminClient({"bootstrap.servers": s.kafka_bootstrap})
    for future in admin.delete_records([TopicPartition(topic, partition, 5)]).values():
        future.result(timeout=20)
    found = recompute(s, core)
    assert set(found.expected.not_recomputed.values()) == {"past_not_in_log"}
    assert found.differing == []
    assert audit(s, core).not_recomputed > 0
