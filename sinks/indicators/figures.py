"""The indicators' figures: for a period, and live for today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clickhouse_connect.driver.client import Client

from sinks.errors import IndicatorInvalid
from sinks.indicators.definition import Definition, load_definitions
from sinks.indicators.statement import Statement, compile_statement

DIMENSIONS: Final = ("institution", "department", "day")
DEFAULT_ZONE: Final = "Asia/Shanghai"
_SETTINGS: Final = {"allow_nonconst_timezone_arguments": 1}


@dataclass(frozen=True)
class Figure:
    """One figure. A dimension that was not asked for is None. Money is a Decimal, in the
    institution's currency; counts are int."""

    indicator: str
    institution: str | None
    department: str | None
    day: date | None
    value: int | Decimal


def query(
    client: Client,
    indicator_ids: Sequence[str] | None,
    day_from: date,
    day_to: date,
    by: Sequence[str] = DIMENSIONS,
    *,
    definitions: Mapping[str, Definition] | None = None,
    default_zone: str = DEFAULT_ZONE,
) -> list[Figure]:
    """Figures of the days from…to, both included, of all indicators or of those named.

    `by` is any of institution, department and day; without any there is one figure an indicator.
    Raises IndicatorInvalid for a name that is none.
    """
    out: list[Figure] = []
    period = {"zone": default_zone, "day_from": day_from, "day_to": day_to}
    for definition in _chosen(indicator_ids, definitions):
        statement = compile_statement(definition, _dimensions(by), live=False)
        out += _figures(client, definition.id, statement, by, period)
    return out


def today(
    client: Client,
    now: datetime,
    by: Sequence[str] = DIMENSIONS,
    indicator_ids: Sequence[str] | None = None,
    *,
    definitions: Mapping[str, Definition] | None = None,
    default_zone: str = DEFAULT_ZONE,
) -> list[Figure]:
    """Figures of the day that `now` falls on, in each institution's own time zone."""
    at = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    out: list[Figure] = []
    for definition in _chosen(indicator_ids, definitions):
        statement = compile_statement(definition, _dimensions(by), live=True)
        moment = {"zone": default_zone, "now": at}
        out += _figures(client, definition.id, statement, by, moment)
    return out


def sync_institutions(client: Client, rows: Iterable[tuple[str, str]]) -> int:
    """Writes (institution id, time zone) from the registry; returns how many changed.

    Raises IndicatorInvalid for a time zone that the tz database does not have: ClickHouse would
    otherwise refuse every query about every institution.
    """
    wanted = dict(rows)
    for institution, zone in wanted.items():
        _check_zone(institution, zone)
    known, version = _known(client)
    changed = [(i, zone) for i, zone in sorted(wanted.items()) if known.get(i) != zone]
    if changed:
        client.insert(
            "institutions",
            [(institution, zone, version + 1) for institution, zone in changed],
            column_names=["id", "time_zone", "version"],
        )
    return len(changed)


def _known(client: Client) -> tuple[dict[str, str], int]:
    found = client.query(
        "SELECT id, argMax(time_zone, version), max(version) FROM institutions GROUP BY id"
    ).result_rows
    return {i: zone for i, zone, _ in found}, max((int(v) for _, _, v in found), default=0)


def _check_zone(institution: str, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise IndicatorInvalid(
            f"institution {institution}: {zone!r} is no time zone; expected a name of the tz "
            "database such as Asia/Shanghai; correct it in the registry"
        ) from None


def _chosen(
    ids: Sequence[str] | None, definitions: Mapping[str, Definition] | None
) -> list[Definition]:
    known = load_definitions() if definitions is None else definitions
    if ids is None:
        return list(known.values())
    for name in ids:
        if name not in known:
            raise IndicatorInvalid(f"{name!r} is no indicator; there are: {', '.join(known)}")
    return [known[name] for name in ids]


def _dimensions(by: Sequence[str]) -> Sequence[str]:
    for name in by:
        if name not in DIMENSIONS:
            raise IndicatorInvalid(f"{name!r} is no dimension; there are: {', '.join(DIMENSIONS)}")
    return by


def _figures(
    client: Client,
    indicator: str,
    statement: Statement,
    by: Sequence[str],
    parameters: dict[str, Any],
) -> list[Figure]:
    found = client.query(
        statement.sql, {**statement.parameters, **parameters}, settings=dict(_SETTINGS)
    )
    out = []
    for row in found.result_rows:
        at = dict(zip(by, row, strict=False))
        out.append(
            Figure(indicator, at.get("institution"), at.get("department"), at.get("day"), row[-1])
        )
    return out
