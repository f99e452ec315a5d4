"""The starter pack with the shipped knowledge: honest status, tests beside it, nothing called clean
that could not be checked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import knowledge_base
from contracts.decision import Decision
from knowledge_base import KnowledgeBase
from rules import PACKS, Evaluator, Pack, load_pack
from rules.authoring.shorthand import event_of
from rules.authoring.testing import Case, read_cases, run_tests
from rules.facts import CATALOGUE
from rules.memory.attendant import Attendant
from rules.memory.coverage import Coverage
from rules.memory.model import Memory
from rules.model import NEVER

DRAFT_OR_SIGNED = ("prescription.draft", "prescription.signed")


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return knowledge_base.load(knowledge_base.default_paths())


@pytest.fixture(scope="module")
def pack(knowledge: KnowledgeBase) -> Pack:
    return load_pack([PACKS], knowledge)


def decide(pack: Pack, knowledge: KnowledgeBase, **short: Any) -> Decision:
    base: dict[str, Any] = {
        "practitioner": "P001",
        "encounter": {"kind": "outpatient", "is_rescue": False},
        "diagnoses": ["I10"],
        "patient": {"age": "60 a", "sex": "male", "allergies": "none_known", "chronic_pain": False},
    }
    evaluator = Evaluator(pack, knowledge, "demo")
    event = event_of({**base, **short}, knowledge)
    first, coverage = Memory(), Coverage(is_total=True)
    return evaluator.decide(event, "", Attendant(evaluator).meet(event, "", first, coverage))


def prescription(drug: str, **more: Any) -> dict[str, Any]:
    item = {"drug": drug, "days_supply": 7, "doses_per_day": 1, "usage": "口服,每日 1 次"}
    return {"event": "prescription.signed", "items": [item], **more}


def missing(decision: Decision) -> set[tuple[str, str]]:
    found = {(u.fact, u.why) for u in decision.undetermined}
    return found | {(m.fact, m.why) for n in decision.not_evaluable for m in n.missing}


def test_all_sibling_tests_pass(pack: Pack, knowledge: KnowledgeBase) -> None:
    report = run_tests(pack, knowledge, [PACKS])
    assert report.ok, str(report)
    assert {result.case.rule for result in report.results} == {rule.id for rule in pack.rules}


def test_every_rule_ships_as_shadow_without_invented_reviewers(pack: Pack) -> None:
    assert len(pack.rules) >= 18
    for rule in pack.rules:
        assert rule.status == "shadow", rule.id
        assert not rule.authored_by, rule.id
        assert not rule.checked_by, rule.id
        assert rule.limits, rule.id
        assert rule.taxonomy.get("catalogue") or rule.taxonomy.get("score"), rule.id


def test_every_rule_cites_known_sources(pack: Pack, knowledge: KnowledgeBase) -> None:
    for rule in pack.rules:
        for evidence in rule.evidence:
            assert knowledge.source(evidence.source) is not None, (rule.id, evidence.source)
            assert evidence.locator, rule.id


def test_the_pack_covers_all_phases_and_families(pack: Pack) -> None:
    events = {name for rule in pack.rules for name in rule.on}
    assert {"prescription.draft", "order.draft"} <= events
    assert {"prescription.signed", "order.signed", "billing.charged"} <= events
    assert {"billing.refunded", "encounter.discharged"} <= events


def said(case: Case) -> list[str]:
    """What a case or the steps of a timeline expect."""
    if case.timeline is None:
        return [case.expect.outcome]
    return [one.word for moment in case.timeline.moments for one in moment.expect or ()]


def test_every_rule_has_cases_that_fire_that_do_not_and_that_cannot_be_evaluated(
    pack: Pack,
) -> None:
    for rule in pack.rules:
        path = pack.path(rule.id)
        assert path is not None
        cases = read_cases(path.with_name(f"{path.stem}.test.yaml"), pack, [])
        expected = [word for case in cases for word in said(case)]
        assert expected.count("alert") >= 3, rule.id
        calm = expected.count("silent") + expected.count("does_not_apply")
        assert calm >= 3, rule.id
        assert {"not_evaluable", "undetermined"} & set(expected), rule.id
        if rule.unless != NEVER:
            assert "exempt" in expected, rule.id


def test_every_parameter_and_code_set_is_used_by_a_rule_or_a_pair(
    pack: Pack, knowledge: KnowledgeBase
) -> None:
    tables = sorted((knowledge_base.DATA / "pairs").glob("*.yaml"))
    files = [*(path for _, path in pack.paths), *tables]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    # A class may be used by the class that includes it.
    text += "".join(
        f"codeset: {name}\n"
        for codeset in knowledge.codesets.values()
        for entry in codeset.history
        for name in entry.value.includes
    )
    text += "".join(f"parameter: {p}\n" for f in CATALOGUE.values() for p in f.parameters)
    assert [p for p in knowledge.parameters if f"parameter: {p}" not in text] == []
    assert [c for c in knowledge.codesets if f"codeset: {c}" not in text] == []


def test_an_ordinary_prescription_is_clean(pack: Pack, knowledge: KnowledgeBase) -> None:
    decision = decide(pack, knowledge, **prescription("amlodipine"))
    assert (decision.verdict, missing(decision)) == ("clean", set())


def test_a_drug_that_is_not_in_the_catalogue_is_not_clean(
    pack: Pack, knowledge: KnowledgeBase
) -> None:
    for name in DRAFT_OR_SIGNED:
        unmapped = prescription("urn:some:hospital|17", event=name)
        decision = decide(pack, knowledge, **unmapped)
        assert decision.verdict == "incomplete"
        assert ("item.drug.control", "not_in_knowledge") in missing(decision)
        assert ("item.drug.ingredients", "not_in_knowledge") in missing(decision)


def test_a_practitioner_who_is_not_in_the_registry_is_not_clean(
    pack: Pack, knowledge: KnowledgeBase
) -> None:
    decision = decide(pack, knowledge, **prescription("amlodipine", practitioner="nobody"))
    assert decision.verdict == "incomplete"
    assert ("practitioner.is_licensed", "not_in_registry") in missing(decision)


def test_a_charge_that_is_not_in_the_catalogue_is_not_clean(
    pack: Pack, knowledge: KnowledgeBase
) -> None:
    line = {"quantity": "1 1", "category": "service"}
    known = {"event": "billing.charged", "items": [{"item": "S001", **line}]}
    assert decide(pack, knowledge, **known).verdict == "clean"
    foreign = {"event": "billing.charged", "items": [{"item": "urn:some:hospital|X", **line}]}
    decision = decide(pack, knowledge, **foreign)
    assert decision.verdict == "incomplete"
    assert ("item.requires_udi", "not_in_knowledge") in missing(decision)


def test_a_discharge_without_its_times_is_not_clean(pack: Pack, knowledge: KnowledgeBase) -> None:
    decision = decide(
        pack, knowledge, event="encounter.discharged", encounter={"kind": "inpatient"}
    )
    assert decision.verdict == "incomplete"
    assert ("encounter.ended_at", "not_reported") in missing(decision)


def test_the_law_of_the_service_date_decides(pack: Pack, knowledge: KnowledgeBase) -> None:
    midazolam = prescription("midazolam")
    midazolam["items"][0] |= {"days_supply": 2}
    rule = "controlled_drugs.injection_one_dose"
    for day, expected in ((date(2024, 6, 30), False), (date(2024, 7, 1), True)):
        decision = decide(pack, knowledge, **midazolam, at=f"{day}T10:00+08:00")
        assert (rule in {finding.rule_id for finding in decision.findings}) is expected
