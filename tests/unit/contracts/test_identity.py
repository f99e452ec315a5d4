"""Names are for ever: a change here renames history."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from contracts.identity import (
    EventKey,
    Subject,
    alert_id,
    decision_id,
    derived_id,
    murmur2,
    partition_of,
)


def test_an_id_is_a_version_5_uuid() -> None:
    assert uuid.UUID(derived_id("a", "b")).version == 5


def test_names_do_not_change_between_versions() -> None:
    key = EventKey("urn:hospital:1", "e1")
    assert decision_id(key) == "26e0ae16-7530-552a-84fe-38a379b804bd"
    assert alert_id(key, "event", "a.b", 1, "1") == "80ca4bc4-8a0b-51c5-9b49-438937900cdf"


@given(st.lists(st.text(), min_size=2, max_size=2), st.lists(st.text(), min_size=2, max_size=2))
def test_different_parts_give_different_names(one: list[str], two: list[str]) -> None:
    clean = all("\x1f" not in part for part in one + two)
    assert not clean or (derived_id(*one) == derived_id(*two)) == (one == two)


def test_scope_and_cause_are_part_of_a_decisions_name() -> None:
    key = EventKey("s", "1")
    names = {decision_id(key), decision_id(key, "group"), decision_id(key, "patient", "timer")}
    assert len(names) == 3


def test_the_partition_is_the_one_that_java_and_librdkafka_choose() -> None:
    # Values from Kafka's own test of Utils.murmur2 (Apache-2.0), as unsigned numbers.
    expected = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    for data, signed in expected.items():
        assert murmur2(data) == signed & 0xFFFFFFFF
    assert 0 <= partition_of(b"hospital-1|p1", 4) < 4


def test_a_subject_is_its_namespace_and_its_id() -> None:
    assert Subject.parse("h1|p|1") == Subject("h1", "p|1")
    assert str(Subject("h1", "p1")) == "h1|p1"
    assert [Subject.parse(t) for t in ("", "h1", "|p", "h1|")] == [None] * 4
