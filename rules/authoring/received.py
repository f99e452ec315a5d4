"""What a source sent where the rules know no value: the number and the unit that do not fit."""

from __future__ import annotations

from msgspec import UNSET

from contracts.values import Amount, Quantity
from rules.facts import Fact
from rules.facts.base import OTHER_UNIT, Context, Element, Value
from rules.facts.patient import newest

_PATIENT = "patient."


def received(fact: Fact, value: Value, c: Context, x: Element | None) -> str:
    """`20 mL/min` for a fact that is unknown for its unit; else ""."""
    if value != OTHER_UNIT:
        return ""
    if fact.of and x is not None:
        sent = getattr(x.of, fact.name.rpartition(".")[2], UNSET)
    else:
        name = fact.name.removeprefix(_PATIENT)
        patient = getattr(c.data, "patient", UNSET)
        sent = getattr(patient, name, UNSET)
        observed = None if _is_amount(sent) else newest(c, name)
        sent = observed[0].value if observed is not None else sent
    return f"{sent.value:g} {sent.unit}" if isinstance(sent, Amount | Quantity) else ""


def _is_amount(sent: object) -> bool:
    return isinstance(sent, Amount | Quantity)
