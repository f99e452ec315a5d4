"""The rules that are shipped: they load, their tests pass, and every event type is decided."""

from __future__ import annotations

import pytest

import knowledge_base
from contracts.acts import VERBS
from rules import PACKS, Evaluator, load_pack
from rules.authoring.shorthand import event_of
from rules.authoring.workbench import check, explain

KNOWLEDGE = knowledge_base.load(knowledge_base.default_paths())


@pytest.mark.slow
def test_every_shipped_rule_loads_and_has_the_tests_it_needs() -> None:
    problems = check([PACKS], KNOWLEDGE)
    assert not problems, "\n".join(map(str, problems))


def test_shipped_rules_are_shadow_until_somebody_reviewed_them() -> None:
    pack = load_pack([PACKS], KNOWLEDGE)
    assert {rule.status for rule in pack.rules} == {"shadow"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [f"{f}.{v}" for f in ("prescription", "order", "billing", "result",
                                                       "encounter") for v in VERBS[f]])  # fmt: skip
def test_the_barest_event_of_each_type_is_decided(name: str) -> None:
    evaluator = Evaluator(load_pack([PACKS], KNOWLEDGE), KNOWLEDGE, profile="demo")
    decision = evaluator.decide(event_of({"event": name}, KNOWLEDGE))
    assert all(
        missing.why != "rule_error" for entry in decision.not_evaluable for missing in entry.missing
    )


def test_an_explanation_shows_each_condition_with_its_values() -> None:
    evaluator = Evaluator(load_pack([PACKS], KNOWLEDGE), KNOWLEDGE)
    short = {
        "event": "prescription.signed",
        "patient": {"age": "12 a"},
        "items": [{"drug": "levofloxacin", "route": "oral"}],
    }
    event = event_of(short, KNOWLEDGE)
    said = str(explain("medication_safety.fluoroquinolone_minor", event, evaluator))
    assert "patient.age below parameter fluoroquinolone.minimum_age" in said
    assert "patient.age = 12" in said
    other = event_of({"event": "result.reported"}, KNOWLEDGE)
    said = str(explain("medication_safety.fluoroquinolone_minor", other, evaluator))
    assert "not about result.reported" in said
    with pytest.raises(ValueError, match="no rule"):
        explain("medication_safety.none", event, evaluator)
