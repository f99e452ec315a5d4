import json
import re
from pathlib import Path

import gateway
from gateway.fhir import NOTES, REASONS, ImportReport, Note, Skip
from gateway.fhir.mapping import MAPPINGS, REFERENCED_ONLY
from gateway.fhir.report import HEADINGS
from support.fhir_resources import Importer, condition, encounter, observation, patient


def test_a_report_counts_resources_events_and_reasons(fhir: Importer) -> None:
    report = ImportReport()
    resources = [
        patient(),
        encounter(),
        condition(),
        observation(status="cancelled"),
        {"resourceType": "Goal"},
    ]
    for outcome in fhir.outcomes(*resources):
        report.add(outcome)
    assert report.resource_count == 5
    assert report.event_count == 4
    rows = {row.resource_type: row for row in report.table()}
    assert list(rows) == ["Condition", "Encounter", "Goal", "Observation", "Patient"]
    assert rows["Encounter"].events == {"encounter.ended.v1": 1, "encounter.started.v1": 1}
    assert (rows["Encounter"].resources, rows["Encounter"].imported) == (1, 1)
    assert rows["Observation"].skipped == {Skip.STATUS: 1}
    assert rows["Goal"].skipped == {Skip.TYPE_NOT_MAPPED: 1}
    assert report.notes_table()[0][0] == Note.TIME_SUBSTITUTED
    assert {reason for reason, _, _ in report.reasons_table()} == {
        Skip.STATUS,
        Skip.TYPE_NOT_MAPPED,
    }
    assert json.loads(json.dumps(report.as_dict()))["types"]["Patient"]["imported"] == 1


def test_every_reason_note_and_heading_is_said_in_both_languages() -> None:
    assert set(REASONS) == set(Skip)
    assert set(NOTES) == set(Note)
    for words in (*REASONS.values(), *NOTES.values(), *HEADINGS):
        assert re.search(r"[\u4e00-\u9fff]|JSON|FHIR", words.zh)
        assert words.en


def test_every_reason_note_type_and_event_stands_in_the_readme() -> None:
    text = (Path(gateway.__file__).parent / "README.md").read_text("utf-8")
    assert {f"`{word}`" for word in (*Skip, *Note) if f"`{word}`" not in text} == set()
    named = (*MAPPINGS, "Patient", *REFERENCED_ONLY)
    assert [name for name in named if name not in text] == []
