import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fhir.resources
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.intake import Accepted, decode
from gateway.errors import SettingError, UnreadableInput
from gateway.fhir import Imported, Skip, Skipped, import_bundles, validation
from support.fhir_resources import (
    SOURCE,
    Importer,
    allergy,
    bundle,
    claim,
    concept,
    condition,
    encounter,
    laboratory,
    line,
    medication_request,
    notes_of,
    observation,
    patient,
    quantity,
    service_request,
    types_of,
)

ALL = [
    patient(),
    encounter(diagnosis=[{"condition": {"reference": "Condition/c1"}, "rank": 1}]),
    condition(),
    allergy(),
    medication_request(
        dosageInstruction=[
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": quantity(1, "g")}],
            }
        ]
    ),
    service_request(),
    observation(valueQuantity=quantity(1, "kg")),
    laboratory(id="o2", valueQuantity=quantity(4, "mmol/L")),
    claim([line(1, 5)]),
]


def test_every_event_passes_the_contract_again(fhir: Importer) -> None:
    outcomes = fhir.outcomes(*ALL)
    assert [o for o in outcomes if isinstance(o, Skipped)] == []
    for outcome in outcomes:
        assert isinstance(outcome, Imported)
        answer = decode(outcome.value, key=outcome.key, check_key=True)
        assert answer == Accepted(outcome.event)


def test_the_same_input_gives_the_same_bytes_in_the_same_order(fhir: Importer) -> None:
    first, again = fhir.outcomes(*ALL), fhir.outcomes(*ALL)
    reversed_input = fhir.outcomes(*reversed(ALL))
    values = [o.value for o in first if isinstance(o, Imported)]
    assert values == [o.value for o in again if isinstance(o, Imported)]
    assert values == [o.value for o in reversed_input if isinstance(o, Imported)]
    times = [o.event.time for o in first if isinstance(o, Imported)]
    assert times == sorted(times)


@pytest.mark.parametrize("kind", ["transaction", "collection", "searchset", "batch"])
def test_bundles_of_every_kind_are_read(fhir: Importer, kind: str) -> None:
    path = fhir.file(json.dumps(bundle(patient(), condition(), kind=kind)))
    assert types_of(fhir.of(path)) == ["patient.registered.v1", "condition.recorded.v1"]


def test_bulk_files_of_one_export_are_one_input(fhir: Importer) -> None:
    files = [fhir.file(f"{json.dumps(r)}\n\n", ".ndjson") for r in reversed(ALL)]
    whole = [o.event for o in fhir.outcomes(*ALL) if isinstance(o, Imported)]
    assert [o.event for o in fhir.of(*files) if isinstance(o, Imported)] == whole


def test_a_file_can_hold_one_resource_or_a_bundle_a_line(fhir: Importer) -> None:
    files = [
        fhir.file(json.dumps(patient())),
        fhir.file(json.dumps(bundle(bundle(condition()))), ".ndjson"),
    ]
    outcomes = fhir.of(*files)
    assert types_of(outcomes) == ["patient.registered.v1", "condition.recorded.v1"]
    assert outcomes[1].place == (2, "line 1 > entry[0] > entry[0]")


def test_ids_name_the_version_or_the_content(fhir: Importer) -> None:
    (_, versioned) = fhir.outcomes(patient(), condition(meta={"versionId": "7"}))
    assert versioned.event.id == "Condition/c1/7/recorded"
    (_, first) = fhir.outcomes(patient(), condition())
    (_, other) = fhir.outcomes(patient(), condition(code=concept("J00")))
    assert first.event.id != other.event.id
    assert first.event.id.startswith("Condition/c1/~")


def test_the_same_resource_twice_counts_once(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), condition(), condition())
    assert [o.reason for o in outcomes if isinstance(o, Skipped)] == [Skip.DUPLICATE]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe\x00", b'{"resourceType": "Patient", "x": NaN}', b"[" * 100_000],
)
def test_what_is_not_json_is_skipped_and_the_next_file_is_read(fhir: Importer, text: bytes) -> None:
    good = fhir.file(json.dumps(bundle(patient(), condition())))
    outcomes = fhir.of(fhir.file(text), good)
    assert isinstance(outcomes[0], Skipped)
    assert (outcomes[0].reason, outcomes[0].place.file) == (Skip.NOT_JSON, 1)
    assert len(outcomes) == 3


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], Skip.NOT_A_RESOURCE),
        ("Patient", Skip.NOT_A_RESOURCE),
        ({}, Skip.NOT_A_RESOURCE),
        ({"resourceType": 5}, Skip.NOT_A_RESOURCE),
        ({"resourceType": "../etc"}, Skip.NOT_A_RESOURCE),
        ({"resourceType": "Bundle", "entry": {}}, Skip.INVALID),
        ({"resourceType": "Bundle", "entry": [5]}, Skip.NO_RESOURCE),
        (
            {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE"}}]},
            Skip.NO_RESOURCE,
        ),
        ({"resourceType": "Immunization"}, Skip.TYPE_NOT_MAPPED),
        ({"resourceType": "Nonsense"}, Skip.TYPE_NOT_MAPPED),
        ({"resourceType": "Practitioner"}, Skip.REFERENCED_ONLY),
    ],
)
def test_what_is_no_mapped_resource_has_its_reason(
    fhir: Importer, document: Any, reason: Skip
) -> None:
    (only,) = fhir.of(fhir.file(json.dumps(document)))
    assert isinstance(only, Skipped)
    assert only.reason == reason


def test_an_empty_bundle_is_no_problem(fhir: Importer) -> None:
    assert fhir.of(fhir.file('{"resourceType": "Bundle", "type": "collection"}')) == []


def test_bundles_nested_without_end_are_refused(fhir: Importer) -> None:
    document = bundle(patient())
    for _ in range(60):
        document = bundle(document)
    (only,) = fhir.of(fhir.file(json.dumps(document)))
    assert isinstance(only, Skipped)
    assert only.reason == Skip.NOT_A_RESOURCE


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (observation(status=5), "$.status"),
        (observation(valueQuantity={"value": "high"}), "$.valueQuantity.value"),
        (observation(hospital="mine"), "$.hospital"),
        (observation(effectiveDateTime="2026-03-01T09:00:00"), "$.effectiveDateTime"),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/p1"}}, "$.code"),
        (claim([{"sequence": 1}]), "$.item[0].productOrService"),
        (encounter(subject="p1"), "$.subject"),
    ],
)
def test_an_invalid_resource_is_refused_with_the_path_and_the_rest_goes_on(
    fhir: Importer, resource: dict, path: str
) -> None:
    outcomes = fhir.outcomes(patient(), resource, condition())
    (skipped,) = [o for o in outcomes if isinstance(o, Skipped)]
    assert (skipped.reason, skipped.path) == (Skip.INVALID, path)
    assert types_of(outcomes) == ["patient.registered.v1", "condition.recorded.v1"]


def test_a_refusal_quotes_no_value(fhir: Importer) -> None:
    bad = [
        patient(id="p2", birthDate="Zhang San 1980"),
        patient(id="p 3 Zhang"),
        patient(id="p4", name="Zhang San"),
        observation(id="o2", issued="Zhang San"),
    ]
    skipped = fhir.skipped(patient(), *bad)
    assert len(skipped) == 4
    assert "Zhang" not in repr(skipped)


def test_validation_is_against_r4b_and_not_the_package_s_default() -> None:
    model = validation.model_of("Encounter")
    assert model.__module__.startswith("fhir.resources.R4B.")
    assert fhir.resources.__file__ is not None
    validation.validate("Encounter", encounter())  # R5 would want a list of classes


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ({"reference": "Patient/nobody"}, Skip.SUBJECT_UNRESOLVED),
        ({"reference": "urn:uuid:none"}, Skip.SUBJECT_UNRESOLVED),
        ({"reference": "Condition/c1"}, Skip.SUBJECT_UNRESOLVED),
        ({"reference": "Group/g1"}, Skip.SUBJECT_UNRESOLVED),
        ({"display": "somebody"}, Skip.SUBJECT_MISSING),
    ],
)
def test_a_patient_that_is_not_there_is_a_reason(
    fhir: Importer, subject: dict, reason: Skip
) -> None:
    skipped = fhir.skipped(patient(), condition(), observation(subject=subject))
    assert [(s.reason, s.resource_type) for s in skipped] == [(reason, "Observation")]


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "https://example.org/fhir/Patient/p1", "Patient/p1/_history/3"],
)
def test_references_resolve_in_every_form(fhir: Importer, reference: str) -> None:
    events = fhir.events(patient(), condition(subject={"reference": reference}))
    assert events["condition.recorded.v1"].subject == "urn:fhir:test|p1"


def test_a_date_alone_is_read_in_the_given_zone_and_says_so(fhir: Importer) -> None:
    resources = [patient(), condition(recordedDate="2026-03-01")]
    for zone, hours in (("Asia/Shanghai", 8), ("America/New_York", -5)):
        outcomes = fhir.outcomes(*resources, zone=zone)
        at = outcomes[1].event.time
        assert at == datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=hours)))
        assert "zone_assumed" in notes_of(outcomes)


def test_a_year_alone_is_its_first_day_and_says_so(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), condition(recordedDate="1975"), zone="UTC")
    assert outcomes[1].event.time == datetime(1975, 1, 1, tzinfo=UTC)
    assert "partial_date" in notes_of(outcomes)


def test_an_instant_keeps_its_offset(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), condition(recordedDate="2026-03-01T23:59:59.5-03:30"))
    assert b'"time":"2026-03-01T23:59:59.500000-03:30"' in outcomes[1].value


@pytest.mark.parametrize("day", ["1901-01-01", "1940-06-03", "1986-05-04", "1900-01-02"])
def test_old_dates_in_local_mean_or_summer_time_pass_the_contract(fhir: Importer, day: str) -> None:
    outcomes = fhir.outcomes(patient(birthDate="1890-01-01"), condition(recordedDate=day))
    assert "condition.recorded.v1" in types_of(outcomes)


def test_a_time_before_1900_is_refused_by_the_contract(fhir: Importer) -> None:
    (skipped,) = fhir.skipped(patient(), condition(recordedDate="1899-01-01"), observation())
    assert (skipped.reason, skipped.path) == (Skip.CONTRACT, "$.time")


def test_text_that_is_not_unicode_is_a_reason(fhir: Importer) -> None:
    text = json.dumps(bundle(patient(), observation(valueString="?"), condition()))
    outcomes = fhir.of(fhir.file(text.replace('"?"', '"\\ud800"')), validate=False)
    assert [o.reason for o in outcomes if isinstance(o, Skipped)] == [Skip.CONTRACT]
    assert len(outcomes) == 3


def test_any_text_is_carried_unharmed(fhir: Importer) -> None:
    words = "💊 \u202e‮ <script> \u0000 ' OR 1=1"
    events = fhir.events(patient(), observation(valueString=words), validate=False)
    assert events["observation.recorded.v1"].data.items[0].text == words


def test_a_missing_file_stops_before_anything_is_read(fhir: Importer) -> None:
    good = fhir.file(json.dumps(patient()))
    with pytest.raises(UnreadableInput, match=r"nowhere\.json: no such file"):
        import_bundles([good, Path("nowhere.json")], SOURCE, "UTC", "h1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"zone": "Mars/Olympus"}, "time zone"),
        ({"zone": "../../etc/passwd"}, "time zone"),
        ({"source": ""}, "source"),
        ({"namespace": "a|b"}, "namespace"),
        ({"institution": ""}, "institution"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(options: dict, words: str) -> None:
    base: dict[str, Any] = {"source": SOURCE, "zone": "UTC", "institution": "h1"}
    with pytest.raises(SettingError, match=words):
        import_bundles([], **(base | options))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def broken(draw: st.DrawFn) -> dict:
    """A good resource with one place in it replaced by anything."""
    resource = json.loads(json.dumps(draw(st.sampled_from(ALL))))
    node: Any = resource
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from([k for k in keys if k != "resourceType"]))
        inner = node[key]
        if isinstance(inner, dict | list) and inner and draw(st.booleans()):
            node = inner
            continue
        node[key] = draw(JSON)
        return resource


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(resource=broken(), validate=st.booleans())
def test_no_resource_whatever_its_shape_raises(
    fhir: Importer, resource: dict, validate: bool
) -> None:
    others = [r for r in ALL if r["resourceType"] != resource["resourceType"]]
    outcomes = fhir.of(fhir.file(json.dumps(bundle(*others, resource))), validate=validate)
    assert outcomes
    for outcome in outcomes:
        if isinstance(outcome, Imported):
            assert isinstance(decode(outcome.value), Accepted)
