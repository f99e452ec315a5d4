"""`yijian verify` beside a worker and a sink, on a real Kafka and the embedded ClickHouse."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

from contracts.decision import Decision, Reader, encode_record
from integration.conftest import Servers
from simulation import Simulator
from simulation.feed import feed
from sinks.client import connect
from sinks.verifications import summary
from yijian import chaos, drain, kafka_log, settings
from yijian.composition import load_core
from yijian.settings import Settings, child_environ
from yijian.stack import Size, Stack

pytestmark = pytest.mark.timeout(240)
EVENTS = 600
read = Reader(Decision)


@pytest.fixture(scope="module")
def stack(module_servers: Servers) -> Iterator[Stack]:
    s = replace(chaos.quick(settings.load({}), 3.0), verify_share=100.0, **module_servers)
    with Stack(s, load_core(s).knowledge, Size(verifiers=1)) as running:
        yield running


def ask(dsn: str, query: str) -> list[Any]:
    client = connect(dsn)
    try:
        return list(client.query(query).result_rows)
    finally:
        client.close()


def until(holds: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.2)


def is_verified(s: Settings) -> bool:
    return drain.waiting(s, s.verify_group, [s.topics.decisions]) == 0


def publish(s: Settings, seed: int) -> None:
    core = load_core(s)
    feed(Simulator(core.knowledge, seed, 100, date(2026, 3, 2), fault_rate=0.5).events(EVENTS),
         s.kafka_bootstrap, s.topics)  # fmt: skip


def decisions(s: Settings) -> list[kafka_log.LogRecord]:
    return list(kafka_log.read(s, [s.topics.decisions]))


def falsified(s: Settings) -> Decision:
    """Puts one decision into the topic once more, without its first finding."""
    for record in decisions(s):
        decision = read(record.value or b"")
        is_plain = decision.scope == "patient" and decision.cause == "event"
        if decision.findings and is_plain and not decision.cut:
            break
    c = decision.coverage
    counted = msgspec.structs.replace(c, alerts=c.alerts - 1, silent=c.silent + 1)
    wrong = msgspec.structs.replace(decision, findings=decision.findings[1:], coverage=counted)
    producer = Producer({"bootstrap.servers": s.kafka_bootstrap})
    producer.produce(
        record.topic, encode_record(wrong), record.key,
        partition=record.partition, headers=list(record.headers),
    )  # fmt: skip
    assert producer.flush(30) == 0
    return decision


def cli(s: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yijian", "verify", *arguments],
        env=child_environ(s), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_every_decision_is_verified_once_through_a_kill_and_a_lie_is_found(stack: Stack) -> None:
    s = stack.settings
    others = {name: stack.processes.pid(name) for name in ("worker-0", "sink-0")}
    publish(s, 1)
    # Killed with work under way; the supervisor starts it again.
    until(lambda: len(ask(s.clickhouse_dsn, "SELECT 1 FROM verifications LIMIT 1")) > 0, "rows")
    stack.processes.kill("verify-0")
    publish(s, 2)
    drain.until_drained(s, 90)
    until(lambda: is_verified(s), "the verifier's group reaches the end")
    assert {name: stack.processes.pid(name) for name in others} == others
    assert stack.processes.restarts["worker-0"] == stack.processes.restarts["sink-0"] == 0
    assert stack.processes.restarts["verify-0"] >= 1

    told = [read(record.value or b"") for record in decisions(s)]
    records = len(told)
    # Acts of a group are judged from the memory of the group, which no row shows.
    own = sum(decision.scope == "patient" for decision in told)
    assert sum(d.scope == "patient" and d.cause == "event" for d in told) == 2 * EVENTS
    (found,) = ask(
        s.clickhouse_dsn,
        "SELECT count(), uniqExact(topic, partition, offset), countIf(result = 'agreed'), "
        "sum(derived), sumIf(1, mapContains(unchecked, 'event_not_found')) "
        "FROM verifications_current",
    )
    assert found[:3] == (records, records, own)
    assert found[3] >= own  # at least the service date of each
    assert found[4] == 0
    assert cli(s, "report").returncode == 0

    right = falsified(s)
    until(lambda: is_verified(s), "the planted decision is verified")
    report = cli(s, "report", "--json")
    assert report.returncode == 1, report.stderr
    said = json.loads(report.stdout)
    assert (said["decisions"]["agreed"], said["decisions"]["disagreed"]) == (own, 1)
    (example,) = said["examples"]
    finding = right.findings[0]
    assert (example["decision_id"], example["rule"]) == (right.decision_id, finding.rule_id)
    assert (example["element"], example["found"]) == (finding.element, "alert")
    wrong = {r["rule"]: r["disagreed"] for r in said["rules"] if r["disagreed"]}
    assert wrong == {finding.rule_id: 1}
    assert right.subject not in report.stdout
    assert finding.rule_id in cli(s, "report").stdout


def test_what_was_read_twice_counts_once(stack: Stack) -> None:
    s = stack.settings
    client = connect(s.clickhouse_dsn)
    try:
        before = summary(client)
        # Another group starts at the log's beginning and writes every row once more.
        stack.settings = replace(s, verify_group=f"{s.verify_group}-again")
        stack.add("verify", 1)
        until(lambda: is_verified(stack.settings), "the second group reaches the end")
        after = summary(client)
    finally:
        stack.processes.stop("verify-1")
        stack.settings = s
        client.close()
    assert after == before


def test_decisions_of_another_pack_are_skipped_and_never_an_agreement(
    stack: Stack, tmp_path: Any
) -> None:
    s = stack.settings
    lines = tmp_path / "decisions.ndjson"
    lines.write_bytes(b"\n".join(record.value or b"" for record in decisions(s)[:50]))
    rule = load_core(s).pack.paths[0][1]
    smaller = tmp_path / "packs" / rule.parent.name
    smaller.mkdir(parents=True)
    (smaller / rule.name).write_bytes(rule.read_bytes())
    done = cli(replace(s, packs=(tmp_path / "packs",)), "offline", str(lines))
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "50 other_pack"


def test_a_share_of_nothing_is_wrong_use(stack: Stack) -> None:
    done = cli(replace(stack.settings, verify_share=0.0))
    assert done.returncode == 2
    assert "YIJIAN_VERIFY_SHARE" in done.stderr


def test_health_and_metrics_are_served_on_loopback(stack: Stack) -> None:
    import urllib.request

    address = stack.addresses["verify-0"]
    with urllib.request.urlopen(f"http://{address}/health", timeout=5) as answer:
        state = json.load(answer)
    assert state["ok"]
    assert state["assigned"]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert "yijian_verify_agreed_pairs_total" in text
    assert "yijian_verify_disagreed_pairs_total{rule=" in text
