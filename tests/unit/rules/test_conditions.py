"""What the new conditions leave in a decision, and how the loader refuses what means nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from contracts.decision import Decision, Reader, encode_record
from contracts.event import Event
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.engine.messages import show
from rules.facts import CATALOGUE, LIST_NAMES, Type, fact_of, list_of
from rules.model import Rule
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule, try_rule

BASE = knowledge()
HIGH = {
    "some": {
        "in": "observations",
        "where": {
            "observation.analyte": {"is": "potassium"},
            "observation.value": {"above": {"parameter": "potassium.limit"}},
        },
    }
}
AT = "2026-03-02T10:00+08:00"


def event(**short: Any) -> Event:
    return event_of(
        {"event": "prescription.signed", "at": AT, "items": [{"drug": "D1"}], **short}, BASE
    )


def decide(*rules: Rule, on: Event, **how: Any) -> Decision:
    return Evaluator(Pack.of(rules), BASE, **how).decide(on)


def rule(name: str = "rule", **parts: Any) -> Rule:
    return make_rule(BASE, id=f"spec.{name}", **parts)


def observed(*values: tuple[str, str]) -> dict[str, Any]:
    return {"observations": [{"code": code, "value": value, "at": AT} for code, value in values]}


def test_the_element_that_fulfils_a_condition_stands_in_the_finding_and_the_decision() -> None:
    on = event(patient=observed(("urn:lab|K", "5 mmol/L"), ("urn:lab|K", "6.5 mmol/L")))
    decision = decide(rule(when=HIGH), on=on)
    (finding,) = decision.findings
    shown = msgspec.to_builtins(finding.facts)
    assert shown == {
        "observations": {
            "K#2": {
                "observation.analyte": "potassium",
                "observation.value": {"value": 6.5, "unit": "mmol/L"},
            }
        }
    }
    assert [*decision.elements] == ["K#2"]
    assert [t.parameter for t in finding.thresholds] == ["potassium.limit"]


def test_the_elements_that_leave_it_open_are_recorded_too() -> None:
    on = event(patient=observed(("urn:lab|K", "6 mg/dL"), ("urn:lab|Na", "1 mmol/L")))
    decision = decide(rule(when=HIGH), on=on)
    (entry,) = decision.not_evaluable
    assert [(m.fact, m.why) for m in entry.missing] == [
        ("observation.value", "unit"),
        ("patient.observations", "partial_list"),
    ]
    assert [*decision.elements] == ["K"]


def test_a_stale_value_says_how_old_it_is() -> None:
    when = {
        "patient.potassium": {
            "above": {"parameter": "potassium.limit"},
            "fresh_within": {"parameter": "potassium.validity"},
        }
    }
    old = {"code": "urn:lab|K", "value": "6 mmol/L", "at": "2026-02-27T06:30+08:00"}
    decision = decide(rule(when=when), on=event(patient={"observations": [old]}))
    (missing,) = decision.not_evaluable[0].missing
    assert (missing.fact, missing.why, missing.age) == ("patient.potassium", "stale", "75.5 h")
    again = Reader(Decision)(encode_record(decision))
    assert again.not_evaluable[0].missing[0].age == "75.5 h"
    fresh = {"code": "urn:lab|K", "value": "6 mmol/L", "at": "2026-02-27T10:30+08:00"}
    (finding,) = decide(rule(when=when), on=event(patient={"observations": [fresh]})).findings
    assert set(finding.facts) == {"patient.potassium", "patient.potassium_at"}


def test_a_value_observed_after_the_service_says_how_much_later() -> None:
    within = {"above": {"parameter": "potassium.limit"}, "fresh_within": "1 h"}
    late = {"code": "urn:lab|K", "value": "6 mmol/L", "at": "2026-03-02T11:30+08:00"}
    decision = decide(
        rule(when={"patient.potassium": within}), on=event(patient={"observations": [late]})
    )
    (missing,) = decision.not_evaluable[0].missing
    assert (missing.fact, missing.why, missing.age) == ("patient.potassium", "future", "1.5 h")


def test_a_decision_with_times_durations_and_intervals_survives_its_encoding() -> None:
    when = {
        "all": [
            {"encounter.period": {"overlaps": ["<2026-01-01>", None]}},
            {"encounter.duration": {"above": 0}},
            {"event.time": {"above": {"fact": "encounter.started_at"}}},
        ]
    }
    visit = {"started_at": "2026-03-01T10:00+08:00", "ended_at": "2026-03-02T09:00+08:00"}
    decision = decide(rule(when=when), on=event(encounter=visit))
    assert decision.verdict == "findings"
    raw = encode_record(decision)
    again = Reader(Decision)(raw)
    assert encode_record(again) == raw
    assert again.facts["encounter.duration"] == "PT82800S"
    assert again.facts["encounter.period"] == {
        "from": "2026-03-01T10:00:00+08:00",
        "to": "2026-03-02T09:00:00+08:00",
    }


def test_a_message_shows_durations_and_intervals_as_people_read_them() -> None:
    finding = {
        "result": "suspected", "severity": "warning", "action": "remind",
        "audience": ["department"],
        "message": {"zh": "{encounter.duration},{encounter.period}", "en": "{encounter.duration}"},
    }  # fmt: skip
    visit = {"started_at": "2026-02-28T08:30+08:00", "ended_at": None}
    made = rule(when={"encounter.elapsed": {"above": 0}}, finding=finding)
    (found,) = decide(made, on=event(encounter=visit)).findings
    assert found.message.zh == "未知,2026-02-28 08:30 – 至今"
    visit["ended_at"] = "2026-03-02T09:45+08:00"
    (found,) = decide(made, on=event(encounter=visit)).findings
    assert found.message.en == "2 d 1 h 15 min"
    assert found.message.zh == "2 天 1 小时 15 分钟,2026-02-28 08:30 – 2026-03-02 09:45"


def test_a_message_shows_times_in_the_zone_of_the_institution() -> None:
    finding = {
        "result": "suspected", "severity": "warning", "action": "remind",
        "audience": ["department"],
        "message": {"zh": "{encounter.started_at}", "en": "{encounter.period}"},
    }  # fmt: skip
    visit = {"started_at": "2026-02-28T16:30+00:00", "ended_at": "2026-02-28T20:30-05:00"}
    made = rule(when={"encounter.elapsed": {"above": 0}}, finding=finding)
    (found,) = decide(made, on=event(encounter=visit)).findings
    assert found.message.zh == "2026-03-01 00:30"
    assert found.message.en == "2026-03-01 00:30 – 2026-03-01 09:30"


def test_each_goes_through_the_records_of_the_patient() -> None:
    allergic = {"allergies": ["amoxicillin", "urn:x|1"]}
    made = rule(each="allergies", when={"allergy.ingredients": {"any_in": ["amoxicillin"]}})
    decision = decide(made, on=event(patient=allergic))
    assert [f.element for f in decision.findings] == ["amoxicillin"]
    assert [n.element for n in decision.not_evaluable] == ["1"]
    made = rule(
        each="observations",
        scope={"observation.analyte": {"is": "potassium"}},
        when={"observation.value": {"above": {"parameter": "potassium.limit"}}},
    )
    on = event(patient=observed(("urn:lab|K", "6 mmol/L"), ("urn:lab|K", "5 mmol/L")))
    decision = decide(made, on=on)
    assert [f.element for f in decision.findings] == ["K"]
    assert decision.coverage.silent == 1
    assert decision.undetermined[0].fact == "patient.observations"


def test_items_of_another_day_keep_their_own_times_inside_some() -> None:
    items = [
        {"drug": "D1", "days_supply": 7},
        {"drug": "D1", "days_supply": 7, "service_time": "2026-02-20T10:00+08:00"},
    ]
    where = {"item.service_date": {"below": "<2026-03-01>"}}
    made = rule(when={"some": {"in": "items", "where": where}})
    assert decide(made, on=event(items=items)).verdict == "findings"
    assert decide(made, on=event(items=items[:1])).verdict == "clean"
    inner = {"item.service_date": {"is": "<2026-03-02>"}}
    each = rule(each="items", when={"some": {"in": "items", "where": inner}})
    assert [f.element for f in decide(each, on=event(items=items)).findings] == ["1", "2"]


def test_alternatives_on_one_fact_are_looked_up_together() -> None:
    def scoped(number: int) -> Rule:
        scope = {
            "any": [
                {"item.drug": {"is": f"urn:x|{number}"}},
                {"item.drug": {"in": [f"urn:y|{number}", f"urn:z|{number}"]}},
            ]
        }
        return rule(
            f"rule_{number}", each="items", scope=scope, when={"event.item_count": {"above": 0}}
        )

    evaluator = Evaluator(Pack.of([scoped(n) for n in range(100)]), BASE)
    on = event(items=[{"drug": "urn:z|7"}])
    assert [f.rule_id for f in evaluator.decide(on).findings] == ["spec.rule_7"]
    assert evaluator.evaluations == 1


def test_a_text_parameter_is_an_anchor_too() -> None:
    kinds = {"encounter.kind": {"is": {"parameter": "kind.special"}}}
    made = [
        rule(f"rule_{n}", scope=kinds, when={"event.item_count": {"above": 0}}) for n in range(60)
    ]
    evaluator = Evaluator(Pack.of(made), BASE)
    assert evaluator.decide(event(encounter={"kind": "outpatient"})).verdict == "no_rules"
    assert evaluator.evaluations == 0
    assert len(evaluator.decide(event(encounter={"kind": "emergency"})).findings) == 60


def test_every_fact_is_documented_and_every_time_of_a_fact_exists() -> None:
    for fact in CATALOGUE.values():
        assert fact.zh, fact.name
        assert fact.en, fact.name
        assert fact.families, fact.name
        for name in (fact.time, *(fact.ends or ())):
            other = fact_of(name, fact.of) if name else None
            if name:
                assert other is not None, f"{fact.name}: {name}"
                assert other.type is Type.TIME
                assert set(fact.families) <= set(other.families), fact.name
        assert (fact.ends is not None) == (fact.type is Type.DURATION), fact.name


def test_every_list_can_be_gone_through() -> None:
    for name in LIST_NAMES:
        assert list_of(name) is not None
    assert list_of("nothing") is None


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"encounter.period": {"below": 1}}, "use overlaps or exists"),
        ({"encounter.period": {"overlaps": "2026-01-01"}}, "takes an interval"),
        ({"encounter.period": {"overlaps": ["<2026-02-01>", "<2026-01-01>"]}}, "before it begins"),
        ({"encounter.period": {"overlaps": ["<2026-02-01>", "<2026-02-01>"]}}, "before it begins"),
        ({"encounter.period": {"overlaps": {"fact": "encounter.kind"}}}, "of type interval"),
        ({"encounter.period": {"overlaps": [{"fact": "encounter.kind"}, None]}}, "no end of"),
        ({"encounter.period": {"overlaps": ["soon", None]}}, "no end of an interval"),
        ({"encounter.duration": {"is": 0}}, "does not fit"),
        ({"encounter.duration": {"above": 1}}, "expected 0, a quantity"),
        ({"encounter.duration": {"above": {"parameter": "dose.limit"}}}, "no length of time"),
        ({"encounter.duration": {"above": {"days": 1.5}}}, "put it into a parameter"),
        ({"encounter.duration": {"above": {"days": "x"}}}, "write {parameter: …}"),
        ({"encounter.duration": {"above": {"days": {"parameter": "dose.limit"}}}}, "is in mg"),
        ({"encounter.duration": {"above": {"days": {"parameter": "nothing"}}}}, "no parameter"),
        ({"encounter.duration": {"above": {"days": {"fact": "event.time"}}}}, "by a parameter"),
        ({"encounter.duration": {"above": {"weeks": 1}}}, "has no `weeks`"),
        ({"patient.age": {"below": {"months": 1}}}, "`patient.age` in a"),
        ({"patient.sex": {"is": {"days": 1}}}, "has no days"),
        ({"patient.weight": {"above": {"days": 1}}}, "`patient.weight` in kg"),
        ({"patient.weight": {"above": {"parameter": "dose.limit"}}}, None),
        ({"patient.weight": {"above": "1 g", "fresh_within": 1}}, "`fresh_within` is a number"),
        ({"patient.weight": {"above": "1 g", "fresh_within": {"codeset": "heart"}}}, "no length"),
        ({"patient.weight": {"above": "1 g", "fresh_within": "1 mg"}}, "give a duration"),
        ({"patient.weight": {"above": "1 g", "fresh_within": "72 h"}}, "put it into a parameter"),
        ({"some": {"in": "items", "where": {}}}, "no condition here"),
        ({"some": {"in": "items", "where": {"item.dose": {"above": "x"}}}}, "x is no quantity"),
        ({"some": {"where": {"patient.age": {"is": 1}}}}, "`some` has no `in`"),
        ({"some": {"in": "itms", "where": {"patient.age": {"is": 1}}}}, "did you mean items"),
        ({"some": ["x"]}, "`some` is a list"),
        ({"some": {"in": "items", "where": {"diagnosis.code": {"is": "x"}}}}, "of items and the"),
    ],
)
def test_a_wrong_condition_is_refused_with_what_to_write(when: Any, message: str | None) -> None:
    made, problems = try_rule(BASE, when=when)
    said = [str(problem) for problem in problems]
    if message is None:
        assert made is not None, said
        return
    assert made is None
    assert any(message in text for text in said), said


def test_a_list_that_an_event_does_not_have_is_refused() -> None:
    where = {"item.code": {"exists": True}}
    made, problems = try_rule(
        BASE, on=["encounter.ended"], when={"some": {"in": "items", "where": where}}
    )
    assert made is None
    assert "encounter events have no `items`" in str(problems[0])


def test_a_very_short_time_is_shown_in_seconds() -> None:
    assert show(timedelta(seconds=1.5), "en") == "1.5 s"
    assert show(timedelta(seconds=-90), "en") == "-1 min"
    assert show(timedelta(0), "en") == "0 s"


def test_what_decided_about_an_item_of_another_day_is_recorded_as_well() -> None:
    item = {"drug": "D1", "service_time": "2026-02-20T10:00+08:00"}
    on = event(items=[item], patient=observed(("urn:lab|K", "6 mmol/L")))
    decision = decide(rule(each="items", when=HIGH), on=on)
    assert decision.findings[0].element == "1"
    assert set(decision.elements) == {"1", "K"}


def test_a_statement_of_allergies_is_read_for_itself_unless_it_is_taken_back() -> None:
    where = {"allergy.ingredients": {"any_in": ["amoxicillin"]}}
    for verb, outcome in (("recorded", "findings"), ("entered_in_error", "incomplete")):
        made = rule(
            on=[f"allergy.{verb}"],
            when={
                "all": [
                    {"some": {"in": "allergies", "where": where}},
                    {"patient.allergies": {"any_in": ["amoxicillin"]}},
                ]
            },
        )
        coding = {"system": "urn:yijian:ingredient", "code": "Amoxicillin"}
        stated = {"complete": True, "items": [{"substance": coding}]}
        on = event_of({"event": f"allergy.{verb}", "at": AT, "allergies": stated}, BASE)
        assert decide(made, on=on).verdict == outcome


def test_a_condition_that_is_recorded_has_its_own_diagnosis() -> None:
    made = rule(
        on=["condition.recorded"], when={"event.diagnoses": {"any_in": {"codeset": "heart"}}}
    )
    each = rule("each", on=["condition.recorded"], each="diagnoses",
                when={"diagnosis.code": {"in": {"codeset": "heart"}}})  # fmt: skip
    code = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10.x00"}
    on = event_of({"event": "condition.recorded", "diagnosis": {"code": code}}, BASE)
    decision = decide(made, each, on=on)
    assert {f.element for f in decision.findings} == {"", "I10.x00"}


@pytest.mark.parametrize("dose", ["500 mg", "5 mL", "5 片"])
def test_bounds_of_different_kinds_leave_every_amount_unknown(dose: str) -> None:
    made = rule(each="items", when={"item.dose": {"between": ["1 mg", "1 mL"]}})
    decision = decide(made, on=event(items=[{"drug": "D1", "dose": dose}]))
    assert [(m.fact, m.why) for m in decision.not_evaluable[0].missing] == [("item.dose", "unit")]
