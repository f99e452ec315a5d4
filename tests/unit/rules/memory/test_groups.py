"""Events of many patients meet the memories of groups: practitioners, packs of drugs, diseases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision
from contracts.event import Event
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.grouping import facts_of_key, group_key, scope_of
from rules.memory.attendant import MemorySettings
from rules.memory.coverage import Coverage
from rules.memory.groups import Attendants
from rules.memory.instants import us_of
from rules.memory.model import Memory, decode, encode
from rules.memory.taken import Activity, Taken
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
START = datetime(2026, 3, 2, 0, tzinfo=UTC)
HOURS_72 = {"parameter": "stay.hours"}
TWO = {"parameter": "count.limit"}  # 2
FINDING = {
    "result": "suspected",
    "severity": "warning",
    "action": "remind",
    "audience": ["regulator"],
    "message": {"zh": "{history}", "en": "{history}"},
}


def in_two_places(**parts: Any) -> Rule:
    history = {
        "of": "prescription.signed", "within": HOURS_72, "including": "this",
        "distinct": {"of": "event.institution", "at_least": TWO},
    }  # fmt: skip
    rule: dict[str, Any] = {
        "id": "spec.two_places", "on": ["prescription.signed"], "group_by": ["practitioner.id"],
        "when": {"history": history}, "finding": FINDING,
    }  # fmt: skip
    return make_rule(BASE, **{**rule, **parts})


def pack_seen_twice() -> Rule:
    history = {
        "of": "dispense.dispensed", "within": HOURS_72, "including": "others",
        "where": {"item.line_id": {"exists": True}}, "count": {"at_least": 1},
    }  # fmt: skip
    return make_rule(
        BASE, id="spec.pack_twice", on=["dispense.dispensed"], each="items",
        group_by=["item.trace_codes"], when={"history": history}, finding=FINDING,
    )  # fmt: skip


def outbreak() -> Rule:
    history = {
        "of": "infection_report.reported", "within": HOURS_72, "including": "this",
        "count": {"at_least": TWO},
    }  # fmt: skip
    return make_rule(
        BASE, id="spec.outbreak", on=["infection_report.reported"],
        group_by=["event.institution", "infection_report.disease"],
        when={"history": history}, finding=FINDING,
    )  # fmt: skip


class Town:
    """Patients and groups, as the topics of one run have them."""

    def __init__(self, *rules: Rule, lateness_s: float = 0) -> None:
        evaluator = Evaluator(Pack.of(rules), BASE, waits_for_late=lateness_s > 0)
        self.attendants = Attendants(evaluator, MemorySettings(lateness_s))
        self.memories: dict[str, Memory] = {}
        self.coverage = Coverage(is_total=True)
        self.stands: dict[str, Decision] = {}
        self._count = 0

    def event(self, at_h: float, **short: Any) -> Event:
        self._count += 1
        at = (START + timedelta(hours=at_h)).isoformat()
        base: dict[str, Any] = {
            "event": "prescription.signed", "at": at, "subject": f"h|p{self._count}",
            "act_id": f"a{self._count}", "id": f"e{self._count}",
        }  # fmt: skip
        if "prescription" in str(short.get("event", "prescription")):
            base |= {"items": [{"drug": "D1"}], "practitioner": "P1"}
        return event_of({**base, **short}, BASE)

    def comes(self, at_h: float, **short: Any) -> Decision:
        """The decision for the patient; the groups are told at once."""
        return self.takes(self.event(at_h, **short))

    def takes(self, event: Event, digest: str = "x") -> Decision:
        memory = self.memories.setdefault(event.subject, Memory())
        taken = self.attendants.take(event, digest, memory, self.coverage)
        self._kept(event.subject, taken)
        for activity in taken.activities:
            self.tells(event, activity, digest)
        return taken.decisions[0]

    def tells(self, event: Event, activity: Activity, digest: str = "x") -> Taken:
        memory = self.memories.setdefault(activity.key, Memory())
        taken = self.attendants.join(event, digest, memory, self.coverage, activity)
        return self._kept(activity.key, taken)

    def groups_verdict(self, event: Event) -> str:
        """What is decided about an event in the one group that it belongs to."""
        self.takes(event)
        (found,) = [d for d in self.stands.values() if d.event.id == event.id and d.scope == P1]
        return found.verdict

    def passes(self, at_h: float) -> None:
        clock = us_of(START + timedelta(hours=at_h)) + 1  # until that hour is over
        for name, memory in list(self.memories.items()):
            while due := self.attendants.due(memory, _everyone(memory, clock)):
                taken = self.attendants.fire(memory, self.coverage, due[0][1], clock)
                self._kept(name, taken)
                memory = self.memories[name]

    def _kept(self, name: str, taken: Taken) -> Taken:
        self.stands.update({d.decision_id: d for d in taken.decisions})
        self.memories[name] = decode(encode(self.memories[name]))
        return taken

    @property
    def alerts(self) -> list[tuple[str, str, str]]:
        """Event, scope and message of what is found."""
        return sorted(
            (d.event.id, d.scope, f.message.en) for d in self.stands.values() for f in d.findings
        )


def _everyone(memory: Memory, clock: int) -> dict[str, int]:
    return {timer.source: clock for timer in memory.timers.values()}


OTHER = {"institution": "demo-h2"}
P1 = "group:practitioner.id=P1"


def test_one_practitioner_in_two_institutions_is_found_across_patients() -> None:
    town = Town(in_two_places())
    town.comes(0)
    town.comes(1)
    town.comes(2, practitioner="P2", **OTHER)
    assert town.alerts == []
    town.comes(2.5, **OTHER)
    assert town.alerts == [("e4", P1, "2")]


def test_the_patients_own_decision_says_nothing_of_the_groups_rule() -> None:
    town = Town(in_two_places())
    decision = town.comes(0)
    assert (decision.scope, decision.verdict, decision.rules) == ("patient", "no_rules", {})


def test_a_group_decision_names_members_by_number_and_no_other_patient() -> None:
    town = Town(in_two_places())
    town.comes(0, patient={"sex": "female", "age": "30 a"}, subject="h|secret")
    town.comes(1, subject="h|mine", **OTHER)
    (decision,) = [d for d in town.stands.values() if d.findings]
    assert decision.subject == "h|mine"
    assert b"secret" not in msgspec.json.encode(decision)
    memory = town.memories[group_key("practitioner.id", ["P1"])]
    assert not any((memory.said, memory.measured, memory.allergies, memory.conditions))


def test_facts_of_one_patient_never_answer_for_another_of_the_group() -> None:
    rule = in_two_places(scope={"patient.sex": {"is": "female"}})
    town = Town(rule)
    town.comes(0, patient={"sex": "female"})
    town.comes(1, **OTHER)
    last = town.stands[max(town.stands, key=lambda n: (town.stands[n].event.id, n))]
    scoped = [d for d in town.stands.values() if d.scope == P1 and d.event.id == "e2"]
    assert last.event.id == "e2"
    assert [(u.fact, u.why) for u in scoped[0].undetermined] == [("patient.sex", "not_reported")]


def test_an_unknown_key_leaves_the_groups_rules_undetermined_for_the_patient() -> None:
    town = Town(in_two_places())
    decision = town.comes(0, practitioner="not_reported")
    assert decision.verdict == "incomplete"
    (open_one,) = decision.undetermined
    assert (open_one.fact, open_one.why) == ("practitioner.id", "not_reported")
    assert open_one.rules == ("spec.two_places",)
    assert decision.coverage.undetermined == 1
    assert decision.rules == {"spec.two_places": 1}
    assert all(d.scope == "patient" for d in town.stands.values())


def test_a_rule_that_would_not_apply_anyway_is_not_left_open() -> None:
    town = Town(in_two_places(scope={"encounter.kind": {"is": "inpatient"}}))
    decision = town.comes(0, practitioner="not_reported", encounter={"kind": "outpatient"})
    assert not decision.undetermined


def test_a_practitioner_that_is_stated_absent_names_no_group_and_leaves_nothing_open() -> None:
    town = Town(pack_seen_twice())
    items = [{"drug": "D1", "trace_codes": None}]
    decision = town.comes(0, event="dispense.dispensed", items=items)
    assert not decision.undetermined
    assert [d.scope for d in town.stands.values()] == ["patient"]


def test_a_revision_that_names_another_group_leaves_the_old_one() -> None:
    town = Town(in_two_places())
    town.comes(0, act_id="a", subject="h|p", **OTHER)
    town.comes(1, act_id="a", subject="h|p", revision=2, event="prescription.amended",
               practitioner="P2", **OTHER)  # fmt: skip
    town.comes(2)
    assert town.alerts == []  # the act of the other institution is P2's now
    town.comes(3, practitioner="P2")
    assert [(event, scope) for event, scope, _ in town.alerts] == [
        ("e4", "group:practitioner.id=P2")
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_where_an_act_belongs_does_not_depend_on_the_order_of_its_revisions(
    order: tuple[int, int],
) -> None:
    town = Town(in_two_places())
    both = [
        town.event(0, act_id="a", subject="h|p", **OTHER),
        town.event(1, act_id="a", subject="h|p", revision=2, event="prescription.amended",
                   practitioner="P2", **OTHER),
    ]  # fmt: skip
    for index in order:
        town.takes(both[index])
    town.comes(2)
    town.comes(3, practitioner="P2")
    assert [(event, scope) for event, scope, _ in town.alerts] == [
        ("e4", "group:practitioner.id=P2")
    ]


def test_an_act_entered_in_error_is_taken_out_of_its_group_even_without_its_key() -> None:
    for practitioner in ("P1", "not_reported"):
        town = Town(in_two_places())
        town.comes(0, act_id="a", subject="h|p", **OTHER)
        town.comes(1, act_id="a", subject="h|p", revision=2, practitioner=practitioner,
                   event="prescription.entered_in_error", **OTHER)  # fmt: skip
        town.comes(2)
        assert town.alerts == []


def test_a_revision_that_does_not_tell_the_key_stays_where_the_act_was() -> None:
    town = Town(in_two_places())
    town.comes(0, act_id="a", subject="h|p", **OTHER)
    town.comes(1, act_id="a", subject="h|p", revision=2, practitioner="not_reported",
               event="prescription.amended", **OTHER)  # fmt: skip
    town.comes(2)
    assert town.alerts == [("e3", P1, "2")]


def test_a_pack_that_is_dispensed_twice_is_found_by_its_own_line() -> None:
    town = Town(pack_seen_twice())
    first = [{"drug": "D1", "trace_codes": ["T1"]}, {"drug": "D1", "trace_codes": ["T2", "T3"]}]
    town.comes(0, event="dispense.dispensed", items=first)
    assert town.alerts == []
    second = [{"drug": "D1", "trace_codes": ["T9"]}, {"drug": "D1", "trace_codes": ["T3", "T2"]}]
    town.comes(1, event="dispense.dispensed", items=second)
    assert [(event, scope) for event, scope, _ in town.alerts] == [
        ("e2", "group:item.trace_codes=T2"),
        ("e2", "group:item.trace_codes=T3"),
    ]
    found = [f for d in town.stands.values() for f in d.findings]
    assert {f.element for f in found} == {"2"}
    assert len({f.alert_id for f in found}) == 2


def test_lines_without_a_code_are_named_one_by_one() -> None:
    town = Town(pack_seen_twice())
    items = [{"drug": "D1", "trace_codes": ["T1"]}, {"drug": "D1"}]
    decision = town.comes(0, event="dispense.dispensed", items=items)
    assert [(u.element, u.fact) for u in decision.undetermined] == [("2", "item.trace_codes")]


def test_cases_of_one_disease_in_one_institution_are_counted() -> None:
    town = Town(outbreak())
    report = {"event": "infection_report.reported"}
    town.comes(0, **report, disease="A15.0")
    town.comes(1, **report, disease="A37.0")
    town.comes(2, **report, disease="A15.0", **OTHER)
    assert town.alerts == []
    town.comes(3, **report, disease="A15.0")
    ((event, scope, _),) = town.alerts
    assert event == "e4"
    assert scope.startswith("group:event.institution+infection_report.disease=demo-h1+")


def test_an_event_that_comes_again_to_a_group_changes_nothing() -> None:
    town = Town(in_two_places())
    event = town.event(0)
    town.takes(event)
    before = encode(town.memories[group_key("practitioner.id", ["P1"])])
    taken = town.tells(event, Activity(group_key("practitioner.id", ["P1"])))
    assert taken.repeat is not None
    assert taken.repeat.decision_id in town.stands
    assert encode(town.memories[group_key("practitioner.id", ["P1"])]) == before
    assert town.tells(event, Activity(group_key("practitioner.id", ["P1"])), "y").reused


def test_rules_about_groups_wait_for_late_data_as_others_do() -> None:
    town = Town(in_two_places(on=["billing.refunded"]), lateness_s=7200)
    town.comes(3, event="billing.refunded", items=[{"item": "S1"}], practitioner="P1")
    town.comes(1)  # late, but in time
    town.comes(2, **OTHER)
    assert town.alerts == []
    town.passes(5)
    assert town.alerts == [("e1", P1, "2")]


def test_a_group_of_a_rule_that_is_gone_is_left_alone() -> None:
    town = Town(in_two_places())
    taken = town.tells(town.event(0), Activity(group_key("event.institution", ["x"])))
    assert (taken.decisions, taken.changed) == ((), False)


def test_drafts_reach_groups_only_where_a_rule_is_about_drafts() -> None:
    town = Town(in_two_places())
    town.comes(0, event="prescription.draft")
    assert [d.scope for d in town.stands.values()] == ["patient"]
    town = Town(in_two_places(on=["prescription.draft", "prescription.signed"]))
    town.comes(0)
    town.comes(1, event="prescription.draft", **OTHER)
    assert town.alerts == [("e2", P1, "2")]
    assert "a2" not in "".join(town.memories[group_key("practitioner.id", ["P1"])].acts)


@pytest.mark.parametrize(
    ("one", "other"),
    [(["a\x1fb", "c"], ["a", "b\x1fc"]), (["a\\sb"], ["a\x1fb"]), (["a|b"], ["a"])],
)
def test_no_two_groups_share_a_key(one: list[str], other: list[str]) -> None:
    assert group_key("f", one) != group_key("f", other)


def test_a_key_tells_its_facts_and_never_grows_beyond_a_record_key() -> None:
    key = group_key("a+b", ["1|2", "x" * 5000])
    assert facts_of_key(key) == "a+b"
    assert len(key) < 200
    assert facts_of_key("namespace|id") == ""
    assert scope_of(group_key("a+b", ["1", "2"])) == "group:a+b=1+2"


def test_a_group_whose_rules_are_gone_keeps_no_event_for_them() -> None:
    expect = {
        "event": "result.reported", "match": ["event.institution"], "within": HOURS_72,
    }  # fmt: skip
    message = {"zh": "{deadline.due_at}", "en": "{deadline.due_at}"}
    rule = in_two_places(
        when=None, expect=expect, finding={**FINDING, "message": message},
        group_by=["event.institution"],
    )  # fmt: skip
    town = Town(rule)
    town.comes(0)
    assert any(memory.kept for memory in town.memories.values())
    town.attendants = Attendants(Evaluator(Pack.of(()), BASE))
    town.passes(73)
    assert not any(memory.timers or memory.kept for memory in town.memories.values())


def test_of_a_group_whose_rules_were_away_nothing_is_known_from_before_they_came_back() -> None:
    town = Town(in_two_places())
    town.coverage = Coverage()
    with_rules, away = town.attendants, Town(outbreak()).attendants
    town.comes(0)
    assert town.groups_verdict(town.event(80)) == "clean"
    town.attendants = away
    town.comes(90, **OTHER)  # no group is told of it
    town.attendants = with_rules
    assert town.groups_verdict(town.event(100)) == "incomplete"
    assert town.groups_verdict(town.event(180)) == "clean"
