"""Deadlines fire once each, none early, on a real broker, through a kill of the worker."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import deadlines
from integration.conftest import Servers
from yijian import settings
from yijian.composition import Core
from yijian.record import recompute
from yijian.settings import Settings

SABOTAGE = Path(__file__).parents[2] / "support" / "sabotage.py"
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def site(servers: Servers) -> Settings:
    return replace(deadlines.site(settings.load()), **servers)


def unfired(s: Settings, core: Core) -> dict[str, Any]:
    """Deadlines that the audit would miss."""
    return {"unfired": len(recompute(s, core).unfired)}


def test_each_deadline_stands_once_through_a_kill_and_a_clock_ahead_fires_nobodys(
    servers: Servers,
) -> None:
    wish = deadlines.Wish(deadlines=300, rate=100, seconds=6, kills=2, seed=3)
    found = deadlines.measure(site(servers), wish, also=unfired)
    assert found["deadlines"] == found["fired"] == 300
    assert found["lost"] == found["twice"] == found["early"] == found["unfired"] == 0
    assert found["of_a_clock_ahead"] == 0


def test_deadlines_that_a_worker_forgets_are_found_by_the_order_of_record(servers: Servers) -> None:
    wish = deadlines.Wish(deadlines=300, rate=100, seconds=6, kills=0, seed=3, settle_s=6)
    broken = [sys.executable, str(SABOTAGE), "forget_timers"]
    found = deadlines.measure(site(servers), wish, broken, unfired)
    assert 0 < found["unfired"] <= found["lost"] < 300
