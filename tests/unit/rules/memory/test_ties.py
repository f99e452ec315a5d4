"""Subjects of one person: one home holds everything, whatever the order, and parting restores."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contracts.decision import Decision
from contracts.event import Event
from contracts.tie import GO
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.memory import ties
from rules.memory.coverage import Coverage, Held
from rules.memory.groups import Attendants
from rules.memory.model import Memory, copied, decode, encode
from rules.memory.recalled import Recalled
from rules.pack import Pack
from support.past import BASE, START, again, note


class Town:
    """Subjects with their mail, each lane of its own; messages of a lane keep their order."""

    def __init__(self, *rules: Any, pick: Any = None) -> None:
        self.attendants = Attendants(Evaluator(Pack.of(rules or (again(),)), BASE, "demo"))
        self.coverage = Coverage(is_total=True)
        self.memories: dict[str, Memory] = {}
        self.queues: dict[str, deque[tuple[ties.Mail, Event | None]]] = {}
        self.decisions: dict[str, Decision] = {}
        self.repeats: list[str] = []
        self.twice = False
        """Whether every message comes twice, as after a crash."""
        self._pick = pick
        self._count = self._heard = 0

    def memory(self, subject: str) -> Memory:
        return self.memories.setdefault(subject, Memory())

    def event(self, subject: str, at_h: float, **short: Any) -> Event:
        self._count += 1
        base: dict[str, Any] = {
            "event": "prescription.signed", "at": (START + timedelta(hours=at_h)).isoformat(),
            "act_id": f"a{self._count}", "items": [{"drug": "D1"}],
        }  # fmt: skip
        if not str(short.get("event", "prescription")).startswith("prescription"):
            base.pop("items")
        made = event_of({**base, **short}, BASE)
        return msgspec.structs.replace(made, id=f"e{self._count}", subject=subject)

    def about(self, verb: str, subject: str, other: str, at_h: float = 0) -> Event:
        made = self.event(subject, at_h, event=f"patient.{verb}")
        data = msgspec.structs.replace(made.data, other_subject=other)
        return msgspec.structs.replace(made, data=data)

    def takes(self, event: Event, at: str = "") -> Decision | None:
        own = at or event.subject
        memory = self.memory(own)
        taken = self.attendants.take(event, event.id, memory, self.coverage, own)
        if taken.forwarded:
            self._post(own, (ties.Mail("forward", taken.forwarded),), event)
            return None
        if taken.repeat is not None:
            self.repeats.append(event.id)
            return None
        self.memories[own] = decode(encode(memory))
        self._post(own, taken.mails)
        self.decisions[event.id] = taken.decisions[0]
        return taken.decisions[0]

    def _post(self, sender: str, mails: Any, event: Event | None = None) -> None:
        for mail in mails:
            times = 2 if self.twice else 1
            for _ in range(times):
                self.queues.setdefault(f"{sender}>{mail.to}", deque()).append((mail, event))

    def intake(self, event: Event) -> None:
        """An event waits for its turn behind those of its subject that came before."""
        mail = ties.Mail("event", event.subject)
        self.queues.setdefault(f"intake>{event.subject}", deque()).append((mail, event))

    def delivers(self) -> bool:
        """One message or event; False where there is none."""
        waiting = sorted(name for name, queue in self.queues.items() if queue)
        if not waiting:
            return False
        name = self._pick(waiting) if self._pick else waiting[0]
        mail, event = self.queues[name].popleft()
        if event is not None:
            self.takes(event, mail.to)
            return True
        self._heard += 1
        memory = self.memory(mail.to)
        told = self.attendants.hear(
            mail.kind, mail.value, f"\x1fm{self._heard}", memory, self.coverage, mail.to,
            is_written=True,
        )  # fmt: skip
        assert told is not None
        self.memories[mail.to] = decode(encode(memory))
        self._post(mail.to, told.mails)
        return True

    def settles(self) -> None:
        for _ in range(10_000):
            if not self.delivers():
                return
        raise AssertionError("messages go round for ever")

    def homes(self) -> list[str]:
        return sorted(s for s, m in self.memories.items() if not ties.home_of(m))


def comes(town: Town, event: Event) -> Decision:
    """The decision about an event, wherever it is made."""
    town.takes(event)
    town.settles()
    return town.decisions[event.id]


def ties_town(town: Town, *pairs: tuple[str, str]) -> None:
    for one, other in pairs:
        comes(town, town.about("merged", one, other))


def acts(memory: Memory) -> set[str]:
    return {act.act_id for act in memory.acts.values()}


def test_after_a_merge_rules_see_the_acts_of_both() -> None:
    town = Town()
    comes(town, town.event("h|b", 0))
    assert comes(town, town.event("h|a", 1)).verdict == "clean"
    ties_town(town, ("h|a", "h|b"))
    found = comes(town, town.event("h|a", 2, items=[{"drug": "D2"}]))
    assert found.verdict == "clean"
    found = comes(town, town.event("h|b", 3, items=[{"drug": "D2"}]))
    assert found.verdict == "findings"
    assert found.subject == "h|b"
    assert town.homes() == ["h|a"]


def test_the_larger_name_may_tell_of_the_smaller_one() -> None:
    town = Town()
    comes(town, town.event("h|b", 0))
    ties_town(town, ("h|b", "h|a"))
    assert town.homes() == ["h|a"]
    assert comes(town, town.event("h|a", 1)).verdict == "findings"


def test_an_event_that_comes_again_is_known_at_its_old_place_and_at_the_new_one() -> None:
    town = Town()
    before, after = town.event("h|b", 0), town.event("h|b", 1)
    comes(town, before)
    ties_town(town, ("h|a", "h|b"))
    comes(town, after)
    comes(town, before)
    comes(town, after)
    assert town.repeats == [before.id, after.id]


def test_a_deadline_goes_with_its_patient() -> None:
    town = Town(again(), note())
    visit = {"id": "v1", "kind": "inpatient"}
    comes(town, town.event("h|b", 0, event="encounter.admitted", act_id="v1", encounter=visit))
    ties_town(town, ("h|a", "h|b"))
    memory = town.memories["h|a"]
    (timer,) = memory.timers.values()
    fired = town.attendants.fire(memory, town.coverage, timer.id, timer.fire_us)
    (decision,) = fired.decisions
    assert (decision.verdict, decision.subject) == ("findings", "h|b")
    assert town.memories["h|b"].timers == {}


@pytest.mark.parametrize(("patient", "writer"), [("h|a", "h|b"), ("h|b", "h|a")])
def test_a_duty_waits_again_when_what_fulfilled_it_leaves(patient: str, writer: str) -> None:
    town = Town(again(), note())
    visit = {"id": "v1", "kind": "inpatient"}
    comes(town, town.event(patient, 0, event="encounter.admitted", act_id="v1", encounter=visit))
    ties_town(town, ("h|a", "h|b"))
    written = {"kind": "first_progress_note", "signed_at_trusted": True}
    comes(town, town.event(writer, 1, event="document.signed", encounter={"id": "v1"}, **written))
    (timer,) = town.memories["h|a"].timers.values()
    assert timer.by
    comes(town, town.about("unlinked", "h|a", "h|b", 2))
    memory = town.memories[patient]
    (timer,) = memory.timers.values()
    assert timer.fire_us == timer.due_us + 1
    (decision,) = town.attendants.fire(memory, town.coverage, timer.id, timer.fire_us).decisions
    assert (decision.verdict, decision.subject) == ("findings", patient)


def test_what_came_with_a_subject_leaves_with_it() -> None:
    town = Town(again(), note())
    comes(town, town.event("h|a", 0, act_id="mine"))
    visit = {"id": "v1", "kind": "inpatient"}
    comes(town, town.event("h|b", 0, event="encounter.admitted", act_id="v1", encounter=visit))
    ties_town(town, ("h|a", "h|b"))
    comes(town, town.event("h|b", 1, act_id="theirs"))
    comes(town, town.about("unlinked", "h|a", "h|b", 2))
    assert town.homes() == ["h|a", "h|b"]
    one, other = town.memories["h|a"], town.memories["h|b"]
    assert (acts(one), acts(other)) == ({"mine"}, {"v1", "theirs"})
    assert (len(one.timers), len(other.timers)) == (0, 1)
    assert one.links == other.links == one.came == other.came == {}
    assert comes(town, town.event("h|b", 3)).verdict == "findings"
    assert town.memories["h|b"].generation > town.memories["h|a"].generation


def test_where_the_home_leaves_the_others_go_to_the_next_one() -> None:
    town = Town()
    for name in "abc":
        comes(town, town.event(f"h|{name}", 0, act_id=name))
    ties_town(town, ("h|c", "h|a"), ("h|b", "h|a"))
    comes(town, town.about("unlinked", "h|b", "h|a", 1))
    assert town.homes() == ["h|a", "h|b"]
    assert acts(town.memories["h|a"]) == {"a"}
    assert acts(town.memories["h|b"]) == {"b", "c"}
    comes(town, town.event("h|c", 2, act_id="c2"))
    assert acts(town.memories["h|b"]) == {"b", "c", "c2"}


def test_a_subject_whose_stub_led_to_one_that_left_finds_its_person() -> None:
    town = Town()
    for name in "abc":
        comes(town, town.event(f"h|{name}", 0, act_id=name))
    ties_town(town, ("h|c", "h|b"), ("h|b", "h|a"))
    assert ties.home_of(town.memories["h|c"]) == "h|b"
    comes(town, town.about("unlinked", "h|a", "h|b", 1))
    assert ties.home_of(town.memories["h|c"]) == "h|a"
    comes(town, town.event("h|c", 2, act_id="c2"))
    assert acts(town.memories["h|a"]) == {"a", "c", "c2"}


def test_what_one_said_last_hides_nothing_of_the_other_for_ever() -> None:
    town = Town()
    comes(town, town.event("h|a", 0, patient={"pregnant": True}))
    ties_town(town, ("h|a", "h|b"))
    comes(town, town.event("h|b", 1, patient={"pregnant": False}))
    assert town.memories["h|a"].said["pregnant"].value is False
    comes(town, town.about("unlinked", "h|a", "h|b", 2))
    assert town.memories["h|a"].said["pregnant"].value is True
    assert town.memories["h|b"].said["pregnant"].value is False


def test_what_each_said_of_birth_and_sex_comes_back() -> None:
    town = Town()
    born = {"a": ("1990-01-01", "female"), "b": ("1950-05-05", "male")}
    for at_h, name in enumerate("ab"):
        birth, sex = born[name]
        comes(town, town.event(f"h|{name}", at_h, patient={"birth_date": birth, "sex": sex}))
    ties_town(town, ("h|a", "h|b"))
    home = town.memories["h|a"]
    assert home.said["birth_date"].value == "1950-05-05"
    assert copied(home) == home
    comes(town, town.event("h|a", 2, patient={"pregnant": True}))
    assert copied(home).said_by is not home.said_by
    comes(town, town.about("unlinked", "h|a", "h|b", 3))
    for name, stated in born.items():
        memory = town.memories[f"h|{name}"]
        assert (memory.said["birth_date"].value, memory.said["sex"].value) == stated
    assert "pregnant" not in town.memories["h|b"].said
    assert town.memories["h|b"].said_by == {}


def test_what_nobody_of_the_leaving_said_is_not_invented() -> None:
    town = Town()
    comes(town, town.event("h|a", 0, patient={"sex": "female"}))
    ties_town(town, ("h|a", "h|b"))
    comes(town, town.about("unlinked", "h|a", "h|b", 3))
    assert town.memories["h|b"].said == {}


def test_what_was_remembered_before_each_was_noted_parts_by_its_marks() -> None:
    town = Town()
    comes(town, town.event("h|a", 0, patient={"pregnant": True, "weight": "60 kg"}))
    ties_town(town, ("h|a", "h|b"))
    comes(town, town.event("h|b", 1, patient={"pregnant": False}))
    town.memories["h|a"].said_by = {}  # as earlier versions left it
    comes(town, town.event("h|a", 2, patient={"weight": "61 kg"}))
    comes(town, town.about("unlinked", "h|a", "h|b", 3))
    one, other = town.memories["h|a"], town.memories["h|b"]
    assert (one.said["pregnant"].value, other.said["pregnant"].value) == (True, False)
    assert one.said["weight"].value == {"value": 61.0, "unit": "kg"}
    assert "weight" not in other.said


def test_what_both_said_in_turn_is_known_of_each_time() -> None:
    town = Town()
    for at_h, (name, is_so) in enumerate((("a", True), ("b", False), ("a", True))):
        comes(town, town.event(f"h|{name}", at_h, patient={"pregnant": is_so}))
    ties_town(town, ("h|a", "h|b"))
    (runs,) = town.memories["h|a"].runs.values()
    assert [one.value for one in runs] == [True, False, True]


def test_what_both_knew_of_an_act_is_kept_only_where_a_rule_may_ask() -> None:
    town = Town()
    for revision, name in enumerate("ab", 1):
        comes(town, town.event(f"h|{name}", revision, act_id="x", revision=revision))
    ties_town(town, ("h|a", "h|b"))
    (act,) = town.memories["h|a"].acts.values()
    assert act.revision == 2
    assert town.memories["h|a"].former == {}


def test_what_was_measured_of_one_does_not_push_out_what_was_of_the_other() -> None:
    town = Town()
    comes(town, _prescribed(town, "h|a", 0, 1, False, 50))
    ties_town(town, ("h|a", "h|b"))
    for at_h in range(1, 12):
        comes(town, _prescribed(town, "h|b", at_h, at_h, False, 50 + at_h))
    comes(town, town.about("unlinked", "h|a", "h|b", 20))
    (one,), (other,) = (town.memories[f"h|{name}"].measured.values() for name in "ab")
    assert [value.value["value"] for value in one] == [50]
    assert [value.value["value"] for value in other] == list(range(54, 62))


def test_an_earlier_revision_that_comes_late_does_not_take_the_act() -> None:
    town = Town()
    comes(town, town.event("h|a", 0, act_id="x", revision=2))
    ties_town(town, ("h|a", "h|b"))
    comes(town, town.event("h|b", 1, act_id="x", revision=1))
    comes(town, town.about("unlinked", "h|a", "h|b", 2))
    assert acts(town.memories["h|a"]) == {"x"}
    assert acts(town.memories["h|b"]) == set()


def test_what_an_earlier_version_remembered_is_understood() -> None:
    town = Town()
    comes(town, town.event("h|a", 0, patient={"sex": "female"}))
    written = msgspec.msgpack.decode(encode(town.memories["h|a"]))
    assert written[-2:] == [{}, {}]
    assert decode(msgspec.msgpack.encode(written[:-2])) == town.memories["h|a"]


def test_a_tie_of_an_earlier_version_is_understood() -> None:
    town = Town()
    giver = town.memory("h|b")
    assert ties.join(giver, "h|b", b"h|b\nh|a", dict).step == "leaves"


def test_nothing_is_sent_before_it_is_written_that_it_is_given() -> None:
    town = Town()
    comes(town, town.event("h|b", 0))
    memory = town.memory("h|b")
    mails = ties.tied(town.about("linked", "h|b", "h|a"), memory, "h|b", dict)
    assert mails == (ties.Mail(GO, "h|b"),)
    assert ties.go(memory, "h|b", is_written=False).mails == mails
    sent = ties.go(memory, "h|b", is_written=True)
    assert [mail.to for mail in sent.mails] == ["h|a"]
    assert ties.go(memory, "h|b", is_written=True).step == "nothing"


def test_what_is_not_known_of_one_is_not_known_of_the_person() -> None:
    town = Town()
    comes(town, town.event("h|b", 0))
    memory = town.memory("h|b")
    since = {"prescription": 77}
    ties.join(memory, "h|b", ties.asking("h|b", "h|a", 0), lambda: since)
    home = town.memory("h|a")
    for mail in ties.go(memory, "h|b", is_written=True).mails:
        ties.arrive(home, "h|a", mail.value, dict)
    assert home.forgotten == since


NAMES = [f"h|{name}" for name in "abcde"]
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.booleans(), st.data())
def test_any_order_of_ties_ends_with_one_home_that_holds_everything(
    pairs: list[tuple[str, str]], twice: bool, data: st.DataObject
) -> None:
    town = Town(pick=lambda waiting: data.draw(st.sampled_from(waiting)))
    town.twice = twice
    for name in NAMES:
        town.takes(town.event(name, 0, act_id=f"act-{name}"))
    for one, other in pairs:
        town.takes(town.about("linked", one, other))
        if data.draw(st.booleans()):
            town.delivers()
    later = [town.event(name, 1, act_id=f"late-{name}") for name in NAMES]
    for event in later:
        town.takes(event)
    town.settles()
    groups = _components(pairs)
    assert town.homes() == sorted(min(group) for group in groups)
    for group in groups:
        home = town.memories[min(group)]
        assert acts(home) >= {f"{kind}-{name}" for kind in ("act", "late") for name in group}
        assert set(home.links) == group - {min(group)}
        assert home.outbox == {}
    assert all(event.id in town.decisions for event in later)


def _components(pairs: list[tuple[str, str]]) -> list[set[str]]:
    groups = [{name} for name in NAMES]
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touched] + [set().union(*touched)]
    return groups


Said = tuple[str, int, int, bool, int]
QUICK = settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
"""Smaller examples are not looked for: each takes a while."""
SOME = st.lists(
    st.tuples(
        st.sampled_from(NAMES[:2]), st.integers(0, 40), st.integers(1, 3), st.booleans(),
        st.integers(50, 52),
    ),
    max_size=4,
)  # fmt: skip


@QUICK
@given(SOME, SOME)
def test_a_part_that_leaves_is_as_if_it_had_never_been_tied(
    before: list[Said], after: list[Said]
) -> None:
    tied, apart = Town(again(), note()), Town(again(), note())
    for town in (tied, apart):
        for said in before:
            comes(town, _prescribed(town, *said))
        merged, parted = (town.about(verb, "h|a", "h|b") for verb in ("merged", "unlinked"))
        if town is tied:
            comes(town, merged)
        for said in after:
            comes(town, _prescribed(town, *said))
        if town is tied:
            comes(town, parted)
    for name in NAMES[:2]:
        one, other = tied.memory(name), apart.memory(name)
        assert one.acts == other.acts
        assert one.measured == other.measured
        assert (one.said, one.runs, one.said_by) == (other.said, other.runs, {})
        assert (one.links, one.came, one.outbox) == ({}, {}, {})


@QUICK
@given(SOME, SOME)
def test_to_take_what_moved_once_more_changes_nothing(
    before: list[Said], after: list[Said]
) -> None:
    town = Town(again(), note())
    for said in before:
        comes(town, _prescribed(town, *said))
    giver, home = town.memory("h|b"), town.memory("h|a")
    ties.join(giver, "h|b", ties.asking("h|b", "h|a", 0), dict)
    (mail,) = ties.go(giver, "h|b", is_written=True).mails
    assert ties.arrive(home, "h|a", mail.value, dict).step == "arrives"
    assert _arrives_again(home, mail.value, forgotten=True) == home
    for said in after:
        comes(town, _prescribed(town, *said))
    home = town.memory("h|a")
    assert _arrives_again(home, mail.value) == home


def _arrives_again(home: Memory, value: bytes, *, forgotten: bool = False) -> Memory:
    """The home after the same move once more; `forgotten`: nobody knows that it came."""
    copy, mark = decode(encode(home)), ties.mark_of(value)
    if forgotten:
        del copy.seen[mark]
    assert ties.arrive(copy, "h|a", value, dict).step == ("arrives" if forgotten else "nothing")
    return copy


def _prescribed(
    town: Town, subject: str, at_h: int, revision: int, is_pregnant: bool, weight: int
) -> Event:
    observed = [{"code": "potassium", "value": f"{weight} mmol/L"}]
    return town.event(
        subject, at_h, act_id=f"{subject}-{at_h % 3}", revision=revision,
        patient={"pregnant": is_pregnant, "observations": observed},
    )  # fmt: skip


def test_a_backfill_makes_nothing_known_of_a_person_with_several_names() -> None:
    coverage = Coverage(since={"s": {"prescription": 5}}, held={"prescription": Held((), 0, 50)})
    coverage.refilled("prescription", 10)
    alone, tied = Memory(), Memory(links={"h|b": ties.TIED})
    assert Recalled(alone, coverage).known_since("prescription") == 10
    assert Recalled(tied, coverage).known_since("prescription") == 50


def test_a_past_act_of_a_stub_is_not_brought_in() -> None:
    town = Town()
    comes(town, town.event("h|b", 0))
    ties_town(town, ("h|a", "h|b"))
    stub = town.memory("h|b")
    before = encode(stub)
    past = town.event("h|b", -1)
    assert not town.attendants.bring(past, "x", stub, town.coverage)
    assert encode(stub) == before


def test_allergies_of_one_identity_count_for_the_other() -> None:
    town = Town()
    stated = town.event("h|b", 0, event="allergy.recorded", allergies=[])
    comes(town, stated)
    ties_town(town, ("h|a", "h|b"))
    assert len(town.memories["h|a"].allergies) == 1
    comes(town, town.about("unlinked", "h|a", "h|b", 2))
    assert town.memories["h|a"].allergies == {}
    assert len(town.memories["h|b"].allergies) == 1


def came_apart(memory: Memory) -> tuple[Any, ...]:
    """What must not depend on how a parting met its tie."""
    return (
        memory.acts, memory.said, memory.runs, memory.measured, memory.allergies, memory.timers,
        memory.kept, memory.links, memory.came, memory.outbox, memory.said_by,
    )  # fmt: skip


def test_a_parting_that_overtakes_the_memory_holds() -> None:
    town = Town()
    for name in "ab":
        town.takes(town.event(f"h|{name}", 0, act_id=name))
    town.takes(town.about("linked", "h|b", "h|a", 1))
    town.takes(town.about("unlinked", "h|a", "h|b", 2))
    town.takes(town.event("h|b", 3, act_id="b2"))
    town.settles()
    assert town.homes() == ["h|a", "h|b"]
    assert acts(town.memories["h|a"]) == {"a"}
    assert acts(town.memories["h|b"]) == {"b", "b2"}


def test_a_parting_that_overtakes_what_is_asked_holds() -> None:
    town = Town()
    town.takes(town.about("linked", "h|a", "h|b", 1))
    town.takes(town.about("unlinked", "h|b", "h|a", 2))
    town.settles()
    assert town.homes() == ["h|a", "h|b"]


def test_a_tie_that_comes_after_its_parting_ties_nobody() -> None:
    town = Town()
    comes(town, town.about("unlinked", "h|a", "h|b", 2))
    for one, other in (("h|a", "h|b"), ("h|b", "h|a")):
        comes(town, town.about("linked", one, other, 1))
    assert town.homes() == ["h|a", "h|b"]
    comes(town, town.about("linked", "h|a", "h|b", 3))
    comes(town, town.about("unlinked", "h|b", "h|a", 2))
    assert town.homes() == ["h|a"]


def test_who_left_may_come_back_with_another_one() -> None:
    town = Town()
    ties_of = (("linked", "b", "c"), ("linked", "a", "b"), ("unlinked", "a", "c"))
    for at_h, (verb, one, other) in enumerate((*ties_of, ("linked", "b", "c"))):
        comes(town, town.about(verb, f"h|{one}", f"h|{other}", at_h))
    assert town.homes() == ["h|a"]


def test_a_parting_that_overtakes_a_memory_on_its_way_by_another_one_holds() -> None:
    town = Town()
    town.takes(town.event("h|c", 0, act_id="c"))
    town.takes(town.about("linked", "h|b", "h|a", 1))
    town.takes(town.about("linked", "h|c", "h|b", 2))
    town.takes(town.about("unlinked", "h|a", "h|c", 3))
    town.settles()
    assert town.homes() == ["h|a", "h|c"]
    assert acts(town.memories["h|c"]) == {"c"}


SAID = st.lists(st.tuples(st.sampled_from(NAMES[:2]), st.booleans()), max_size=5)
WORDS = st.lists(
    st.tuples(st.sampled_from(("linked", "merged", "unlinked")), st.booleans()), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(SAID, WORDS, SAID, st.booleans(), st.data())
def test_however_ties_and_partings_meet_it_ends_as_if_one_had_waited_for_the_other(
    before: list[tuple[str, bool]], words: list[tuple[str, bool]], after: list[tuple[str, bool]],
    twice: bool, data: st.DataObject,
) -> None:  # fmt: skip
    patient, racing = Town(again(), note()), Town(again(), note())
    racing.twice = twice
    racing._pick = lambda waiting: data.draw(st.sampled_from(waiting))
    for town in (patient, racing):
        made = [_anything(town, at_h, *said) for at_h, said in enumerate(before)]
        for at_h, (verb, is_first) in enumerate(words, 10):
            one, other = NAMES[:2] if is_first else NAMES[1::-1]
            made.append(town.about(verb, one, other, at_h))
        made += [_anything(town, at_h, *said) for at_h, said in enumerate(after, 20)]
        for event in made:
            town.intake(event)
            if town is patient:
                town.settles()
        town.settles()
        assert {event.id for event in made} == set(town.decisions)
    for name in NAMES[:2]:
        assert came_apart(racing.memory(name)) == came_apart(patient.memory(name))


SAME = st.tuples(st.sampled_from(NAMES[:3]), st.sampled_from(NAMES[:3]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("linked", "unlinked")), SAME), max_size=6), st.data())
def test_whatever_is_said_of_three_everything_is_remembered_once_and_as_its_own(
    words: list[tuple[str, tuple[str, str]]], data: st.DataObject
) -> None:
    town = Town(pick=lambda waiting: data.draw(st.sampled_from(waiting)))
    made = [town.event(name, 0, act_id=f"{name}-0") for name in NAMES[:3]]
    for at_h, (verb, (one, other)) in enumerate(words, 1):
        made.append(town.about(verb, one, other, at_h))
        who = data.draw(st.sampled_from(NAMES[:3]))
        made.append(town.event(who, at_h, act_id=f"{who}-{at_h}"))
    for event in made:
        town.intake(event)
    town.settles()
    assert {event.id for event in made} == set(town.decisions)
    told = [name for memory in town.memories.values() for name in acts(memory)]
    assert sorted(told) == sorted({event.data.act_id for event in made if "rescr" in event.type})
    for home in town.homes():
        memory = town.memories[home]
        assert memory.outbox == {}
        for key, act in memory.acts.items():
            whose = act.act_id.partition("-")[0]
            assert memory.came.get(key, home) == whose
            assert whose in {home, *memory.links}
            assert ties.found(town.memories, whose) == home


def _anything(town: Town, at_h: float, subject: str, is_admission: bool) -> Event:
    visit = {"id": f"v{subject}{at_h}", "kind": "inpatient"}
    if is_admission:
        return town.event(
            subject, at_h, event="encounter.admitted", act_id=visit["id"], encounter=visit
        )
    return town.event(
        subject, at_h, act_id=f"{subject}-{at_h}",
        patient={"sex": "female" if subject == "h|a" else "male", "weight": f"{60 + at_h} kg"},
    )  # fmt: skip
