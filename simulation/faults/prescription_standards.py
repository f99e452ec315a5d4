"""What a prescription must look like (处方管理办法): items, days, diagnosis, validity."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import UNSET

from simulation.chart import Chart
from simulation.faults.case import Case, Draft
from simulation.faults.parts import Write, limit, plain, prescription, tcm
from simulation.lines import prescribed

DAYS: Final = "prescription_standards.days_supply"
DIAGNOSIS: Final = "prescription_standards.diagnosis_missing"
EXPIRED: Final = "prescription_standards.expired_when_dispensed"
SEPARATE: Final = "prescription_standards.herbal_separate"
ITEMS: Final = "prescription_standards.too_many_items"
VAGUE: Final = "prescription_standards.vague_directions"


def _diagnosed(diagnoses: object) -> Write:
    def write(chart: Chart) -> Draft:
        line = prescribed("1", plain(chart.catalogue), 1.0)
        return Draft((line,), fields={"diagnoses": diagnoses})

    return write


def _signed_ago(days: float, extended: float | None) -> Write:
    """Signed `days` before it is dispensed, after an extension of `extended` days."""

    def write(chart: Chart) -> Draft:
        line = prescribed("1", plain(chart.catalogue), 1.0)
        signed = chart.now() - timedelta(days=days)
        return Draft((line,), fields={"signed_at": signed, "extended_days": extended})

    return write


def _extended_to_the_limit(more: int) -> Write:
    def write(chart: Chart) -> Draft:
        days = chart.catalogue.number("prescription.max_extension") + more
        return _signed_ago(days, days)(chart)

    return write


def _signed_at_midnight(chart: Chart) -> Draft:
    """Signed in the first second of the day on which it is dispensed."""
    line = prescribed("1", plain(chart.catalogue), 1.0)
    local = ZoneInfo(chart.start.desk.institution.time_zone)
    signed = datetime.combine(chart.day, time(), local).astimezone(chart.zone)
    return Draft((line,), fields={"signed_at": signed, "extended_days": None})


def _limit_and(more: int) -> Write:
    """As many medicines as one prescription may have, and so many more."""

    def write(chart: Chart) -> Draft:
        return _mixed(int(chart.catalogue.number("prescription.max_items")) + more, 0)(chart)

    return write


def _mixed(western: int, herbal: int) -> Write:
    def write(chart: Chart) -> Draft:
        chosen = (*chart.catalogue.plain[:western], *chart.catalogue.herbs[:herbal])
        return Draft(tuple(prescribed(str(n), m, 1.0) for n, m in enumerate(chosen, 1)))

    return write


def _vague(chart: Chart) -> Draft:
    words = min(chart.catalogue.members("vague_directions"))
    return prescription(plain, usage=words)(chart)


_LIMIT = "prescription.max_days"

CASES: Final = (
    Case(DAYS, "a day over the limit", "alert",
         prescription(plain, limit(_LIMIT, "outpatient", more=1), reason=None)),
    Case(DAYS, "exactly the limit", "silent",
         prescription(plain, limit(_LIMIT, "outpatient"), reason=None)),
    Case(DAYS, "a day over the limit with a reason", "silent",
         prescription(plain, limit(_LIMIT, "outpatient", more=1), reason="慢性病,行动不便")),
    Case(DAYS, "a day over the limit of an emergency", "alert",
         prescription(plain, limit(_LIMIT, "emergency", more=1), reason=None), kind="emergency"),
    Case(DAYS, "exactly the limit of an emergency", "silent",
         prescription(plain, limit(_LIMIT, "emergency"), reason=None), kind="emergency"),
    Case(DIAGNOSIS, "no diagnosis", "alert", _diagnosed(())),
    Case(DIAGNOSIS, "stated that there is none", "alert", _diagnosed(None)),
    Case(DIAGNOSIS, "one diagnosis", "silent", prescription(plain)),
    Case(DIAGNOSIS, "diagnoses not reported", "not_evaluable", _diagnosed(UNSET)),
    Case(EXPIRED, "the day after", "alert", _signed_ago(1, None)),
    Case(EXPIRED, "the last day of the longest extension", "silent", _extended_to_the_limit(0)),
    Case(EXPIRED, "extended for longer than allowed", "alert", _extended_to_the_limit(1)),
    Case(EXPIRED, "signed at midnight of the same day", "silent", _signed_at_midnight),
    Case(SEPARATE, "pieces beside a tablet", "alert", _mixed(1, 3), doctor=tcm),
    Case(SEPARATE, "pieces alone", "silent", _mixed(0, 4), doctor=tcm),
    Case(ITEMS, "one more than allowed", "alert", _limit_and(1)),
    Case(ITEMS, "exactly as many as allowed", "silent", _limit_and(0)),
    Case(ITEMS, "more pieces than the limit", "silent", _mixed(0, 7), doctor=tcm),
    Case(VAGUE, "as the doctor said", "alert", _vague),
    Case(VAGUE, "precise directions", "silent",
         prescription(plain, usage="遵医嘱,口服,每日 2 次,每次 1 片")),
)  # fmt: skip
