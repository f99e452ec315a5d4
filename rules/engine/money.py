"""The money that a finding is about: whole lines, or what lies over a limit.

Amounts are decimals. What was given back reduces them: a line that is refunded in full counts
nothing. An excess is rounded to the fen (0.01), halves up; the fund's part of a line is in the
proportion in which the fund paid the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from contracts.acts import ChargeItem
from contracts.decision import FoundAmount, FoundLine
from rules import units
from rules.engine.reasons import Reasons
from rules.facts.base import Context, Element
from rules.facts.pairs import Pair
from rules.finding_model import AmountSpec
from rules.model import FactOperand, Literal, Operand, ParameterOperand, QuantityOperand
from rules.naming import line_names

_FEN: Final = Decimal("0.01")
_NOTHING: Final = Decimal(0)
_DAY: Final = "d"
_FUND: Final = "item.fund_paid"


class _Unknown(Exception):
    """A fact is not there that an amount needs; its name is the message."""


class Money:
    """Computes the amount of one rule's findings on the days of one epoch."""

    def __init__(self, spec: AmountSpec, reasons: Reasons) -> None:
        self._spec = spec
        self._reasons = reasons

    def found(self, c: Context, x: Element | None) -> FoundAmount:
        """The amount of a finding about an element, or about the bill as a whole."""
        over = self._spec.over
        if over is not None and x is not None:
            try:
                return _sum([_line(x.id, x.of, self._excess(over, c, x))])
            except _Unknown as e:
                return FoundAmount(missing=(str(e),))
        return _sum([_line(name, item, item.amount) for name, item in self._lines(c, x)])

    def _lines(self, c: Context, x: Element | None) -> Sequence[tuple[str, ChargeItem]]:
        if x is None:
            return list(zip(line_names(c.data.items), c.data.items, strict=True))
        if type(x.of) is not Pair:
            return [(x.id, x.of)]
        later, earlier = x.of.item, x.of.partner
        if self._spec.of == "whole":
            return [(line.id, line.of) for line in (earlier, later)]
        chosen = later
        if self._spec.of == "cheaper_of_pair" and _left(earlier.of) < _left(later.of):
            chosen = earlier
        return [(chosen.id, chosen.of)]

    def _excess(self, over: Operand, c: Context, x: Element) -> Decimal:
        """The part of the line's amount that lies over the limit."""
        item: ChargeItem = x.of
        kind = self._spec.excess
        if kind == "price":
            price = self._known("item.unit_price", c, x)
            have, most = Decimal(price), Decimal(str(self._limit(over, "", c, x)))
        else:
            quantity = self._known("item.quantity", c, x)
            unit = _DAY if kind == "days" else quantity.unit
            value = units.convert(quantity.value, quantity.unit, unit)
            if value is None:
                raise _Unknown("item.quantity")
            have, most = Decimal(str(value)), Decimal(str(self._limit(over, unit, c, x)))
        if have <= most:
            return _NOTHING
        return (item.amount * (have - most) / have).quantize(_FEN, ROUND_HALF_UP)

    def _known(self, name: str, c: Context, x: Element) -> Any:
        value = self._reasons.value(name, c, x)
        if type(value) is dict:
            raise _Unknown(name)
        return value

    def _limit(self, operand: Operand, unit: str, c: Context, x: Element) -> Any:
        """The limit as a number in a unit; of money as it stands."""
        if isinstance(operand, Literal):
            return operand.value
        if isinstance(operand, FactOperand):
            value = self._known(operand.fact, c, x)
            found = value if not unit else units.convert(value.value, value.unit, unit)
            name = operand.fact
        elif isinstance(operand, ParameterOperand):
            row = self._reasons.row(operand, c, x)
            name = operand.missing_name
            if row is None:
                raise _Unknown(name)
            found = row.value if not unit else units.convert(float(row.value), row.unit, unit)
        elif isinstance(operand, QuantityOperand):
            name = operand.unit
            found = operand.value if not unit else units.convert(operand.value, name, unit)
        else:
            raise TypeError(f"{type(operand).__name__} is no limit")
        if found is None:
            raise _Unknown(name)
        return found


def _left(item: ChargeItem) -> Decimal:
    """What still stands of a line's charge."""
    return item.amount - item.refunded


def _line(name: str, item: ChargeItem, part: Decimal) -> FoundLine:
    """What is found on a line: a refund reduces it first."""
    total = max(_NOTHING, part - item.refunded)
    fund: Decimal | None = None
    if type(item.fund_paid) is Decimal:
        fund = item.fund_paid
        if total != item.amount:
            whole = item.amount
            fund = (fund * total / whole).quantize(_FEN, ROUND_HALF_UP) if whole else _NOTHING
    return FoundLine(line=name, total=total, fund=fund)


def _sum(lines: Sequence[FoundLine]) -> FoundAmount:
    funds = [line.fund for line in lines if line.fund is not None]
    is_reported = len(funds) == len(lines)
    return FoundAmount(
        total=sum((line.total for line in lines), _NOTHING),
        fund=sum(funds, _NOTHING) if is_reported else None,
        lines=tuple(lines),
        missing=() if is_reported else (_FUND,),
    )
