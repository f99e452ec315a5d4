import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from contracts.acts import Charge, Observation, Result
from contracts.values import Measurement, Quantity
from gateway.fhir import Skip
from support.fhir_resources import (
    Importer,
    claim,
    concept,
    encounter,
    laboratory,
    line,
    notes_of,
    observation,
    patient,
    quantity,
)


def observed(fhir: Importer, **more: Any) -> Measurement:
    outcomes = fhir.outcomes(patient(), observation(**more))
    (act,) = [o.event.data for o in outcomes if o.resource_type == "Observation"]
    assert isinstance(act, Observation)
    return act.items[0]


def test_a_laboratory_value_is_a_result(fhir: Importer) -> None:
    events = fhir.events(
        patient(),
        laboratory(
            valueQuantity=quantity(6.6, "mmol/L"),
            referenceRange=[{"low": {"value": 3.5}, "high": {"value": 5.3}}],
            interpretation=[concept("HH")],
            basedOn=[{"reference": "ServiceRequest/s1"}],
        ),
    )
    event = events["result.reported.v1"]
    act = event.data
    assert isinstance(act, Result)
    assert event.time == act.reported_at
    assert act.order_id == "s1"
    (item,) = act.items
    assert item.value == Quantity(6.6, "mmol/L")
    assert (item.low, item.high, item.critical) == (3.5, 5.3, True)


def test_a_value_without_a_flag_is_not_said_to_be_harmless(fhir: Importer) -> None:
    act = fhir.events(patient(), laboratory(valueInteger=3))["result.reported.v1"].data
    assert isinstance(act, Result)
    assert act.items[0].critical is UNSET
    assert act.items[0].value == Quantity(3.0, "1")


def test_components_are_lines(fhir: Importer) -> None:
    parts = [
        {"code": concept("8480-6"), "valueQuantity": quantity(120, "mm[Hg]")},
        {"code": concept("8462-4"), "valueQuantity": quantity(80, "mm[Hg]")},
    ]
    act = fhir.events(patient(), observation(component=parts))["observation.recorded.v1"].data
    assert isinstance(act, Observation)
    assert [(i.line_id, i.code.code) for i in act.items] == [("1", "8480-6"), ("2", "8462-4")]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"valueString": "cloudy"}, "cloudy"),
        ({"valueBoolean": False}, "false"),
        ({"valueCodeableConcept": {"text": "A positive"}}, "A positive"),
        ({"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg/L"}}, "< 5 mg/L"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1:128"),
        ({"valueRange": {"low": quantity(1, "g"), "high": quantity(2, "g")}}, "1 g – 2 g"),
    ],
)
def test_what_is_no_number_travels_as_text(fhir: Importer, value: dict, words: str) -> None:
    item = observed(fhir, **value)
    assert item.text == words
    assert item.value is UNSET


def test_known_absent_and_not_reported_values_differ(fhir: Importer) -> None:
    absent = observed(fhir, dataAbsentReason=concept("not-performed"))
    silent = observed(fhir)
    assert (absent.value, absent.text) == (None, None)
    assert (silent.value, silent.text) == (UNSET, UNSET)


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("preliminary", "observation.recorded.v1"),
        ("corrected", "observation.amended.v1"),
        ("entered-in-error", "observation.entered_in_error.v1"),
    ],
)
def test_the_life_of_an_observation(fhir: Importer, status: str, event: str) -> None:
    assert list(fhir.events(patient(), observation(status=status, valueInteger=1))) == [event]


def test_a_panel_whose_members_carry_the_values_is_no_event(fhir: Importer) -> None:
    panel = observation(hasMember=[{"reference": "Observation/o2"}])
    (skipped,) = fhir.skipped(patient(), panel)
    assert skipped.reason == Skip.NO_VALUE


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("written", ["1e400", "1e99999999999999999999", "1" + "0" * 5000])
def test_a_number_that_nothing_can_hold_refuses_only_its_resource(
    fhir: Importer, written: str, validate: bool
) -> None:
    resource = json.dumps(observation(valueQuantity={"value": 123456789, "unit": "g"}))
    lines = [json.dumps(patient()), resource.replace("123456789", written), json.dumps(encounter())]
    outcomes = fhir.of(fhir.file("\n".join(lines), ".ndjson"), validate=validate)
    (skipped,) = [o for o in outcomes if o.resource_type == "Observation"]
    assert skipped.reason in (Skip.NUMBER_OUT_OF_RANGE, Skip.INVALID)
    assert len(outcomes) == 4


def charged(fhir: Importer, items: list[dict], **more: Any) -> Charge:
    outcomes = fhir.outcomes(patient(), encounter(), claim(items, **more))
    (act,) = [o.event.data for o in outcomes if o.resource_type == "Claim"]
    assert isinstance(act, Charge)
    return act


def test_amounts_are_exact_to_the_cent(fhir: Importer) -> None:
    act = charged(fhir, [line(1, 0.1), line(2, 0.2), line(3, 1234567.89)])
    assert [i.amount for i in act.items] == [Decimal("0.1"), Decimal("0.2"), Decimal("1234567.89")]


@pytest.mark.parametrize(
    ("kind", "category"),
    [("pharmacy", "drug"), ("institutional", "service"), ("oral", "oral")],
)
def test_the_type_of_a_claim_is_the_category_of_its_lines(
    fhir: Importer, kind: str, category: str
) -> None:
    act = charged(fhir, [line(1, 5)], type=concept(kind))
    assert act.items[0].category == category


def test_a_line_is_priced_by_unit_price_where_it_has_no_net(fhir: Importer) -> None:
    price = {"value": 2.5, "currency": "CNY"}
    act = charged(fhir, [line(1, unitPrice=price, quantity={"value": 3}, factor=0.5)])
    assert act.items[0].amount == Decimal("3.75")


def test_the_only_line_without_an_amount_gets_the_rest_of_the_total(fhir: Importer) -> None:
    act = charged(fhir, [line(1), line(2, 140.52)], total={"value": 265.52, "currency": "CNY"})
    assert [(i.line_id, i.amount) for i in act.items] == [
        ("1", Decimal("125.00")),
        ("2", Decimal("140.52")),
    ]


def test_of_several_lines_without_an_amount_the_rest_is_not_lost(fhir: Importer) -> None:
    outcomes = fhir.outcomes(
        patient(), claim([line(1), line(2), line(3, 40)], total={"value": 100, "currency": "CNY"})
    )
    (act,) = [o.event.data for o in outcomes if o.resource_type == "Claim"]
    assert [(i.line_id, i.amount) for i in act.items] == [
        ("3", Decimal(40)),
        ("total-rest", Decimal(60)),
    ]
    assert {"line_without_amount", "amount_from_total"} <= notes_of(outcomes)


def test_a_total_that_differs_is_noted_and_the_lines_stand(fhir: Importer) -> None:
    outcomes = fhir.outcomes(patient(), claim([line(1, 40)], total={"value": 39}))
    (act,) = [o.event.data for o in outcomes if o.resource_type == "Claim"]
    assert [i.amount for i in act.items] == [Decimal(40)]
    assert "total_differs" in notes_of(outcomes)


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("active", "billing.charged.v1"),
        ("draft", "billing.draft.v1"),
        ("cancelled", "billing.cancelled.v1"),
        ("entered-in-error", "billing.entered_in_error.v1"),
    ],
)
def test_the_life_of_a_claim(fhir: Importer, status: str, event: str) -> None:
    assert list(fhir.events(patient(), claim([line(1, 5)], status=status))) == [event]


@pytest.mark.parametrize(
    ("items", "more", "reason"),
    [
        ([line(1, 5)], {"use": "preauthorization"}, Skip.NOT_AN_ACT),
        ([line(1)], {}, Skip.AMOUNT_MISSING),
        ([line(1, -5)], {}, Skip.CONTRACT),
        ([line(1, 5), line(1, 5)], {}, Skip.CONTRACT),
        ([line(1, 1e16)], {}, Skip.NUMBER_OUT_OF_RANGE),
        ([line(1, 5)], {"total": {"value": 5, "currency": "USD"}}, Skip.CURRENCY_MIXED),
    ],
)
def test_what_is_no_charge(fhir: Importer, items: list[dict], more: dict, reason: Skip) -> None:
    (skipped,) = fhir.skipped(patient(), claim(items, **more))
    assert skipped.reason == reason


def test_a_charge_knows_its_visit_and_its_prescription(fhir: Importer) -> None:
    item = line(1, 5, encounter=[{"reference": "Encounter/e1"}])
    act = charged(fhir, [item], prescription={"reference": "MedicationRequest/m1"})
    assert act.encounter.id == "e1"
    assert act.items[0].order_id == "m1"
