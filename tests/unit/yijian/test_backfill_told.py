"""What the command that brings in past acts says of rules that it does nothing for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.event import encode_event
from streams.answers import Answer, Joined
from streams.state import Memories
from support.past import SITE, again, core_of, event, two_places
from yijian import backfilling, services, state_log
from yijian.backfilling import Plan
from yijian.cli import app, state_cmd
from yijian.composition import supervisor_of
from yijian.settings import Settings

CORE = core_of(again(), two_places())


def remembered() -> Memories:
    """A patient and a practitioner, who were heard of for ten hours."""
    memories, supervisor = Memories(), supervisor_of(SITE, CORE)
    for name, at_h in (("a", 0), ("b", 10)):
        came = event(name, at_h, practitioner="P1")
        value, key = encode_event(came), came.subject.encode()
        answer = supervisor.supervise(value, key, past=memories)
        assert isinstance(answer, Answer)
        told = list(supervisor.tell_groups(answer, value, memories))
        assert [type(one) for one in told] == [Joined]
    return memories


def told(monkeypatch: pytest.MonkeyPatch, s: Settings, family: str = "prescription") -> str:
    def nothing(*args: Any) -> None: ...

    memories = remembered()
    memories.coverage.refilled_by = "x"
    memories.coverage.refilled("prescription", 0)
    planned = Plan("x", 0, (family,), {}, {}, ())
    monkeypatch.setattr(services, "with_kafka", lambda own: s)
    monkeypatch.setattr(backfilling, "plan", lambda *args: planned)
    monkeypatch.setattr(backfilling, "run", nothing)
    monkeypatch.setattr(state_log, "read", lambda own: {0: memories})
    monkeypatch.setattr(state_cmd, "load_core", lambda own: CORE)
    answer = CliRunner().invoke(app, ["state", "backfill", "--from", "2026-03-01T00:00Z"])
    assert answer.exit_code == 0, answer.output
    return " ".join(answer.output.split())


def test_it_says_until_when_rules_about_groups_go_on_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = told(monkeypatch, SITE)
    assert "groups are told of nothing that is brought in" in said
    # 72 hours after the group was heard of first
    assert "spec.two_places: until 至 2026-03-05T00:00:00+00:00" in said
    assert "spec.again" not in said
    assert "two_places" not in told(monkeypatch, SITE, "billing")  # it asks for no such acts


def test_where_rules_come_as_bundles_it_says_who_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(monkeypatch, replace(SITE, bundle_keys=("k",)))
    assert "groups are told of nothing that is brought in" in said
    assert "yijian rules bundles --status" in said
