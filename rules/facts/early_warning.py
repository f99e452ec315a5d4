"""The National Early Warning Score 2 of the patient, from the latest observation of each kind.

The thresholds are parameters of the knowledge base, by points and side: `low` is the highest value
that still scores them, `high` the lowest one. Nothing is guessed: of a set that is not whole, or
of which a part is old, the score is unknown and says what is missing.

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017, chart 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from msgspec import UNSET

from contracts.values import Measurement
from knowledge_base import KnowledgeBase
from rules.facts.base import NOT_IN_KNOWLEDGE, OF_PATIENTS, Context, Fact, Type, Value, unknown
from rules.facts.patient import Observed, newest, none_observed, value_of
from rules.facts.read import as_of
from rules.units import duration

RATE: Final = "respiratory_rate"
SATURATION: Final = "oxygen_saturation"
SCALE: Final = "oxygen_saturation_scale"
OXYGEN: Final = "supplemental_oxygen"
PRESSURE: Final = "systolic_pressure"
PULSE: Final = "pulse_rate"
CONSCIOUSNESS: Final = "consciousness"
TEMPERATURE: Final = "body_temperature"
ANALYTES: Final = (
    RATE, SATURATION, SCALE, OXYGEN, PRESSURE, PULSE, CONSCIOUSNESS, TEMPERATURE,
)  # fmt: skip
"""What is observed, by the names of the knowledge base's analytes."""

_TABLES: Final = {
    RATE: "news2.respiratory_rate",
    PRESSURE: "news2.systolic_pressure",
    PULSE: "news2.pulse_rate",
    TEMPERATURE: "news2.temperature",
}
_SCALE_1: Final = "news2.oxygen_saturation_scale_1"
_SCALE_2: Final = "news2.oxygen_saturation_scale_2"
_OXYGEN_POINTS: Final = "news2.oxygen_points"
_NOT_ALERT_POINTS: Final = "news2.not_alert_points"
FRESH: Final = "news2.fresh_within"
PARAMETERS: Final = (
    *_TABLES.values(), _SCALE_1, _SCALE_2, _OXYGEN_POINTS, _NOT_ALERT_POINTS, FRESH,
)  # fmt: skip
_SIDES: Final = ("low", "high")
_POINTS: Final = ("3", "2", "1")
"""From the worst on: the first threshold that is passed counts."""
RED: Final = 3
"""The points of one kind that call for a look whatever the sum is."""

_SCALE_2_WORDS: Final = frozenset({"2", "scale 2"})
_AIR: Final = frozenset({"air", "空气"})
_ON_OXYGEN: Final = frozenset({"oxygen", "吸氧"})
_ALERT: Final = frozenset({"a", "alert", "清醒"})
_NOT_ALERT: Final = frozenset({"c", "v", "p", "u", "confusion", "voice", "pain", "unresponsive"})
"""ACVPU: new confusion, responds to voice, responds to pain, unresponsive."""

Points: TypeAlias = dict[str, int]


@dataclass(frozen=True, slots=True)
class Scored:
    """A whole set of observations and what each scores."""

    points: Points
    at: datetime
    """When the latest of them was observed."""


class _Set:
    """The latest observations of a patient, as of the event's time."""

    def __init__(self, c: Context) -> None:
        self._c = c
        self._at = as_of(c, None)
        self._window = _window(c)
        self._times: list[datetime] = []
        self.missing: list[str] = []

    def scored(self) -> Scored | Value:
        """What they score; else why that is not known."""
        if self._window is None:
            return NOT_IN_KNOWLEDGE
        points: dict[str, int | None] = {
            name: self._banded(name, table) for name, table in _TABLES.items()
        }
        on_oxygen = self._is_on_oxygen()
        points[SATURATION] = self._saturation(on_oxygen)
        points[OXYGEN] = self._fixed(_OXYGEN_POINTS, on_oxygen)
        points[CONSCIOUSNESS] = self._fixed(_NOT_ALERT_POINTS, self._is_not_alert())
        if self.missing:
            return _lacking(self._c, set(self.missing))
        known = {name: value for name, value in points.items() if value is not None}
        if len(known) < len(points):
            return NOT_IN_KNOWLEDGE
        return Scored(known, max(self._times))

    def _banded(self, name: str, table: str, is_one_sided: bool = False) -> int | None:
        value = self._number(name)
        if value is None:
            return None
        return banded(self._c.knowledge, self._c, table, value, is_one_sided)

    def _saturation(self, on_oxygen: bool | None) -> int | None:
        """On scale 2, for a target of 88-92 %, too much counts only while oxygen is given."""
        if not self._is_scale_2():
            return self._banded(SATURATION, _SCALE_1)
        return self._banded(SATURATION, _SCALE_2, is_one_sided=not on_oxygen)

    def _is_scale_2(self) -> bool:
        """Scale 2 stands where it was prescribed, however long ago; else scale 1."""
        chosen = newest(self._c, SCALE)
        if chosen is None:
            return False
        return value_of(chosen) == 2 or _word(chosen[0]) in _SCALE_2_WORDS

    def _is_on_oxygen(self) -> bool | None:
        observed = self._observed(OXYGEN)
        if observed is None:
            return None
        flow, word = value_of(observed), _word(observed[0])
        if isinstance(flow, int | float) and flow >= 0:
            return flow > 0
        return self._worded(OXYGEN, word, _ON_OXYGEN, _AIR)

    def _is_not_alert(self) -> bool | None:
        observed = self._observed(CONSCIOUSNESS)
        if observed is None:
            return None
        return self._worded(CONSCIOUSNESS, _word(observed[0]), _NOT_ALERT, _ALERT)

    def _worded(
        self, name: str, word: str, true: frozenset[str], false: frozenset[str]
    ) -> bool | None:
        if word in true or word in false:
            return word in true
        self.missing.append(name)
        return None

    def _fixed(self, parameter: str, does_score: bool | None) -> int | None:
        if does_score is None:
            return None
        found = _value(self._c, parameter) if does_score else 0.0
        return None if found is None else int(found)

    def _number(self, name: str) -> float | None:
        observed = self._observed(name)
        if observed is None:
            return None
        value = value_of(observed)
        if isinstance(value, int | float):
            return float(value)
        self.missing.append(name)
        return None

    def _observed(self, name: str) -> Observed | None:
        """The newest observation, where it lies in the window."""
        found = newest(self._c, name)
        at = found[0].at if found is not None else None
        assert self._window is not None, "asked for before"
        if isinstance(at, datetime) and self._at - self._window < at <= self._at:
            self._times.append(at)
            return found
        self.missing.append(name)
        return None


def _lacking(c: Context, names: set[str]) -> Value:
    """Why there is no score: of somebody of whom nothing was observed, that nothing was."""
    if all(newest(c, name) is None for name in names) and len(names) == len(ANALYTES) - 1:
        return none_observed(c)
    return unknown(f"not_observed: {', '.join(sorted(names))}")


def banded(
    knowledge: KnowledgeBase, c: Context, table: str, value: float, is_one_sided: bool = False
) -> int | None:
    """The points of a value; None where the knowledge base has no such table that day."""
    parameter = knowledge.parameter(table)
    if parameter is None:
        return None
    is_known = False
    for points in _POINTS:
        for side in _SIDES:
            found = parameter.at(c.day, (points, side))
            if found is None or isinstance(found.value, str):
                continue
            is_known = True
            limit = float(found.value)
            if side == "high" and is_one_sided:
                continue
            if value <= limit if side == "low" else value >= limit:
                return int(points)
    return 0 if is_known else None


def _value(c: Context, name: str) -> float | None:
    parameter = c.knowledge.parameter(name)
    found = parameter.at(c.day) if parameter is not None else None
    return None if found is None or isinstance(found.value, str) else float(found.value)


def _window(c: Context) -> timedelta | None:
    parameter = c.knowledge.parameter(FRESH)
    value = _value(c, FRESH)
    return None if parameter is None or value is None else duration(value, parameter.unit)


def _word(measurement: Measurement) -> str:
    text = measurement.text
    return "" if text is None or text is UNSET else text.strip().lower()


def _scored(c: Context) -> Scored | Value:
    found = c.derived.get("news2")
    if found is None:
        found = c.derived["news2"] = _Set(c).scored()
    return found


def _sum(c: Context) -> Value:
    found = _scored(c)
    return sum(found.points.values()) if isinstance(found, Scored) else found


def _red(c: Context) -> Value:
    found = _scored(c)
    return max(found.points.values()) >= RED if isinstance(found, Scored) else found


def _at(c: Context) -> Value:
    found = _scored(c)
    return found.at if isinstance(found, Scored) else found


FACTS: Final = (
    Fact("patient.news2", Type.NUMBER, "国家早期预警评分 NEWS2",
         "National Early Warning Score 2, of the latest observations",
         dict.fromkeys(OF_PATIENTS, _sum), unit="1", time="patient.news2_at",
         parameters=PARAMETERS, counts=True),
    Fact("patient.news2_red", Type.BOOLEAN, "NEWS2 是否有单项 3 分",
         "Whether one parameter of the NEWS2 alone scores 3", dict.fromkeys(OF_PATIENTS, _red),
         time="patient.news2_at", parameters=PARAMETERS),
    Fact("patient.news2_at", Type.TIME, "NEWS2 最近一项观察的时间",
         "When the latest observation of the NEWS2 was made", dict.fromkeys(OF_PATIENTS, _at),
         parameters=PARAMETERS),
)  # fmt: skip
