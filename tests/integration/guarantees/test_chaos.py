"""Kills, freezes and rebalances change nothing; and the audit reports what a broken part does."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from integration.conftest import Servers
from yijian import chaos, settings
from yijian.chaos import Outcome, Plan
from yijian.composition import Core, load_core
from yijian.settings import Settings

SABOTAGE = Path(__file__).parents[2] / "support" / "sabotage.py"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def core() -> Core:
    return load_core(settings.load({}))


def quick() -> Settings:
    return chaos.quick(settings.load(), session_timeout_s=3.0)


def run_with(sabotage: str, core: Core, servers: Servers) -> Outcome:
    prefix = [sys.executable, str(SABOTAGE), sabotage]
    return chaos.run(replace(quick(), **servers), core, CALM, prefix=prefix)


def test_kills_freezes_and_rebalances_lose_nothing_and_repeat_nothing(core: Core) -> None:
    plan = Plan(events=14_000, rate=350.0, worker_kills=2, sink_kills=2, outage_s=5.0, seed=7)
    outcome = chaos.run(quick(), core, plan)
    assert outcome.passed, outcome
    assert outcome.events == plan.events
    assert (outcome.kills, outcome.freezes, outcome.outages) == (4, 4, 2)
    assert outcome.restarts >= outcome.kills


CALM = Plan(events=3000, rate=2000.0, worker_kills=0, sink_kills=0, join_and_leave=False,
            freeze=False, outage_s=0, drain_timeout_s=60.0)  # fmt: skip


def test_a_worker_that_commits_early_is_reported_as_lost(core: Core, servers: Servers) -> None:
    outcome = run_with("commit_early", core, servers)
    assert outcome.lost > 0
    assert outcome.restarts > 0


@pytest.mark.parametrize("sabotage", ["skip_cut", "skip_event_cut"])
def test_a_sink_that_skips_a_cut_is_reported_as_lost(
    core: Core, servers: Servers, sabotage: str
) -> None:
    outcome = run_with(sabotage, core, servers)
    assert 0 < outcome.lost < outcome.events
    assert outcome.restarts == 0  # it was not a crash that lost them


def test_a_worker_that_drops_the_order_of_a_lane_is_reported(core: Core, servers: Servers) -> None:
    outcome = run_with("drop_order", core, servers)
    assert outcome.disorder > 0
    assert not outcome.passed
