"""A worker that comes back with a pack that withdraws a rule takes its alerts back."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from integration.conftest import Servers
from simulation import Simulator
from simulation.faults import cases_about
from simulation.feed import feed
from sinks import queries
from sinks.client import connect
from yijian import chaos, drain, settings
from yijian.audit import audit
from yijian.composition import PACKS, load_core
from yijian.stack import Size, Stack

pytestmark = pytest.mark.timeout(180)
RULE = "prescription_standards.days_supply"


def alerts(dsn: str) -> dict[str, int]:
    client = connect(dsn)
    try:
        found: dict[str, int] = {}
        for row in queries.alert_counts(client):
            found[row.rule_id] = found.get(row.rule_id, 0) + row.alerts
        return found
    finally:
        client.close()


def decisions(dsn: str) -> int:
    client = connect(dsn)
    try:
        return queries.counts(client).decisions
    finally:
        client.close()


def test_a_restart_on_a_pack_that_withdraws_a_rule_withdraws_its_alerts(
    tmp_path: Path, servers: Servers
) -> None:
    # Nothing is committed before the kill, so everything is evaluated again; a worker that
    # remembers would know the events whose outputs are out, and answer them as repeats.
    s = chaos.quick(settings.load({}), 3.0)
    s = replace(s, commit_interval_s=3600.0, state="off", **servers)
    core = load_core(s)
    cases = cases_about({RULE, "medication_safety.allergy"})
    day = date(2026, 3, 2)
    events = Simulator(core.knowledge, 1, 200, day, fault_rate=0.9, cases=cases).events(1500)
    smaller = tmp_path / "packs"
    shutil.copytree(PACKS, smaller)
    for file in (smaller / "prescription_standards").glob("days_supply.*"):
        file.unlink()
    with Stack(s, core.knowledge, Size()) as stack:
        s = stack.settings
        feed(events, s.kafka_bootstrap, s.topics)
        deadline = time.monotonic() + 60
        while decisions(s.clickhouse_dsn) < 1500 and time.monotonic() < deadline:
            time.sleep(0.2)
        before = alerts(s.clickhouse_dsn)
        assert before[RULE] > 0
        stack.processes.kill("worker-0")
        stack.processes.stop("worker-0")
        stack.settings = s = replace(s, packs=(smaller,), commit_interval_s=0.5)
        stack.add("worker", 0)
        drain.until_drained(s, 90)
        after = alerts(s.clickhouse_dsn)
        assert after == {rule: n for rule, n in before.items() if rule != RULE}
        figures = audit(s, load_core(s))
        assert figures.passed, figures
