"""One load, two runs: each equals its own order of record, and both end alike."""

from __future__ import annotations

import pytest

from benchmarks import replay_law
from yijian import settings
from yijian.composition import load_core

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_kills_and_a_second_worker_change_no_decision_and_nothing_that_waited() -> None:
    s = replay_law.site(settings.load(), session_timeout_s=3.0)
    told: list[str] = []
    disturbed = replay_law.Run("disturbed", is_killed=True, joins=True)
    wish = replay_law.Wish(events=2500, kills=2, runs=(replay_law.CALM, disturbed))
    figures = replay_law.trial(s, load_core(s), wish, told.append)
    assert figures["holds"], "\n".join(told)
    assert figures["unlike"] == 0
    assert figures["waited_and_stand"] > 20
    assert all(run["timers"] > 50 for run in figures["runs"].values())
