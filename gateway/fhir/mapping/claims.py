"""Claim → billing.*: the lines with their amounts, to the cent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import UNSET

from contracts.acts import Charge, ChargeItem
from contracts.values import Coding, Diagnosis, Reported
from gateway.fhir.case import Case, Draft
from gateway.fhir.index import EncounterFacts, named_id
from gateway.fhir.outcome import Note, Refusal, Skip
from gateway.fhir.values import Json, amount, child, children, codes, text

_VERBS: Final = {
    "active": "charged",
    "draft": "draft",
    "cancelled": "cancelled",
    "entered-in-error": "entered_in_error",
}
_CATEGORIES: Final = {"pharmacy": "drug", "institutional": "service", "professional": "service"}
"""Types of HL7's claims as the contract's categories; any other travels as it is."""

_CEILING: Final = Decimal(10) ** 15  # beyond any bill, and within what every store can hold
REST_LINE: Final = "total-rest"
"""Line id of what the total holds beyond the lines with an amount."""


def events(case: Case) -> list[Draft]:
    """Charged when created; a preauthorisation or an estimate is no charge."""
    resource = case.resource
    verb = _VERBS.get(text(resource, "status"))
    if verb is None:
        raise Refusal(Skip.STATUS, "$.status", "an unknown status gives no event")
    if text(resource, "use") != "claim":
        raise Refusal(Skip.NOT_AN_ACT, "$.use", "a preauthorisation or estimate, not a charge")
    patient = case.patient("patient")
    created, updated = case.time(resource, "created"), case.last_updated()
    voided = verb in ("cancelled", "entered_in_error")
    at = case.first_time(*(updated, created) if voided and updated else (created, updated))
    encounter = _encounter(case)
    rendered = child(resource, "billablePeriod")
    data = Charge(
        **case.shared(
            case.revision(), at, encounter, case.actor(child(resource, "enterer")), patient
        ),
        service_time=case.time(rendered, "start", "$.billablePeriod") or UNSET,
        items=_items(case),
        diagnoses=_diagnoses(case),
        charged_at=created or UNSET,
    )
    return [Draft(f"billing.{verb}.v1", at, data)]


def _encounter(case: Case) -> EncounterFacts | None:
    """The first encounter that a line refers to."""
    for item in children(case.resource, "item"):
        for reference in children(item, "encounter"):
            return case.encounter({"encounter": reference})
    return None


def _items(case: Case) -> tuple[ChargeItem, ...]:
    """The lines with an amount; what the total holds beyond them is not lost.

    A line without an amount gets the rest of the total where it is the only one, and nothing
    where the total leaves nothing; with several, the rest is a line of its own.
    """
    lines = children(case.resource, "item")
    _one_currency(case.resource, lines)
    amounts = [_amount(line, f"$.item[{position}]") for position, line in enumerate(lines)]
    priced = sum((a for a in amounts if a is not None), Decimal(0))
    open_lines = amounts.count(None)
    total = _money(child(case.resource, "total"), "$.total")
    rest = Decimal(0) if total is None else total - priced
    if total is not None and (rest < 0 or (rest > 0 and not open_lines)):
        case.note(Note.TOTAL_DIFFERS)
    if total is not None and open_lines and (rest == 0 or (rest > 0 and open_lines == 1)):
        case.note(Note.AMOUNT_FROM_TOTAL)
        amounts = [rest if a is None else a for a in amounts]
        rest = Decimal(0)
    category = _category(case.resource)
    items = [
        _item(case, line, cost, position, category)
        for position, (line, cost) in enumerate(zip(lines, amounts, strict=True))
        if cost is not None
    ]
    if None in amounts:
        case.note(Note.LINE_WITHOUT_AMOUNT)
    if rest > 0 and total is not None:
        case.note(Note.AMOUNT_FROM_TOTAL)
        kind = case.required_coding(child(case.resource, "type"), "$.type")
        items.append(ChargeItem(line_id=REST_LINE, item=kind, category=category, amount=rest))
    if not items:
        raise Refusal(Skip.AMOUNT_MISSING, "$.item", "no line and no total carries an amount")
    return tuple(items)


def _item(
    case: Case, line: Json, cost: Decimal, position: int, category: Reported[str]
) -> ChargeItem:
    path = f"$.item[{position}]"
    prescription = named_id(child(case.resource, "prescription"))
    return ChargeItem(
        line_id=_line_id(line, position),
        item=case.required_coding(child(line, "productOrService"), f"{path}.productOrService"),
        category=category,
        quantity=amount(child(line, "quantity"), f"{path}.quantity") or UNSET,
        unit_price=_or_unset(_money(child(line, "unitPrice"), f"{path}.unitPrice")),
        amount=cost,
        order_id=prescription or UNSET,
        service_time=_rendered(case, line, path) or UNSET,
    )


def _line_id(line: Json, position: int) -> str:
    sequence = line.get("sequence")
    return str(sequence) if isinstance(sequence, int) else f"{position + 1}"


def _rendered(case: Case, line: Json, path: str) -> datetime | None:
    period = child(line, "servicedPeriod")
    return case.time(line, "servicedDate", path) or case.time(
        period, "start", f"{path}.servicedPeriod"
    )


def _amount(line: Json, path: str) -> Decimal | None:
    """What the line costs: its net amount, else unit price × quantity × factor, as FHIR says."""
    net = _money(child(line, "net"), f"{path}.net")
    price = _money(child(line, "unitPrice"), f"{path}.unitPrice")
    if net is not None or price is None:
        return net
    many = _decimal(child(line, "quantity"), "value", f"{path}.quantity")
    factor = _decimal(line, "factor", path)
    return price * (Decimal(1) if many is None else many) * (factor or Decimal(1))


def _money(money: Json, path: str) -> Decimal | None:
    return _decimal(money, "value", path)


def _decimal(node: Json, name: str, path: str) -> Decimal | None:
    value = node.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    exact = Decimal(value)
    if not exact.is_finite() or abs(exact) >= _CEILING or exact.adjusted() < -12:
        if exact:
            raise Refusal(Skip.NUMBER_OUT_OF_RANGE, f"{path}.{name}", "no amount is like that")
        exact = Decimal(0)
    return exact


def _one_currency(resource: Json, lines: list[Json]) -> None:
    monies = [child(resource, "total")]
    monies += [child(line, name) for line in lines for name in ("net", "unitPrice")]
    if len({code for money in monies if (code := text(money, "currency"))}) > 1:
        raise Refusal(Skip.CURRENCY_MIXED, "$.item", "expected one currency in a claim")


def _category(resource: Json) -> Reported[str]:
    kinds = codes(child(resource, "type"))
    known = [_CATEGORIES[k] for k in kinds if k in _CATEGORIES]
    return next(iter((*known, *kinds)), UNSET)


def _diagnoses(case: Case) -> Reported[tuple[Diagnosis, ...]]:
    found: list[Diagnosis] = []
    for entry in children(case.resource, "diagnosis"):
        kinds = [c for kind in children(entry, "type") for c in codes(kind)]
        role = kinds[0] if kinds else ""
        code: Coding | None = case.diagnosis_code(child(entry, "diagnosisCodeableConcept"))
        reference = text(child(entry, "diagnosisReference"), "reference")
        if code is not None:
            found.append(Diagnosis(code, role=role or UNSET))
        elif reference and (known := case.diagnosis(reference, role)) is not None:
            found.append(known)
    return tuple(found) or UNSET


def _or_unset(value: Decimal | None) -> Reported[Decimal]:
    return UNSET if value is None else value
