"""A definition becomes SQL over `acts_current`, with its words as server-side parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sinks.indicators.definition import Definition, Numerator

_INSTANTS: Final = {
    # Where the source does not report the instant, the act's first event stands for it: it does
    # not move when a later revision comes.
    "started_at": "ifNull(act.started_at, act.first_time)",
    "charged_at": "ifNull(act.charged_at, act.first_time)",
    # A stay that goes on has no end.
    "ended_at": "act.ended_at",
}
_MEASURES: Final = {"count": "count()", "net_amount": "sum(amount - refund)"}
_NOW: Final = "{now:DateTime64(3, 'UTC')}"
_LINES: Final = (
    "\nARRAY JOIN act.categories AS category, act.amounts AS amount, act.refunds AS refund"
)


@dataclass(frozen=True)
class Statement:
    """SQL that gives `by…, value`, and the parameters that the definition fixes.

    Left to the caller: `zone` (the default time zone), and either `day_from` and `day_to` or `now`.
    """

    sql: str
    parameters: dict[str, Any]


def compile_statement(definition: Definition, by: Sequence[str], *, live: bool) -> Statement:
    """The statement for a period of days, or (`live`) for each institution's own today."""
    numerator = definition.numerator
    conditions, parameters = _conditions(numerator)
    zone = "if(place.time_zone = '', {zone:String}, place.time_zone)"
    instant = _INSTANTS[definition.day_of]
    day_of = f"assumeNotNull({instant})"
    days = "day = today" if live else "day BETWEEN {day_from:Date32} AND {day_to:Date32}"
    today = f",\n    {_day(_NOW, zone)} AS today" if live else ""
    dimensions = ", ".join(by)
    inner = f"""SELECT
    act.institution AS institution,
    act.department AS department,
    {_day(day_of, zone)} AS day{today},
    {"amount, refund" if numerator.of == "lines" else "1 AS one"}
FROM acts_current AS act
LEFT ANY JOIN
(
    SELECT id, argMax(time_zone, version) AS time_zone FROM institutions GROUP BY id
) AS place ON place.id = act.institution{_LINES if numerator.of == "lines" else ""}
WHERE {" AND ".join([*conditions, f"isNotNull({instant})"])}"""
    sql = f"SELECT {dimensions + ', ' if by else ''}{_MEASURES[numerator.measure]} AS value\n"
    sql += f"FROM\n(\n{inner}\n)\nWHERE {days}"
    if by:
        sql += f"\nGROUP BY {dimensions}\nORDER BY {dimensions}"
    return Statement(sql, parameters)


def _day(instant: str, zone: str) -> str:
    """The calendar day there: toDate32 takes only a constant zone, toString takes any."""
    return f"toDate32(toString({instant}, {zone}))"


def _conditions(numerator: Numerator) -> tuple[list[str], dict[str, Any]]:
    conditions = ["act.family = {family:String}", "NOT act.voided"]
    parameters: dict[str, Any] = {"family": numerator.family}
    if numerator.encounter_kind:
        conditions.append("act.encounter_kind IN {encounter_kind:Array(String)}")
        parameters["encounter_kind"] = list(numerator.encounter_kind)
    if numerator.category:
        conditions.append("category IN {category:Array(String)}")
        parameters["category"] = list(numerator.category)
    return conditions, parameters
