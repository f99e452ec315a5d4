"""An installation begins to listen: for a window that it cannot see no rule is silent."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from contracts.decision import Decision
from contracts.event import Event
from rules.memory.attendant import MemorySettings
from rules.memory.coverage import Coverage
from rules.memory.groups import Attendants
from rules.memory.model import Memory
from simulation import Simulator
from yijian import settings
from yijian.composition import PACKS, Core, load_core, load_knowledge

LOOKS_BACK = Path(__file__).parents[3] / "data" / "looks_back"
RULE = "house.again"
WINDOW = timedelta(days=30)
FIRST = date(2026, 3, 2)
DAYS = 34
A_DAY = 60


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Core:
    """The shipped packs, and a rule that asks for nothing but the last thirty days."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "rules" / "house").mkdir(parents=True)
    text = (LOOKS_BACK / "rules" / "house" / "again.yaml").read_text(encoding="utf-8")
    (folder / "rules" / "house" / "again.yaml").write_text(text, encoding="utf-8")
    limits = (LOOKS_BACK / "knowledge" / "house.yaml").read_text(encoding="utf-8")
    assert "value: 72" in limits
    (folder / "house.yaml").write_text(limits.replace("value: 72", "value: 720"), encoding="utf-8")
    demo = Path(__file__).parents[4] / "knowledge_base" / "data" / "demo"
    site = replace(
        settings.load({}), profile="demo", packs=(PACKS, folder / "rules"),
        knowledge=(demo, folder / "house.yaml"),
    )  # fmt: skip
    return load_core(site)


def arrivals() -> list[Event]:
    """Thirty-four days of invented traffic; one event of eight comes up to two days late."""
    knowledge, chance = load_knowledge(settings.load({})), random.Random(7)
    found: list[tuple[datetime, int, Event]] = []
    for number in range(DAYS):
        simulator = Simulator(knowledge, number, 15, FIRST + timedelta(days=number))
        for one in simulator.events(A_DAY):
            late_h = chance.uniform(1, 48) if chance.random() < 1 / 8 else 0
            arrives = one.event.time + timedelta(hours=late_h)
            # The same people come again: what a day's run calls a person is a person of all days.
            event = replace_subject(one.event, len(found) % 40)
            found.append((arrives, len(found), event))
    return [event for *_, event in sorted(found, key=lambda one: one[:2])]


def replace_subject(event: Event, number: int) -> Event:
    return msgspec.structs.replace(event, subject=f"test|{number}")


def said(decision: Decision) -> str:
    if any(found.rule_id == RULE for found in decision.findings):
        return "alert"
    if any(lacks.rule_id == RULE for lacks in decision.not_evaluable):
        return "not_evaluable"
    return "silent"


def test_in_the_first_thirty_days_no_history_rule_is_silent(core: Core) -> None:
    attendants = Attendants(core.evaluator, MemorySettings())
    memories: dict[str, Memory] = {}
    coverage = Coverage()
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    covered_at: datetime | None = None
    for event in arrivals():
        memory = memories.setdefault(event.subject, Memory())
        decision = attendants.take(event, "x", memory, coverage).decisions[0]
        if event.type != "prescription.signed.v1":
            continue
        if covered_at is None:
            covered_at = event.time + WINDOW
        answer = said(decision)
        (before if event.time < covered_at else after)[answer] += 1
    assert before["silent"] == 0
    assert before["not_evaluable"] > 50
    assert before["alert"] > 0
    assert after["silent"] > 0  # it is silent where it can see
