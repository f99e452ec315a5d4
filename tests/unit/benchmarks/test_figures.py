"""How figures are made from what was seen."""

from __future__ import annotations

import pytest

from benchmarks.errors import BenchmarkError, FiringsDiffer, Stalled
from benchmarks.firings import Fired, Fires, check_equal
from benchmarks.growth import Sample, rate
from benchmarks.latency import spread
from contracts.identity import EventKey

EVENTS = {EventKey("urn:s", "1"), EventKey("urn:s", "2")}
FIRED = {Fired("urn:s", "1", "rule", "line")}


def test_neither_start_nor_end_counts_for_a_rate() -> None:
    slow_start = [Sample(float(second), 0, 0.0) for second in range(10)]
    steady = [Sample(10 + n / 10, n * 100, n * 0.08) for n in range(1, 11)]
    slow_end = [Sample(60.0, 1000, 2.0)]
    found = rate([*slow_start, *steady, *slow_end], 1000)
    assert found.per_s == pytest.approx(1000)
    assert found.cores == pytest.approx(0.8)


def test_a_topic_that_filled_within_one_look_has_no_rate() -> None:
    with pytest.raises(Stalled, match="more events"):
        rate([Sample(0.0, 0, 0.0), Sample(1.0, 1000, 0.1)], 1000)


def test_a_spread_tells_median_and_the_value_that_one_of_a_hundred_exceeds() -> None:
    assert spread(list(range(1, 1001))) == (1000, 500.0, 990.0, 1000.0)
    assert spread([7]) == (1, 7.0, 7.0, 7.0)


def test_without_an_alert_there_is_no_latency() -> None:
    with pytest.raises(BenchmarkError, match="nothing fired"):
        spread([])


def test_equal_firings_are_counted() -> None:
    assert check_equal(Fires(EVENTS, FIRED), Fires(EVENTS, FIRED)) == 1


def test_different_firings_are_an_error_that_names_the_rule() -> None:
    with pytest.raises(FiringsDiffer, match="only ours: 1 firings, only the peer's: 0: rule on"):
        check_equal(Fires(EVENTS, FIRED), Fires(EVENTS, set()))


def test_events_that_one_engine_did_not_answer_are_an_error() -> None:
    with pytest.raises(FiringsDiffer, match="1 of the peer's 2 events"):
        check_equal(Fires({EventKey("urn:s", "1")}, FIRED), Fires(EVENTS, FIRED))
