"""What a decision says: phases, dates, statuses, findings, names, and what it records."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision, Reader, encode_record
from contracts.event import Event
from contracts.identity import EventKey, alert_id, decision_id
from knowledge_base.model import Dated, History, Institution, Names
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.facts import CATALOGUE
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule

BASE = knowledge()
YOUNG = {"patient.age": {"below": {"parameter": "age.limit"}}}
FINDING = {
    "result": "violation",
    "severity": "warning",
    "action": "block",
    "audience": ["prescriber"],
    "message": {
        "zh": "{item.drug.name}:患者 {patient.age} 岁,低于 {threshold} 岁",
        "en": "{item.drug.name}: aged {patient.age}, below {threshold}",
    },
}


def event(**short: Any) -> Event:
    base = {"event": "prescription.signed", "patient": {"age": "17 a"}, "items": [{"drug": "D1"}]}
    return event_of({**base, **short}, BASE)


def decide(*rules: Rule, on: Event, **how: Any) -> Decision:
    return Evaluator(Pack.of(rules), BASE, **how).decide(on)


def rule(name: str = "rule", **parts: Any) -> Rule:
    return make_rule(BASE, id=f"spec.{name}", **{"when": YOUNG, "each": "items", **parts})


def test_a_finding_is_complete_in_itself() -> None:
    made = rule(
        finding={
            **FINDING,
            "key": ["patient.id", "item.drug.ingredients"],
            "suggest": [{"remove": "item"}],
        },
        version=3,
    )
    on = event(items=[{"drug": "D3"}])
    decision = decide(made, on=on)
    (finding,) = decision.findings
    assert finding.message.zh == "药D3:患者 17 岁,低于 18 岁"
    assert finding.message.en == "drug D3: aged 17, below 18"
    assert finding.key == "test|patient-1|amoxicillin+clavulanic-acid"
    assert finding.alert_id == alert_id(on.key, "event", "spec.rule", 3, "1")
    assert (finding.element, finding.rule_version, finding.rule_status) == ("1", 3, "shadow")
    assert finding.facts == {"patient.age": 17}
    (threshold,) = finding.thresholds
    assert (threshold.parameter, threshold.value, threshold.unit) == ("age.limit", 18, "a")
    assert (threshold.source, threshold.locator) == ("law", "article age.limit")
    assert threshold.valid_from == "1900-01-01"
    assert finding.evidence[0].source == "law"
    assert finding.suggest == ({"remove": "item"},)


def test_a_decision_names_its_event_and_what_it_was_computed_with() -> None:
    on = event(department="ward")
    decision = decide(rule(), on=on, profile="demo")
    assert decision.decision_id == decision_id(EventKey("urn:yijian:test", "case"))
    assert (decision.scope, decision.cause, decision.subject) == (
        "patient",
        "event",
        "test|patient-1",
    )
    assert decision.event.department == "ward"
    assert decision.event.time == "2026-03-02T10:00:00+08:00"
    assert decision.as_of == "2026-03-02"
    assert decision.basis.profile == "demo"
    assert decision.basis.knowledge == BASE.digest
    assert decision.rules == {"spec.rule": 1}
    assert decision.findings[0].rule_status == "active"


def test_a_decision_survives_its_own_encoding() -> None:
    raw = encode_record(decide(rule(finding=FINDING), on=event()))
    again = Reader(Decision)(raw)
    assert encode_record(again) == raw


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("draft", "no_rules"), ("retired", "no_rules"), ("shadow", "findings")],
)
def test_only_shadow_and_active_rules_are_evaluated(status: str, verdict: str) -> None:
    because = "replaced" if status == "retired" else None
    made = rule(status=status, retired_because=because)
    assert decide(made, on=event()).verdict == verdict


def test_an_active_rule_is_shown_as_active() -> None:
    made = rule(status="active", authored_by="A", checked_by="B")
    assert decide(made, on=event()).findings[0].rule_status == "active"


def test_a_draft_gives_a_reminder_whatever_the_rule_says_of_other_phases() -> None:
    on = event(event="prescription.draft")
    both = ["prescription.draft", "prescription.signed"]
    decision = decide(rule(on=both, finding=FINDING), on=on)
    assert (decision.phase, decision.findings[0].result) == ("pre", "reminder")
    assert decide(rule(on=both, finding=FINDING), on=event()).findings[0].result == "violation"
    changed = {**FINDING, "by_phase": {"pre": {"severity": "info", "action": "remind"}}}
    (finding,) = decide(rule(on=both, finding=changed), on=on).findings
    assert (finding.result, finding.action, finding.severity) == ("reminder", "remind", "info")


def test_a_block_has_an_emergency_release_that_needs_a_reason() -> None:
    (finding,) = decide(rule(finding=FINDING), on=event()).findings
    assert finding.action == "block"
    assert finding.release is not None
    assert (finding.release.how, finding.release.needs) == ("emergency", "reason")
    weaker = rule(finding={**FINDING, "action": "remind"})
    assert decide(weaker, on=event()).findings[0].release is None
    unverified = rule(finding=FINDING, unless={"encounter.is_rescue": {"is": True}})
    (capped,) = decide(unverified, on=event()).findings
    assert (capped.action, capped.release) == ("require_reason", None)


def test_findings_are_grouped_by_phase_too() -> None:
    changed = {**FINDING, "key": ["patient.id"], "by_phase": {"during": {"key": ["encounter.id"]}}}
    both = ["prescription.draft", "prescription.signed"]
    visit = {"encounter": {"id": "visit-7"}}
    made = rule(on=both, finding=changed)
    assert decide(made, on=event(**visit)).findings[0].key == "visit-7"
    draft = event(event="prescription.draft", **visit)
    assert decide(made, on=draft).findings[0].key == "test|patient-1"


def test_suggestions_say_what_to_do_and_to_what() -> None:
    suggest = [
        {"remove": "item"},
        {"reduce": "item.days_supply", "to": {"parameter": "days.limit"}},
        {"replace": "item", "with": {"codeset": "penicillins"}},
        {"ask": "second_opinion", "zh": "请会诊", "en": "ask a colleague"},
    ]
    (finding,) = decide(rule(finding={**FINDING, "suggest": suggest}), on=event()).findings
    assert finding.suggest == (
        {"remove": "item"},
        {"reduce": "item.days_supply", "to": "7 d"},
        {"replace": "item", "with": "codeset:penicillins"},
        {"ask": "second_opinion", "zh": "请会诊", "en": "ask a colleague"},
    )
    assert {t.parameter for t in finding.thresholds} == {"age.limit", "days.limit"}


def test_what_differs_by_phase_differs() -> None:
    changed = {
        **FINDING,
        "by_phase": {
            "post": {
                "severity": "info",
                "audience": ["regulator"],
                "message": {"zh": "后", "en": "p"},
            }
        },
    }
    made = rule(on=["prescription.signed", "prescription.returned"], finding=changed)
    (during,) = decide(made, on=event()).findings
    (post,) = decide(made, on=event(event="prescription.returned")).findings
    assert (during.severity, during.audience) == ("warning", ("prescriber",))
    assert (post.severity, post.audience, post.message.en) == ("info", ("regulator",), "p")


def test_an_unverified_exemption_weakens_but_never_strengthens() -> None:
    unless = {"encounter.is_rescue": {"is": True}}
    weak = {**FINDING, "result": "reminder", "action": "remind"}
    (finding,) = decide(rule(unless=unless, finding=weak), on=event()).findings
    assert (finding.result, finding.action) == ("reminder", "remind")
    assert finding.exemption_unverified == ("encounter.is_rescue",)


def test_the_law_of_the_service_date_decides() -> None:
    made = rule(finding=FINDING)
    assert decide(made, on=event(at="2026-12-31T23:59+08:00")).verdict == "findings"
    changed = decide(made, on=event(at="2027-01-01T00:00+08:00"))
    assert changed.verdict == "clean"  # the limit is 14 from that day
    signed_late = event(at="2027-01-05T00:00+08:00", service_time="2026-12-31T10:00+08:00")
    assert decide(made, on=signed_late).as_of == "2026-12-31"
    assert decide(made, on=signed_late).verdict == "findings"


def test_each_item_is_judged_as_of_its_own_service_date() -> None:
    made = rule(finding=FINDING)
    on = event(
        patient={"birth_date": "2009-06-01"},
        items=[{"drug": "D1"}, {"drug": "D1", "service_time": "2027-03-01T10:00+08:00"}],
    )
    decision = decide(made, on=on)
    assert [finding.element for finding in decision.findings] == ["1"]
    assert decision.coverage.silent == 1
    assert decision.facts == {"patient.age": 16}
    assert decision.elements["2"]["patient.age"] == 17  # as of that item's day


def test_a_rule_is_in_force_from_its_first_day_to_the_day_before_its_end() -> None:
    made = rule(effective={"from": "2026-03-02", "to": "2026-03-04"})
    for day, verdict in ((1, "no_rules"), (2, "findings"), (3, "findings"), (4, "no_rules")):
        assert decide(made, on=event(at=f"2026-03-0{day}T08:00+08:00")).verdict == verdict


OLDER = {
    "version": 1,
    "effective": {"from": "2020-01-01", "to": "2026-03-02"},
    "on": ["prescription.signed"],
    "when": {"item.drug.kind": {"is": "western"}},
    "finding": {**FINDING, "message": {"zh": "旧", "en": "older"}},
    "evidence": [{"source": "law", "locator": "article 0"}],
    "each": "items",
}
"""An older body of a rule, which fired on every western drug."""


def versioned(**parts: Any) -> Rule:
    return rule(version=2, effective={"from": "2026-03-02"}, versions=[OLDER], **parts)


def test_the_body_of_the_service_date_decides_and_is_named() -> None:
    made = versioned(finding=FINDING)
    adult = {"patient": {"age": "60 a"}}
    before = decide(made, on=event(at="2026-03-01T10:00+08:00", **adult))
    assert [(f.rule_version, f.message.en) for f in before.findings] == [(1, "older")]
    assert before.rules == {"spec.rule": 1}
    assert before.findings[0].evidence[0].locator == "article 0"
    after = decide(made, on=event(**adult))
    assert (after.verdict, after.rules) == ("clean", {"spec.rule": 2})
    assert decide(made, on=event(at="2019-12-31T10:00+08:00")).verdict == "no_rules"


def test_each_item_is_judged_by_the_body_of_its_own_day() -> None:
    items = [{"drug": "D1"}, {"drug": "D1", "service_time": "2026-03-01T10:00+08:00"}]
    decision = decide(versioned(finding=FINDING), on=event(patient={"age": "60 a"}, items=items))
    assert [(f.element, f.rule_version) for f in decision.findings] == [("2", 1)]
    assert decision.rules == {"spec.rule": 2}
    assert decision.versions == {"2": {"spec.rule": 1}}


def test_the_alerts_of_two_bodies_have_two_names() -> None:
    made = versioned(finding=FINDING)
    older = decide(made, on=event(at="2026-03-01T10:00+08:00"))
    newer = decide(made, on=event())
    assert older.findings[0].alert_id != newer.findings[0].alert_id


def test_a_change_of_a_parameter_of_an_older_body_is_noticed_within_its_days() -> None:
    made = rule(
        version=2,
        effective={"from": "2028-01-01"},
        versions=[{**OLDER, "effective": {"from": "2020-01-01", "to": "2028-01-01"},
                   "when": YOUNG, "finding": FINDING}],
    )  # fmt: skip
    minor = {"patient": {"age": "15 a"}}
    assert decide(made, on=event(**minor)).verdict == "findings"
    assert decide(made, on=event(at="2027-01-01T10:00+08:00", **minor)).verdict == "clean"


def test_the_day_is_the_institutions() -> None:
    made = rule()
    assert decide(made, on=event(at="2026-03-01T17:00+00:00")).as_of == "2026-03-02"
    assert decide(made, on=event(at="2026-03-02T05:00+00:00", institution="west")).as_of == (
        "2026-03-01"
    )
    assert (
        decide(made, on=event(at="2026-03-01T17:00Z", institution="nobody")).as_of == "2026-03-02"
    )


def test_an_item_time_at_the_end_of_the_calendar_does_no_harm() -> None:
    on = event()
    at = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    item = msgspec.structs.replace(on.data.items[0], service_time=at)  # type: ignore[union-attr]
    data = msgspec.structs.replace(on.data, items=(item,), service_time=at)
    assert decide(rule(), on=msgspec.structs.replace(on, data=data)).verdict == "findings"


def test_unknown_drugs_practitioners_and_charges_are_never_clean() -> None:
    drug = rule(scope={"item.drug.ingredients": {"any_in": {"codeset": "quinolones"}}})
    decision = decide(drug, on=event(items=[{"drug": "urn:x|1"}]))
    assert decision.verdict == "incomplete"
    (group,) = decision.undetermined
    assert (group.element, group.fact, group.why) == (
        "1", "item.drug.ingredients", "not_in_knowledge"
    )  # fmt: skip
    person = make_rule(BASE, when={"practitioner.is_licensed": {"is": False}})
    decision = decide(person, on=event(practitioner="P9"))
    assert decision.verdict == "incomplete"
    assert decision.not_evaluable[0].missing[0].why == "not_in_registry"
    charge = make_rule(
        BASE, on=["billing.charged"], each="items", when={"item.requires_udi": {"is": True}}
    )
    on = event_of({"event": "billing.charged", "items": [{"item": "urn:x|1"}]}, BASE)
    assert decide(charge, on=on).verdict == "incomplete"


def test_undetermined_rules_are_grouped_by_the_missing_fact() -> None:
    scope = {"item.drug.ingredients": {"any_in": {"codeset": "quinolones"}}}
    made = [rule(f"r{n}", scope=scope) for n in range(3)]
    decision = decide(*made, on=event(items=[{"drug": "urn:x|1"}]))
    (group,) = decision.undetermined
    assert group.rules == ("spec.r0", "spec.r1", "spec.r2")
    assert decision.coverage.undetermined == 3
    assert decision.coverage.applicable == 0


def test_other_scope_conditions_still_decide_when_the_indexed_fact_is_unknown() -> None:
    scope = {
        "item.drug.ingredients": {"any_in": {"codeset": "quinolones"}},
        "encounter.kind": {"is": "inpatient"},
    }
    made = [rule(f"r{n}", scope=scope) for n in range(5)]
    on = event(items=[{"drug": "urn:x|1"}], encounter={"kind": "outpatient"})
    for index in ("auto", "always", "never"):
        assert decide(*made, on=on, index=index).verdict == "no_rules"


def test_a_list_that_is_not_reported_leaves_its_rules_undetermined() -> None:
    made = make_rule(BASE, each="diagnoses", when={"diagnosis.code": {"is": "I10"}})
    (group,) = decide(made, on=event()).undetermined
    assert (group.element, group.fact, group.why) == ("", "event.diagnoses", "not_reported")
    assert decide(made, on=event(diagnoses=None)).verdict == "no_rules"
    assert decide(made, on=event(diagnoses=["I10", "I11"])).findings[0].element == "I10"


def test_diagnoses_with_one_code_are_told_apart() -> None:
    made = make_rule(BASE, each="diagnoses", when={"diagnosis.code": {"is": "I10"}})
    findings = decide(made, on=event(diagnoses=["I10", "I10"])).findings
    assert [finding.element for finding in findings] == ["I10", "I10#2"]
    assert len({finding.alert_id for finding in findings}) == 2


def test_a_list_fact_can_be_looked_at_element_by_element() -> None:
    made = make_rule(
        BASE, each="patient.allergies", when={"element.value": {"in": {"codeset": "penicillins"}}}
    )
    on = event(patient={"allergies": {"partial": ["amoxicillin", "morphine"]}})
    decision = decide(made, on=on)
    assert [finding.element for finding in decision.findings] == ["amoxicillin"]
    assert decision.coverage.silent == 1
    assert decision.undetermined[0].why == "partial_list"


@pytest.mark.parametrize("index", ["auto", "always"])
def test_a_rule_that_raises_fails_for_itself_and_that_element_alone(
    index: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(c: Any, x: Any) -> Any:
        if x.id == "2":
            raise RuntimeError("a fault in a fact")
        return "negative"

    monkeypatch.setitem(CATALOGUE["item.skin_test"].extractors, "prescription", explode)
    bad = rule("bad", scope={"item.skin_test": {"is": "negative"}}, when=YOUNG)
    good = rule("good", finding=FINDING)
    on = event(items=[{"drug": "D1"}, {"drug": "D2"}])
    decision = decide(bad, good, on=on, index=index)
    said = {(finding.rule_id, finding.element) for finding in decision.findings}
    assert said == {("spec.bad", "1"), ("spec.good", "1"), ("spec.good", "2")}
    (failed,) = decision.not_evaluable
    assert (failed.rule_id, failed.element) == ("spec.bad", "2")
    assert failed.missing[0].why == "rule_error"
    assert decision.coverage.not_evaluable == 1
    assert decision.coverage.applicable == 4


def test_a_fact_that_raises_where_the_list_is_unknown_fails_its_own_rule_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(c: Any) -> Any:
        raise RuntimeError("a fault in a fact")

    monkeypatch.setitem(CATALOGUE["event.extended_days"].extractors, "prescription", explode)
    scope = {"event.extended_days": {"above": 0}}
    listed = {"each": "diagnoses", "when": {"diagnosis.code": {"is": "I10"}}}
    made = [
        rule("bad", scope=scope, **listed),
        rule("good", **listed),
        rule("other", finding=FINDING),
    ]
    decision = decide(*made, on=event())
    (failed,) = decision.not_evaluable
    assert (failed.rule_id, failed.element, failed.missing[0].why) == (
        "spec.bad", "", "rule_error"
    )  # fmt: skip
    assert [group.rules for group in decision.undetermined] == [("spec.good",)]
    assert [finding.rule_id for finding in decision.findings] == ["spec.other"]
    assert set(decision.rules) == {"spec.bad", "spec.good", "spec.other"}
    assert (decision.coverage.not_evaluable, decision.coverage.undetermined) == (1, 1)


def test_a_message_that_cannot_be_rendered_is_a_rule_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(c: Any, x: Any) -> Any:
        raise RuntimeError("no name")

    monkeypatch.setitem(CATALOGUE["item.drug.name"].extractors, "prescription", explode)
    decision = decide(rule(finding=FINDING), on=event())
    assert decision.findings == ()
    assert decision.not_evaluable[0].missing[0].why == "rule_error"


def test_whom_to_tell_of_what_could_not_be_checked_is_said() -> None:
    on = event(patient="not_reported")
    assert decide(rule(), on=on).not_evaluable[0].audience == ()
    reminded = decide(rule(if_unknown="remind"), on=on).not_evaluable[0]
    assert reminded.audience == ("prescriber",)


def test_what_conditions_read_is_recorded_and_nothing_else() -> None:
    made = rule(scope={"item.drug.kind": {"is": "western"}}, when={"item.dose": {"above": 0}})
    decision = decide(made, on=event(items=[{"drug": "D1", "dose": "2 g"}], note="姓名 某某"))
    assert decision.facts == {}
    recorded = msgspec.json.decode(encode_record(decision))["elements"]
    assert recorded == {
        "1": {"item.drug.kind": "western", "item.dose": {"value": 2.0, "unit": "g"}}
    }


def test_free_text_is_never_recorded() -> None:
    made = make_rule(BASE, when={"event.note": {"exists": True}})
    decision = decide(made, on=event(note="张三的处方"))
    assert decision.facts == {"event.note": "(text)"}
    assert "张三" not in encode_record(decision).decode()


def test_the_threshold_shown_is_that_of_the_condition_that_holds() -> None:
    message = {"zh": "{threshold}", "en": "limit {threshold}"}
    when = {
        "any": [
            {"item.days_supply": {"above": {"parameter": "days.limit"}}},
            {"patient.age": {"below": {"parameter": "age.limit"}}},
        ]
    }
    made = rule(when=when, finding={**FINDING, "message": message})
    (finding,) = decide(made, on=event(items=[{"drug": "D1", "days_supply": 7}])).findings
    assert finding.message.en == "limit 18"
    (finding,) = decide(made, on=event(items=[{"drug": "D1", "days_supply": 8}])).findings
    assert finding.message.en == "limit 7"
    assert [t.parameter for t in finding.thresholds] == ["days.limit", "age.limit"]


def test_a_threshold_of_a_table_is_the_row_of_the_element() -> None:
    when = {"item.days_supply": {"above": {"parameter": "days.by_kind", "by": ["encounter.kind"]}}}
    made = rule(when=when)
    on = event(encounter={"kind": "emergency"}, items=[{"drug": "D1", "days_supply": 4}])
    (finding,) = decide(made, on=on).findings
    assert finding.thresholds[0].value == 3
    assert finding.facts == {"item.days_supply": 4.0, "encounter.kind": "emergency"}


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="profile"):
        Evaluator(Pack.of([]), BASE, profile="production")


def test_an_event_without_rules_is_answered() -> None:
    decision = decide(on=event())
    assert (decision.verdict, decision.coverage.applicable) == ("no_rules", 0)


def test_a_quoted_text_cannot_become_code() -> None:
    evil = "x'); import os  # \"\\"
    made = rule(scope={"item.usage": {"is": evil}}, when={"item.usage": {"in": [evil, "b'"]}})
    decision = decide(made, on=event(items=[{"drug": "D1", "usage": evil}]))
    assert decision.verdict == "findings"


@pytest.mark.parametrize("first", ["2019-05-01T10:00+08:00", "2023-12-31T23:59+00:00"])
def test_the_time_zone_does_not_depend_on_the_order_of_events(first: str) -> None:
    place = Institution("moved", Names("迁", "moved"), "tertiary", "hospital",
                        "America/Los_Angeles", ())  # fmt: skip
    entries = {"moved": History([Dated(place, date(2024, 1, 1), None)])}
    base = replace(BASE, _institutions=entries)
    made = make_rule(base, when={"event.item_count": {"above": 0}})
    before = event(institution="moved", at=first)
    for at, day in [
        ("2024-05-01T10:00+08:00", "2024-04-30"),
        ("2024-01-01T00:00+00:00", "2023-12-31"),
        ("2023-12-31T23:59+00:00", "2024-01-01"),
        ("2024-01-01T07:59+08:00", "2024-01-01"),
    ]:
        on = event(institution="moved", at=at)
        fresh = Evaluator(Pack.of([made]), base).decide(on)
        used = Evaluator(Pack.of([made]), base)
        used.decide(before)
        assert encode_record(used.decide(on)) == encode_record(fresh)
        assert fresh.as_of == day


def test_days_far_apart_share_nothing_wrong() -> None:
    evaluator = Evaluator(Pack.of([rule()]), BASE)
    days = [date(1990, 1, 1), date(2026, 12, 31), date(2027, 1, 1), date(2100, 1, 1)]
    verdicts = [
        evaluator.decide(event(at=f"{day.isoformat()}T12:00+08:00")).verdict for day in days
    ]
    assert verdicts == ["no_rules", "findings", "clean", "clean"]
