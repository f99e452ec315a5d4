"""What is remembered can be filled beside a running worker, and made anew from the log."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from contracts.acts import Patient
from contracts.decision import Basis, KindHeaders
from contracts.event import encode_event
from integration.conftest import Servers
from rules.memory.instants import us_of
from rules.memory.model import Memory
from simulation import Simulator
from simulation.feed import feed
from simulation.simulator import SimulatedEvent
from sinks import queries
from sinks.client import connect
from streams.state import Memories
from streams.supervision import Supervisor
from support.streams_worker import until
from yijian import backfilling, chaos, drain, kafka_log, settings, state_log
from yijian.audit import audit
from yijian.bundles.asking import workers
from yijian.cli import app
from yijian.composition import Core, load_core, load_knowledge, supervisor_of
from yijian.expected import Supervisors
from yijian.rebuilding import CannotRebuild, rebuild_state
from yijian.record import Recomputed, Replay, order_of
from yijian.settings import Settings
from yijian.stack import Size, Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
FOLDER = Path(__file__).parents[2] / "data" / "looks_back"
FIRST, LATER = date(2026, 3, 2), date(2026, 3, 4)


def site(packs: Path, servers: Servers) -> Settings:
    return replace(
        chaos.quick(settings.load({}), 3.0),
        profile="demo",
        packs=(packs,),
        knowledge=(FOLDER / "knowledge",),
        partitions=2,
        **servers,
    )


def publish(s: Settings, day: date, count: int, seed: int = 1) -> None:
    traffic = load_knowledge(settings.load({}))
    events = Simulator(traffic, seed, 40, day).events(count)
    feed(events, s.kafka_bootstrap, s.topics, system=s.systems[0])
    drain.until_drained(s, 120)


def state_of(s: Settings) -> tuple[dict[bytes, Memory], dict[int, Memories]]:
    """Every memory by its subject, and the partitions."""
    found = state_log.read(s)
    keys = {r.key for r in kafka_log.read(s, [s.topics.state]) if r.key and r.key[0]}
    memories = {key: m.recall(key) for key in keys for m in found.values()}
    own = {key: next((x for m in found.values() if not (x := m.recall(key)).is_empty), None)
           for key in memories}  # fmt: skip
    return {key: memory for key, memory in own.items() if memory is not None}, found


def stored_alerts(s: Settings) -> dict[str, bytes]:
    client = connect(s.clickhouse_dsn)
    try:
        return {name: finding for name, *_, finding in queries.alert_contents(client)}
    finally:
        client.close()


class Both(Supervisors):
    """The rules before and after, as decisions name them."""

    def __init__(self, s: Settings, *cores: Core) -> None:
        super().__init__(s, cores[-1], lambda digest: None)
        self._by_pack = {core.evaluator.basis.pack: supervisor_of(s, core) for core in cores}

    def find(self, basis: Basis) -> Supervisor | str:
        return self._by_pack.get(basis.pack, "other_pack")


def replayed(s: Settings, *cores: Core) -> Recomputed:
    replay = Replay(Both(s, *cores), {}, s.max_ahead_s, s.partitions)
    for number in range(s.partitions):
        order = order_of(kafka_log.read(s, [s.topics.decisions], [number]))
        intake = list(kafka_log.read(s, s.topics.all_intake, [number]))
        replay.partition(order, intake, number=number)
    return replay.found


def waiting(stack: Stack, name: str) -> dict[str, str]:
    """The rules that wait, and until when, as the worker says."""
    (worker,) = workers([stack.addresses[name]])
    assert not worker.error
    return dict(one.split(": ", 1) for one in worker.waiting)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules before: nothing looks back at prescriptions."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "house").mkdir()
    for name in ("wait.yaml", "wait.test.yaml"):
        source = FOLDER / "rules" / "house" / name
        if source.exists():
            (folder / "house" / name).write_text(source.read_text("utf-8"), encoding="utf-8")
    return folder


def test_a_backfill_beside_a_running_worker_covers_a_rule_that_is_new(
    narrow: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = site(narrow, servers)
    with Stack(before, load_knowledge(before), Size()) as stack:
        publish(stack.settings, FIRST, 600)
        stack.processes.stop("worker-0")
        stack.settings = s = replace(stack.settings, packs=(FOLDER / "rules",))
        name = stack.add("worker", 1)
        stack._until_ready(name)
        publish(s, LATER, 100, seed=2)
        waited = waiting(stack, name)["house.again"]
        told: list[int] = []
        planned = backfilling.plan(s, datetime(2026, 3, 1, tzinfo=UTC))
        assert planned.records >= 700
        backfilling.run(s, planned, lambda done, of: told.append(done))
        assert told[-1] == sum(len(p) + 2 for p in planned.pieces.values())
        found = state_log.read(s)
        assert {m.coverage.refilled_by for m in found.values()} == {planned.id}
        for memories in found.values():
            since = memories.coverage.known_since("prescription")
            assert since is not None
            assert since < us_of(datetime(2026, 3, 3, 12, tzinfo=UTC))
        assert waiting(stack, name)["house.again"] < waited  # it is covered earlier
        publish(s, LATER, 400, seed=3)
        stack.processes.kill(name)  # it comes again, in the middle of it
        again = ["state", "backfill", "--from", "2026-03-01T00:00Z", "--family", "prescription"]
        filled = told_to(s, monkeypatch, *again)
        assert "known since" in filled
        publish(s, LATER, 100, seed=4)
        replay = replayed(s, load_core(before), load_core(s))
        assert replay.brought > 10
        assert replay.differing == []
        assert not replay.expected.not_recomputed
        assert stored_alerts(s).keys() == replay.expected.alerts.keys()


def test_a_rebuild_of_everything_arrives_at_the_same_state_and_the_same_tables(
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = site(FOLDER / "rules", servers)
    core = load_core(own)
    with Stack(own, core.knowledge, Size()) as stack:
        s = stack.settings
        publish(s, FIRST, 700)
        stack.processes.kill("worker-0")
        publish(s, FIRST, 700, seed=2)
        let_lapse(s)
        time.sleep(2.0)  # the last ticks let the last deadlines pass
        with pytest.raises(CannotRebuild, match="run; stop them first"):
            rebuild_state(s, core)
        stack.processes.stop("worker-0")
        drain_sink(s)
        alerts = stored_alerts(s)
        memories, partitions = state_of(s)
        assert len(alerts) > 10
        said = told_to(s, monkeypatch, "rebuild", "--state", "--yes")
        assert f"{len(memories)} subjects" in said
        rebuilt, parts = state_of(s)
        assert differing(rebuilt, memories) == {}
        for number, known in parts.items():
            assert known.coverage == partitions[number].coverage
            assert known.clocks.sources.keys() == partitions[number].clocks.sources.keys()
        until(lambda: stored_alerts(s) == alerts, 60, "the same alerts")
        name = stack.add("worker", 1)
        stack._until_ready(name)
        publish(s, FIRST, 300, seed=3)
        time.sleep(2.0)
        drain_sink(s)
        audited = audit(s, core)
        assert audited.passed, audited
        assert audited.intake_records == 1704
        for variable, value in settings.as_environ(s).items():
            monkeypatch.setenv(variable, value)
        subject = next(iter(memories)).decode()
        shown = CliRunner().invoke(app, ["state", "show", "--subject-file", "-"], input=subject)
        assert shown.exit_code == 0, shown.output
        assert subject not in shown.output
        named = ["state", "show", "--subject-file", "-", "--show-subjects", "--json"]
        shown = CliRunner().invoke(app, named, input=subject)
        assert subject in shown.stdout


def let_lapse(s: Settings) -> None:
    """A timer that has nothing to say: what it waits for came in as another identity's."""
    events = Simulator(load_knowledge(settings.load({})), 9, 40, FIRST).events(200)
    like = next(e.event for e in events if e.event.type == "prescription.signed.v1")

    def send(name: str, kind: str, subject: str, after_s: int, **said: Any) -> None:
        data = msgspec.structs.replace(
            like.data, act_id=f"lapse-{name}", service_time=msgspec.UNSET,
            encounter=msgspec.structs.replace(like.data.encounter, id="lapse"),
        )  # fmt: skip
        if said:
            data = Patient(act_id=name, revision=1, institution=like.data.institution, **said)
        event = msgspec.structs.replace(
            like, id=f"lapse-{name}", source="urn:yijian:demo:h1:late", type=f"{kind}.v1",
            subject=subject, time=like.time + timedelta(seconds=after_s), data=data,
        )  # fmt: skip
        family = kind.partition(".")[0]
        made = SimulatedEvent(event, family, encode_event(event), ())
        feed(iter([made]), s.kafka_bootstrap, s.topics, system=s.systems[0])
        drain.until_drained(s, 60)

    send("signed", "prescription.signed", "a|1", 0)
    send("given", "prescription.dispensed", "b|1", 30)
    send("one", "patient.merged", "a|1", 40, other_subject="b|1")
    send("later", "patient.updated", "a|1", 120, sex="female")
    until(lambda: lapses(s) == 1, 30, "a timer that lapsed")


def lapses(s: Settings) -> int:
    """How many timers fired with nothing to say."""
    kinds = (dict(r.headers).get(KindHeaders.KIND) for r in kafka_log.read(s, [s.topics.decisions]))
    return sum(kind == KindHeaders.LAPSE for kind in kinds)


def told_to(s: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What a command prints that must do what it is told."""
    for variable, value in settings.as_environ(s).items():
        monkeypatch.setenv(variable, value)
    answer = CliRunner().invoke(app, list(arguments))
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def differing(some: dict[bytes, Memory], others: dict[bytes, Memory]) -> dict[int, list[object]]:
    """Of which memory which fields are not the same, by number."""
    found: dict[int, list[object]] = {}
    for number, key in enumerate(sorted(some.keys() | others.keys())):
        one, other = some.get(key, Memory()), others.get(key, Memory())
        for name in one.__struct_fields__:
            pair = getattr(one, name), getattr(other, name)
            if pair[0] != pair[1]:
                found.setdefault(number, []).append((name, *pair))
    return found


def drain_sink(s: Settings) -> None:
    """Until the sinks have written everything that is in the log."""
    end = time.monotonic() + 60
    while drain.waiting(s, s.sink_group, drain.sink_topics(s)):
        assert time.monotonic() < end
        time.sleep(0.2)
