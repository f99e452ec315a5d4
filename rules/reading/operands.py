"""From the YAML of an operand to what a condition compares with.

The fact says how text is read: as a date, a time, a quantity, or as it stands.
"""

from __future__ import annotations

from typing import Final

from knowledge_base.strict_yaml import Node, Problem
from rules import units, words
from rules.facts import CATALOGUE, Fact, Type
from rules.model import (
    CalendarOperand,
    CodeSetOperand,
    FactOperand,
    IntervalOperand,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Span,
    Words,
)
from rules.reading.check_ids import NUMBER
from rules.reading.fields import Fields, day_of, time_of
from rules.reading.scope import Scope

_MEASURED: Final = frozenset({Type.NUMBER, Type.MONEY, Type.AMOUNT, Type.DURATION})
_UNITS: Final = {
    "second": "s", "minute": "min", "hour": "h", "day": "d", "week": "wk",
    "seconds": "s", "minutes": "min", "hours": "h", "days": "d", "weeks": "wk",
}  # fmt: skip
"""Units as people say them."""
_USE_PARAMETER: Final = "put it into a parameter with unit and source, and write {parameter: …}"


class Operands:
    """Reads operands; every mistake is reported once and read as None."""

    def __init__(self, scope: Scope, problems: list[Problem]) -> None:
        self.scope = scope
        self.problems = problems

    def _report(self, node: Node, message: str, fix: str = "", check: str = "") -> None:
        self.problems.append(node.problem(message, fix, check))

    def read(self, fact: Fact, operator: str, node: Node) -> tuple[Operand, ...] | None:
        """The operands of one condition: two for `between`."""
        if operator == "between":
            bounds = list(node) if node.is_list else []
            if len(bounds) != 2:
                self._report(node, "`between` takes a list of two bounds, both included")
                return None
            low, high = self._operand(fact, bounds[0]), self._operand(fact, bounds[1])
            return None if low is None or high is None else (low, high)
        if operator == "overlaps" and not node.is_mapping:
            interval = self._interval(node)
            return None if interval is None else (interval,)
        if operator == "exists" and not isinstance(node.value, bool):
            self._report(node, "`exists` takes true or false", "write exists: true")
            return None
        operand = self._operand(fact, node)
        return None if operand is None else (operand,)

    def span(self, node: Node, word: str = words.FRESH_WITHIN) -> Span | None:
        """A length of time: a duration, calendar days, months or years, or a parameter of it."""
        found: Operand | None = None
        if node.is_mapping:
            found = self._reference(node)
        elif isinstance(node.value, str):
            found = self._quantity(node, node.value)
        else:
            self._report(node, f"`{word}` is {node.kind}", "write {parameter: …}")
        if found is None or isinstance(found, QuantityOperand | CalendarOperand | ParameterOperand):
            return found
        self._report(node, f"`{word}` is no length of time", "write {parameter: …}")
        return None

    def _operand(self, fact: Fact, node: Node) -> Operand | None:
        if node.is_mapping:
            return self._reference(node)
        if node.is_list:
            return self._list(node)
        value = node.value
        if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
            return Literal(value)
        if isinstance(value, int | float):
            self._report(node, f"the number {node.raw} stands in a rule", _USE_PARAMETER, NUMBER)
            return None
        if isinstance(value, str):
            return self._text(fact, node, value)
        self._report(node, "there is no value here", "write what to compare with")
        return None

    def _text(self, fact: Fact, node: Node, value: str) -> Operand | None:
        if self._is_fact(node, value):
            return None
        if fact.type in _MEASURED:
            return self._quantity(node, value)
        if fact.type is Type.DATE:
            if node.quoted and day_of(value) is not None:
                self._report(node, f'"{value}" is text', "write the date without quotes")
                return None
            day = day_of(value)
            return Literal(value if day is None else day)
        if fact.type is Type.TIME:
            at = time_of(value)
            return Literal(value if at is None else at)
        return Literal(value)

    def _is_fact(self, node: Node, value: str) -> bool:
        """Whether text names a fact, which is to be looked at and not compared with (reported)."""
        is_one = value in CATALOGUE or value.startswith(words.THIS)
        if is_one:
            self._report(node, f"`{value}` stands here as text", f"write {{fact: {value}}}")
        return is_one

    def _quantity(self, node: Node, value: str) -> QuantityOperand | None:
        parts = units.split(value)
        if parts is None:
            fix = "write a number with its unit (1 g/d), {parameter: …} or {fact: …}"
            self._report(node, f"{value} is no quantity", fix)
            return None
        number, unit = parts
        if number not in ("0", "1"):
            text = f"the number {number} stands in a rule ({value})"
            self._report(node, text, _USE_PARAMETER, NUMBER)
            return None
        unknown = units.unknown_part(unit)
        if unknown:
            fix = f"write {number} {_UNITS[unit]}" if unit in _UNITS else ""
            fix = fix or words.nearest(unknown, units.atoms())
            fix = fix or "write it as in UCUM: mg, mL, g/d, h"
            self._report(node, f"the unit {unit} is not known: {unknown}", fix)
            return None
        return QuantityOperand(int(number), unit)

    def _list(self, node: Node) -> Operand | None:
        found: list[str] = []
        for child in node:
            if isinstance(child.value, str):
                if self._is_fact(child, child.value):
                    return None
                found.append(child.value)
            else:
                self._report(child, f"a list of words holds {child.kind}", "write text")
                return None
        if not found:
            self._report(node, "the list is empty", "name at least one word")
            return None
        return Words(tuple(dict.fromkeys(found)))

    def _interval(self, node: Node) -> IntervalOperand | None:
        ends = list(node) if node.is_list else []
        if len(ends) != 2:
            fix = "write {fact: …}, or [from, to] with dates; `null` is an open end"
            self._report(node, f"`overlaps` takes an interval, not {node.kind}", fix)
            return None
        if all(end.is_null for end in ends):
            self._report(node, "both ends are open: that is all of time", "write a date")
            return None
        read = [self._end(end) for end in ends]
        if any(one is None and not end.is_null for one, end in zip(read, ends, strict=True)):
            return None
        start, end = read
        if isinstance(start, Literal) and isinstance(end, Literal):
            values = (start.value, end.value)
            if type(values[0]) is type(values[1]) and values[1] <= values[0]:  # type: ignore[operator]
                self._report(node, "the interval ends before it begins", "write [from, to]")
                return None
        return IntervalOperand(start, end)

    def _end(self, node: Node) -> Literal | FactOperand | None:
        if node.is_null:
            return None
        if node.is_mapping:
            found = self._reference(node)
            if found is None or isinstance(found, FactOperand):
                return found
        elif isinstance(node.value, str):
            at = day_of(node.value) or time_of(node.value)
            if at is not None:
                return Literal(at)
        self._report(node, "this is no end of an interval", "write YYYY-MM-DD or {fact: …}")
        return None

    def _reference(self, node: Node) -> Operand | None:
        fields = Fields(node, "an operand", self.problems)
        names = [name for name, _, _ in node.items()]
        before = len(self.problems)
        if "parameter" in names:
            if not fields.expect(("parameter",), ("by",)):
                return None
            name, by = fields.text("parameter"), fields.texts("by")
            return ParameterOperand(name, by) if len(self.problems) == before else None
        fields.expect((), words.OPERANDS)
        if len(names) != 1 and len(self.problems) == before:
            fix = f"write one of {words.listing(words.OPERANDS)}"
            self._report(node, "an operand names one thing", fix)
        if len(names) != 1 or len(self.problems) != before:
            return None
        if names[0] in words.CALENDAR:
            return self._calendar(names[0], fields)
        text = fields.text(names[0])
        if not text:
            return None
        return FactOperand(text) if names[0] == "fact" else CodeSetOperand(text)

    def _calendar(self, unit: str, fields: Fields) -> CalendarOperand | None:
        node = fields.get(unit)
        if node is None:
            return None
        if node.is_mapping:
            found = self._reference(node)
            if isinstance(found, ParameterOperand):
                return CalendarOperand(found, unit)
            if found is not None:
                self._report(node, f"`{unit}` is counted by a parameter", "write {parameter: …}")
            return None
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._report(node, f"`{unit}` is {node.kind}", "write {parameter: …}")
            return None
        if value not in (0, 1) or not isinstance(value, int):
            self._report(node, f"the number {node.raw} stands in a rule", _USE_PARAMETER, NUMBER)
            return None
        return CalendarOperand(value, unit)
