"""Offline evaluation remembers a person under whatever name an event comes."""

from __future__ import annotations

import msgspec

from support.past import SITE, admission, again, core_of, event, lines_of, note, tie
from yijian.composition import supervisor_of
from yijian.offline import evaluate

CORE = core_of(again(), note())


def told(*lines: bytes) -> list[tuple[str, str, str]]:
    """Event, subject and verdict of every decision."""
    supervisor = supervisor_of(SITE, CORE, from_kafka=False)
    answers = (msgspec.json.decode(a.line) for a in evaluate(lines, supervisor))
    return [
        (a["event"]["id"], a["subject"], a["verdict"]) if "event" in a else (a["id"], "", "repeat")
        for a in answers
    ]


def test_what_came_under_one_name_is_known_under_the_other() -> None:
    lines = lines_of([
        event("1", 0, "b"), event("2", 0, "a", items=[{"drug": "D2"}]),
        tie("linked", "t", 1, "a", "b"), event("3", 2, "b", items=[{"drug": "D2"}]),
        event("4", 3, "a"), event("1", 0, "b"), event("3", 2, "b", items=[{"drug": "D2"}]),
    ])  # fmt: skip
    found = told(*lines)
    assert [(one, verdict) for one, _, verdict in found[3:]] == [
        ("3", "findings"), ("4", "findings"), ("1", "repeat"), ("3", "repeat"),
    ]  # fmt: skip
    assert found[3][1] == "test|b"


def test_a_deadline_passes_where_its_patient_is_remembered_now() -> None:
    lines = lines_of([
        admission("in", 0, "v1", "b"), tie("merged", "t", 1, "b", "a"), event("9", 90, "c"),
    ])  # fmt: skip
    (found,) = [one for one in told(*lines) if one[0] == "in" and one[2] != "no_rules"][1:]
    assert found[1] == "test|b"
