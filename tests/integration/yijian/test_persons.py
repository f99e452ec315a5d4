"""Two identities of a patient on a real broker: merged, killed in between, parted, audited."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from contracts.acts import Patient
from contracts.event import Envelope, Event, encode_event
from contracts.identity import partition_of
from integration.conftest import Servers
from rules.memory import ties
from simulation import Simulator
from simulation.feed import feed
from simulation.simulator import SimulatedEvent
from sinks import queries
from sinks.client import connect
from yijian import chaos, drain, settings, state_log
from yijian.audit import audit
from yijian.cli import app
from yijian.composition import load_core, load_knowledge
from yijian.record import recompute
from yijian.settings import Settings
from yijian.stack import Size, Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
FOLDER = Path(__file__).parents[2] / "data" / "looks_back"
DAY = date(2026, 3, 2)
COUNT = 1600


def site(servers: Servers) -> Settings:
    return replace(
        chaos.quick(settings.load({}), 3.0),
        profile="demo",
        packs=(FOLDER / "rules",),
        knowledge=(FOLDER / "knowledge",),
        partitions=4,
        **servers,
    )


def sendable(event: Event) -> SimulatedEvent:
    return SimulatedEvent(event, event.type.partition(".")[0], encode_event(event), ())


def about(verb: str, subject: str, other: str, like: Event, number: int) -> SimulatedEvent:
    """That two subjects are one person, or are not, as the source of another event says it."""
    data = Patient(
        act_id=f"tie-{number}", revision=1, institution=like.data.institution, other_subject=other
    )
    made: Any = Envelope(
        specversion="1.0", id=f"tie-{verb}-{number}", source=like.source,
        type=f"patient.{verb}.v1", time=like.time, subject=subject, data=data,
    )  # fmt: skip
    return sendable(made)


def again(event: Event, subject: str, number: int) -> SimulatedEvent:
    """The same prescription for another subject, an hour later."""
    data = msgspec.structs.replace(event.data, act_id=f"again-{number}", service_time=msgspec.UNSET)
    later = msgspec.structs.replace(
        event, id=f"again-{number}", subject=subject, data=data,
        time=event.time + timedelta(hours=1),
    )  # fmt: skip
    return sendable(later)


def rules_found(s: Settings) -> dict[str, set[str]]:
    """By event id the rules that found something."""
    client = connect(s.clickhouse_dsn)
    found: dict[str, set[str]] = {}
    try:
        for _, _, event_id, finding in queries.alert_contents(client):
            found.setdefault(event_id, set()).add(msgspec.json.decode(finding)["rule_id"])
    finally:
        client.close()
    return found


def test_identities_that_are_merged_and_parted_lose_nothing(
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = site(servers)
    core = load_core(own)
    traffic = load_knowledge(settings.load({}))
    events = list(Simulator(traffic, 3, 40, DAY).events(COUNT))
    signed = next(e.event for e in events[:200] if e.event.type == "prescription.signed.v1")
    subjects = list(dict.fromkeys(e.event.subject for e in events))[:60]
    here = partition_of(signed.subject.encode(), own.partitions)
    twin = next(
        name for name in (f"other|{n}" for n in range(99))
        if partition_of(name.encode(), own.partitions) != here
    )  # fmt: skip
    pairs = [(signed.subject, twin), *zip(subjects[1::3], subjects[2::3], strict=False)]
    pairs = [pair for pair in pairs if signed.subject not in pair or twin in pair]
    with Stack(own, core.knowledge, Size()) as stack:
        s = stack.settings

        def send(some: list[SimulatedEvent], timeout_s: float = 120) -> None:
            feed(some, s.kafka_bootstrap, s.topics, system=s.systems[0])
            drain.until_drained(s, timeout_s)

        send([*events[: COUNT // 3], again(signed, twin, 1)])
        send([again(signed, twin, 2)])
        merges = [about("merged", *pair, signed, n) for n, pair in enumerate(pairs)]
        feed(merges, s.kafka_bootstrap, s.topics, system=s.systems[0])
        stack.processes.kill("worker-0")
        part = events[COUNT // 3 : 2 * COUNT // 3]
        feed(part, s.kafka_bootstrap, s.topics, system=s.systems[0])
        stack.processes.kill("worker-0")
        send([])
        other = next(e.event for e in events[200:] if e.event.type == "prescription.signed.v1")
        send([again(other, signed.subject, 3)])
        send([again(other, twin, 4)])
        partings = [about("unlinked", *pair, signed, n) for n, pair in enumerate(pairs[::2])]
        feed(partings, s.kafka_bootstrap, s.topics, system=s.systems[0])
        stack.processes.kill("worker-0")
        send(events[2 * COUNT // 3 :])
        send([merges[0], again(other, twin, 1)])  # again, as after an outage; and a reused id
        replayed = recompute(s, core)
        audited = audit(s, core)
        found = rules_found(s)
        shown = _shown(s, monkeypatch, [signed.subject, twin, *pairs[1]])
    assert audited.passed, audited
    assert audited.intake_records > COUNT
    assert replayed.differing == []
    assert replayed.forwarded > 20
    assert replayed.ties > 50
    assert "house.again" in found["again-4"]  # the other identity was given the same
    assert shown[0]["tied"] == shown[1]["tied"] == 0  # they were parted
    assert shown[2]["tied"] + shown[3]["tied"] >= 1


def _shown(
    s: Settings, monkeypatch: pytest.MonkeyPatch, subjects: list[str]
) -> list[dict[str, Any]]:
    """What `yijian state show` says of subjects."""
    for variable, value in settings.as_environ(s).items():
        monkeypatch.setenv(variable, value)
    told = ["state", "show", "--subject-file", "-", "--json"]
    answer = CliRunner().invoke(app, told, input="\n".join(subjects))
    assert answer.exit_code == 0, answer.output
    rows: list[dict[str, Any]] = msgspec.json.decode(answer.stdout)["subjects"]
    homes = [ties.home_of(m.recall(name.encode())) for m in state_log.read(s).values()
             for name in subjects]  # fmt: skip
    assert any(homes)  # the second pair is one person still
    return rows
