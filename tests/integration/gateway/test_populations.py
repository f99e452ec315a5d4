"""Whole populations: the project's own, clinosim's, and Synthea's where the data is at hand."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import knowledge_base
from contracts.intake import Accepted, decode
from gateway.fhir import Imported, ImportReport, Outcome, Skip, Skipped, import_bundles
from simulation.fhir_population import fhir_bundles, write_bundles
from support import clinosim_population

CHECKOUT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("YIJIAN_SHARED_DATA") or CHECKOUT.parent / "shared" / "data")
SYNTHEA = SHARED / "fhir-r4-synthea"
EXPECTED = frozenset({Skip.TYPE_NOT_MAPPED, Skip.REFERENCED_ONLY})
DAY = date(2026, 11, 22)


def imported(paths: list[Path], institution: str = "h1") -> tuple[list[Outcome], ImportReport]:
    outcomes = list(import_bundles(paths, "urn:fhir:test", "Asia/Shanghai", institution))
    report = ImportReport()
    for outcome in outcomes:
        report.add(outcome)
        if isinstance(outcome, Imported):
            assert decode(outcome.value, key=outcome.key, check_key=True) == Accepted(outcome.event)
    return outcomes, report


@pytest.fixture(scope="module")
def knowledge() -> knowledge_base.KnowledgeBase:
    return knowledge_base.load(list(knowledge_base.default_paths()))


def test_the_demonstration_population_is_valid_and_whole(
    knowledge: knowledge_base.KnowledgeBase, tmp_path: Path
) -> None:
    paths = write_bundles(fhir_bundles(knowledge, DAY, patients=12), tmp_path)
    outcomes, report = imported(paths, "demo-h1")
    odd = [o for o in outcomes if isinstance(o, Skipped) and o.reason not in EXPECTED]
    assert odd == []
    types = {o.event.type for o in outcomes if isinstance(o, Imported)}
    assert types == {
        "patient.registered.v1", "encounter.started.v1", "encounter.ended.v1",
        "encounter.admitted.v1", "encounter.discharged.v1", "condition.recorded.v1",
        "allergy.recorded.v1", "observation.recorded.v1", "result.reported.v1",
        "order.signed.v1", "prescription.signed.v1", "billing.charged.v1",
    }  # fmt: skip
    assert {n.value for n, _, _ in report.notes_table()} == {"time_substituted"}


def test_the_demonstration_population_is_what_rules_can_look_up(
    knowledge: knowledge_base.KnowledgeBase, tmp_path: Path
) -> None:
    outcomes, _ = imported(write_bundles(fhir_bundles(knowledge, DAY), tmp_path), "demo-h1")
    acts = [
        o.event.data for o in outcomes
        if isinstance(o, Imported) and o.event.type == "prescription.signed.v1"
    ]  # fmt: skip
    known = 0
    for act in acts:
        assert knowledge.practitioner("demo-h1", act.practitioner.id, DAY) is not None
        drug = act.items[0].drug
        known += knowledge.drug(drug.system, drug.code, DAY) is not None
    assert 0 < known < len(acts)  # some drugs are another hospital's, on purpose


def test_the_demonstration_population_is_the_same_for_a_seed_and_never_ahead(
    knowledge: knowledge_base.KnowledgeBase, tmp_path: Path
) -> None:
    until = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)  # 4 in the morning in Shanghai
    first = list(fhir_bundles(knowledge, DAY, seed=3, until=until))
    assert first == list(fhir_bundles(knowledge, DAY, seed=3, until=until))
    assert first != list(fhir_bundles(knowledge, DAY, seed=4, until=until))
    outcomes, _ = imported(write_bundles(first, tmp_path), "demo-h1")
    assert max(o.event.time for o in outcomes if isinstance(o, Imported)) <= until


def test_a_clinosim_population_is_imported(tmp_path: Path) -> None:
    paths = clinosim_population.generate(tmp_path, population=150, days=20)
    outcomes, report = imported(paths)
    odd = {
        (o.resource_type, o.reason) for o in outcomes
        if isinstance(o, Skipped) and o.reason not in EXPECTED
    }  # fmt: skip
    # clinosim marks "no known allergy" as resolved, which states nothing to rely on.
    assert odd <= {("AllergyIntolerance", Skip.NEGATIVE_STATEMENT)}
    mapped = {row.resource_type for row in report.table() if row.imported}
    assert {"Patient", "Encounter", "Condition", "MedicationRequest", "Observation"} <= mapped
    times = [o.event.time for o in outcomes if isinstance(o, Imported)]
    assert times == sorted(times)


@pytest.mark.skipif(
    not SYNTHEA.is_dir(), reason="shared data absent: set YIJIAN_SHARED_DATA to its folder"
)
def test_synthea_bundles_are_imported_whole() -> None:
    outcomes, report = imported(sorted(SYNTHEA.glob("*.json")))
    odd = [o for o in outcomes if isinstance(o, Skipped) and o.reason not in EXPECTED]
    assert odd == []
    counts = {row.resource_type: (row.imported, sum(row.events.values())) for row in report.table()}
    assert {name: n for name, n in counts.items() if n[0]} == {
        "AllergyIntolerance": (6, 6),
        "Claim": (220, 220),
        "Condition": (48, 71),
        "Encounter": (180, 360),
        "MedicationRequest": (40, 40),
        "Observation": (747, 747),
        "Patient": (10, 11),
    }
    years = {o.event.time.year for o in outcomes if isinstance(o, Imported)}
    assert max(years) - min(years) > 40
