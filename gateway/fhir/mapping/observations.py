"""Observation → result.* where it is a laboratory's, else observation.*."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import UNSET

from contracts.acts import Observation, Result, ResultItem
from contracts.values import Measurement, Quantity, Reported
from gateway.fhir.case import Case, Draft
from gateway.fhir.index import named_id
from gateway.fhir.outcome import Note, Refusal, Skip
from gateway.fhir.values import Json, child, children, codes, number, quantity, text, words_of

_LABORATORY: Final = frozenset({"laboratory", "lab"})
_CRITICAL: Final = frozenset({"HH", "LL", "AA", "HU", "LU"})
_VERBS: Final = {
    "final": "recorded",
    "preliminary": "recorded",
    "amended": "amended",
    "corrected": "amended",
    "entered-in-error": "entered_in_error",
    "cancelled": "cancelled",
}


def events(case: Case) -> list[Draft]:
    """One event with the value, or with each component as a line of its own."""
    resource = case.resource
    verb = _VERBS.get(text(resource, "status"), "")
    categories = {c.lower() for g in children(resource, "category") for c in codes(g)}
    is_result = bool(_LABORATORY & categories)
    if not verb or (verb == "cancelled" and not is_result):
        raise Refusal(Skip.STATUS, "$.status", "registered, cancelled or unknown: nothing observed")
    patient, encounter = case.patient(), case.encounter()
    effective, issued = _effective(case), case.time(resource, "issued")
    items = _items(case, effective)
    if not items:
        raise Refusal(Skip.NO_VALUE, "$", "a panel: its members carry the values")
    updated = case.last_updated()
    times = (issued, effective, updated) if is_result else (effective, issued, updated)
    at = case.first_time(*times)
    performers = children(resource, "performer")
    actor = case.actor(performers[0]) if performers else UNSET
    shared = case.shared(case.revision(), at, encounter, actor, patient if is_result else None)
    if not is_result:
        plain = tuple(Measurement(**item) for item in items)
        return [Draft(f"observation.{verb}.v1", at, Observation(**shared, items=plain))]
    orders = children(resource, "basedOn")
    data = Result(
        **shared,
        service_time=effective or UNSET,
        order_id=(named_id(orders[0]) or UNSET) if orders else UNSET,
        code=case.coding(child(resource, "code")) or UNSET,
        collected_at=effective or UNSET,
        reported_at=issued or UNSET,
        items=_result_items(resource, items),
    )
    return [Draft(f"result.{'reported' if verb == 'recorded' else verb}.v1", at, data)]


def _effective(case: Case) -> datetime | None:
    """When it was true of the patient: a period counts from its start."""
    resource = case.resource
    period = child(resource, "effectivePeriod")
    return (
        case.time(resource, "effectiveDateTime")
        or case.time(resource, "effectiveInstant")
        or case.time(period, "start", "$.effectivePeriod")
    )


def _items(case: Case, at: datetime | None) -> list[dict[str, Any]]:
    """The lines: own value first, then the components, with line ids from 1."""
    resource = case.resource
    components = children(resource, "component")
    is_panel = bool(children(resource, "hasMember")) or bool(components)
    own = _value(case, resource, "$")
    nodes = [] if is_panel and own == (UNSET, UNSET) else [(resource, "$", own)]
    for position, component in enumerate(components):
        path = f"$.component[{position}]"
        nodes.append((component, path, _value(case, component, path)))
    return [
        {
            "code": case.required_coding(child(node, "code"), f"{path}.code"),
            "value": value,
            "text": words,
            "at": at or UNSET,
            "line_id": str(line),
        }
        for line, (node, path, (value, words)) in enumerate(nodes, 1)
    ]


def _value(case: Case, node: Json, path: str) -> tuple[Reported[Quantity], Reported[str]]:
    """(quantity, words): one of them known; both None where the source says why there is none."""
    measured = child(node, "valueQuantity")
    if measured:
        found = quantity(measured, f"{path}.valueQuantity")
        if found is not None:
            return _compared(case, measured, found)
    whole = number(node, "valueInteger", path)
    if whole is not None:
        return Quantity(whole, "1"), UNSET
    words = _words(node)
    if words:
        if not child(node, "valueCodeableConcept") and not text(node, "valueString"):
            case.note(Note.VALUE_AS_TEXT)
        return UNSET, words
    if child(node, "dataAbsentReason"):
        return None, None
    if any(name.startswith("value") for name in node):
        case.note(Note.VALUE_NOT_MAPPED)
    return UNSET, UNSET


def _compared(
    case: Case, measured: Json, found: Quantity
) -> tuple[Reported[Quantity], Reported[str]]:
    """A value with a comparator ("< 5") is a bound, not a number to compute with."""
    comparator = text(measured, "comparator")
    if not comparator:
        return found, UNSET
    case.note(Note.VALUE_AS_TEXT)
    return UNSET, f"{comparator} {found.value:g} {found.unit}".strip()


def _words(node: Json) -> str:
    if isinstance(flag := node.get("valueBoolean"), bool):
        return "true" if flag else "false"
    if ratio := child(node, "valueRatio"):
        return ":".join(_plain(child(ratio, part)) for part in ("numerator", "denominator"))
    if spread := child(node, "valueRange"):
        return " – ".join(_plain(child(spread, part)) for part in ("low", "high"))
    coded = words_of(child(node, "valueCodeableConcept"))
    plain = (text(node, f"value{kind}") for kind in ("String", "DateTime", "Time"))
    return coded or next((words for words in plain if words), "")


def _plain(measured: Json) -> str:
    found = quantity(measured, "$.value")
    return "" if found is None else f"{found.value:g} {found.unit}".strip()


def _result_items(resource: Json, items: list[dict[str, Any]]) -> tuple[ResultItem, ...]:
    """The lines with range and flag, each from the node that the line came from."""
    components = children(resource, "component")
    nodes = [resource] * (len(items) - len(components)) + components
    return tuple(
        ResultItem(**item, **_bounds(node)) for item, node in zip(items, nodes, strict=True)
    )


def _bounds(node: Json) -> dict[str, Any]:
    """The reference range where there is just one, and whether the value was flagged critical."""
    ranges = children(node, "referenceRange")
    only = ranges[0] if len(ranges) == 1 else {}
    low = number(child(only, "low"), "value", "$.referenceRange.low")
    high = number(child(only, "high"), "value", "$.referenceRange.high")
    flags = {c for flag in children(node, "interpretation") for c in codes(flag)}
    return {
        "low": UNSET if low is None else low,
        "high": UNSET if high is None else high,
        "critical": bool(flags & _CRITICAL) if flags else UNSET,
    }
