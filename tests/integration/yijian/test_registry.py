"""The registry broadcast to workers: read before the first event, changed while they work."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from contracts.decision import Decision, Reader
from contracts.registry import PractitionerEntry, RegisteredPractitioner, encode_registered
from knowledge_base.registry import Register
from support.bundled_workers import Hospital, hospital
from support.streams_worker import until
from yijian import kafka_log, registry
from yijian.cli import app
from yijian.expected import Supervisors
from yijian.settings import child_environ

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

_read = Reader(Decision)
LICENCE = "qualification.licence_not_valid"


@pytest.fixture
def house(
    kafka: object, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Hospital:
    found = hospital(kafka.bootstrap, topic_prefix, tmp_path)  # type: ignore[attr-defined]
    found.settings = replace(found.settings, bundle_keys=(), bundle_key=None)
    for name, value in child_environ(found.settings).items():
        monkeypatch.setenv(name, value)
    return found


def everybody(house: Hospital, licensed: bool) -> list[RegisteredPractitioner]:
    entry = PractitionerEntry(start=date(2020, 1, 1), licensed=licensed, active_payment=True)
    return [
        RegisteredPractitioner(institution=p.institution, id=p.id, history=(entry,))
        for p in house.core.knowledge.practitioners(date(2026, 3, 2))
    ]


def publish(house: Hospital, licensed: bool) -> str:
    """As an operator does; the digest that the command prints."""
    file = house.folder / "registry.ndjson"
    file.write_bytes(b"\n".join(map(encode_registered, everybody(house, licensed))))
    answer = CliRunner().invoke(app, ["registry", "publish", str(file)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout.split()[-1]


def decisions(house: Hospital) -> list[Decision]:
    read = kafka_log.read(house.settings, [house.settings.topics.decisions])
    return [_read(record.value or b"") for record in read]


def test_workers_decide_by_what_is_registered_and_say_so(house: Hospital) -> None:
    first = publish(house, licensed=False)
    with house.workers("worker"):
        house.feed(house.events(200))
        until(house.all_done, deadline_s=60)
        before = decisions(house)
        assert {d.basis.registry for d in before} == {first}
        assert any(f.rule_id == LICENCE for d in before for f in d.findings)
        second = publish(house, licensed=True)
        until(lambda: house.rules()["registry"]["digest"] == second)
        house.feed(house.events(200, seed=2))
        until(house.all_done, deadline_s=60)
    names = {d.decision_id for d in before}
    later = [d for d in decisions(house) if d.decision_id not in names]
    assert {d.basis.registry for d in later} == {second}
    assert not any(f.rule_id == LICENCE for d in later for f in d.findings)
    shown = json.loads(CliRunner().invoke(app, ["registry", "show", "--json"]).stdout)
    assert shown["registry"] == second
    assert len(shown["records"]) == len(everybody(house, licensed=True))
    # Both states are found again, so what they decided can be decided again.
    found = Supervisors(
        house.settings, house.core, lambda digest: None, registry.from_topic(house.settings)
    )
    for decision in (before[0], later[0]):
        supervisor = found.find(decision.basis)
        assert not isinstance(supervisor, str)
        assert supervisor.basis == decision.basis
    unknown = msgspec.structs.replace(before[0].basis, registry="0" * 16)
    assert found.find(unknown) == "registry_not_found"


def test_what_was_registered_by_mistake_is_taken_out_and_earlier_states_are_found(
    house: Hospital,
) -> None:
    def remove(*keys: str, answer: str = "") -> Result:
        return CliRunner().invoke(app, ["registry", "remove", *keys], input=answer)

    def registered() -> Register:
        return registry.read_log(house.settings).register

    def in_use() -> str:
        return str(house.rules().get("registry", {}).get("digest"))

    mistake, *others = everybody(house, licensed=False)
    before = publish(house, licensed=False)
    key = mistake.key.decode()
    refused = remove(key, "device/demo-h1/none", "--yes")
    assert refused.exit_code == 1
    assert "device/demo-h1/none: not registered" in refused.output
    assert remove(key, "--dry-run").exit_code == 0
    assert remove(key, answer="n\n").exit_code == 1
    assert registered().digest == before
    with house.workers("worker"):
        until(lambda: in_use() == before, deadline_s=60)
        done = remove(key, key, answer="y\n")
        assert done.exit_code == 0, done.output
        after = Register.of(others).digest
        assert done.stdout.split()[-1] == after
        until(lambda: in_use() == after)
    assert registered().records == Register.of(others).records
    assert remove(key, "--yes").exit_code == 1
    find = registry.from_topic(house.settings)
    for digest, is_there in ((before, True), (after, False)):
        found = find(digest)
        assert found is not None
        assert ((mistake.institution, mistake.id) in found.practitioners) is is_there


def test_a_file_with_a_fault_publishes_nothing(house: Hospital) -> None:
    good, *_ = everybody(house, licensed=True)
    file = house.folder / "registry.ndjson"
    file.write_bytes(encode_registered(good) + b'\n\n{"kind": "bed"}\nnot json\n')
    answer = CliRunner().invoke(app, ["registry", "publish", str(file)])
    assert answer.exit_code == 1
    assert "line 3" in answer.output
    assert "line 4" in answer.output
    assert registry.read_log(house.settings).register.records == ()
    file.write_bytes(encode_registered(good))
    assert CliRunner().invoke(app, ["registry", "publish", str(file), "--dry-run"]).exit_code == 0
    assert registry.read_log(house.settings).register.records == ()
