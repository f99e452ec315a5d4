"""Deadlines fire once each, none early, on a real broker, through a kill of the worker."""

from __future__ import annotations

import pytest

from benchmarks import deadlines
from yijian import settings

pytestmark = pytest.mark.integration


@pytest.mark.timeout(300)
def test_each_deadline_stands_once_through_a_kill_and_a_clock_ahead_fires_nobodys() -> None:
    wish = deadlines.Wish(deadlines=300, rate=100, seconds=6, kills=2, seed=3)
    found = deadlines.measure(deadlines.site(settings.load()), wish)
    assert found["deadlines"] == found["fired"] == 300
    assert found["lost"] == found["twice"] == found["early"] == 0
    assert found["of_a_clock_ahead"] == 0
