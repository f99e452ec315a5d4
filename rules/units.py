"""Units of measurement: what a unit is worth in another one, at the price of a look-up.

What an event carries is put together from simple units (`mg/kg/d`) by plain multiplication: the
words of an event never reach a parser of expressions. Spellings are UCUM's, and what hospitals
write for them; tests compare every worth with what pint knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

Dimensions: TypeAlias = tuple[tuple[str, Fraction], ...]
"""What is measured, as powers of base dimensions, sorted."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A unit as a multiple of the base units of its dimensions."""

    dimensions: Dimensions
    factor: Fraction


_UNITS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "[mass]": {"1": "kg 千克 公斤", "1e-3": "g 克", "1e-6": "mg 毫克",
               "1e-9": "ug mcg µg μg 微克", "1e-12": "ng 纳克", "1e-15": "pg"},
    "[length]^3": {"1e-3": "L l 升", "1e-4": "dL dl", "1e-6": "mL ml 毫升",
                   "1e-9": "uL ul µL μL", "1e-18": "fL"},
    "[substance]": {"1": "mol", "1e-3": "mmol", "1e-6": "umol µmol μmol", "1e-9": "nmol",
                    "1e-12": "pmol"},
    "[time]": {"1": "s 秒", "60": "min 分钟", "3600": "h hr 小时", "86400": "d 天 日",
               "604800": "wk 周"},
    "[length]": {"1": "m", "1e-2": "cm", "1e-3": "mm", "1e-6": "um µm μm"},
    "[length]^2": {"1": "m2 m²", "1e-4": "cm2 cm²"},
    "[length]^-1 [mass] [time]^-2": {"133.322387415": "mm[Hg] mmHg", "1e3": "kPa", "1": "Pa"},
    "[length]^2 [mass] [time]^-2": {"4184": "kcal", "1": "J", "1e3": "kJ"},
    "[length]^2 [time]^-2": {"1": "Gy", "1e-3": "mSv"},
    "": {"1": "1", "1e-2": "%", "1e3": "10*3 10^3", "1e6": "10*6 10^6",
         "1e9": "10*9 10^9 x10^9", "1e12": "10*12 10^12 x10^12"},
    # These convert only among themselves: a tablet is no milligram, a month no number of days. U
    # and IU are kept apart: what a unit of enzyme is in international units differs by drug.
    "[international_unit]": {"1": "[iU] [IU] IU iu 国际单位", "1e3": "k[iU] kIU",
                             "1e4": "万IU 万国际单位", "1e6": "MIU", "1e-3": "m[iU] mIU"},
    "[unit]": {"1": "U u [U] 单位", "1e3": "kU", "1e4": "万U 万单位", "1e6": "MU", "1e-3": "mU"},
    "[equivalent]": {"1": "eq", "1e-3": "meq mEq"},
    "[osmole]": {"1": "osm", "1e-3": "mosm mOsm"},
    "[month]": {"1": "mo", "12": "a"},
    "[celsius]": {"1": "Cel ℃ °C"},
    "[pH]": {"1": "pH [pH]"},
    "[body_surface]": {"1": "{1.73_m2}"},
    "[currency]": {"1": "CNY 元 RMB"},
    "[tablet]": {"1": "片 tablet {tablet} tab"}, "[capsule]": {"1": "粒 capsule {capsule} cap"},
    "[piece]": {"1": "支 piece {piece}"}, "[bottle]": {"1": "瓶 bottle {bottle}"},
    "[box]": {"1": "盒 box {box}"}, "[bag]": {"1": "袋 bag {bag}"},
    "[patch]": {"1": "贴 patch {patch}"}, "[pill]": {"1": "丸 pill {pill}"},
    "[drop]": {"1": "滴 drop {drop} [drp]"},
    "[spray]": {"1": "喷 spray {spray} [spray]"}, "[occasion]": {"1": "次 time {time}"},
})  # fmt: skip
"""What is measured, in it the multiples of the base units (SI's), with the spellings of each."""

_ALIASES: Final[Mapping[str, str]] = MappingProxyType({
    "": "1", "/d": "1/d", "元": "CNY", "mL/min/1.73 m²": "mL/min/{1.73_m2}",
    "mL/min/1.73m2": "mL/min/{1.73_m2}", "mL/min/1.73m²": "mL/min/{1.73_m2}",
    "ml/min/1.73m2": "mL/min/{1.73_m2}", "ml/min/1.73m²": "mL/min/{1.73_m2}",
})  # fmt: skip

_TOKEN: Final = re.compile(r"\{[^{}]*\}|[^/.{}]+|[/.]")
_MAX_LENGTH: Final = 64
_MAX_ROUTES: Final = 4096
_TIME: Final[Dimensions] = (("[time]", Fraction(1)),)
_QUANTITY: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ?(\S(?:.*\S)?)")
_DIGITS: Final = ".12g"

Route: TypeAlias = tuple[int, int] | None
_routes: dict[tuple[str, str], Route] = {}


@lru_cache(maxsize=1)
def atoms() -> Mapping[str, Worth]:
    """Every spelling of a simple unit with its worth."""
    found: dict[str, Worth] = {}
    for measured, multiples in _UNITS.items():
        powers = (power.partition("^") for power in measured.split())
        dimensions = tuple((name, Fraction(power or 1)) for name, _, power in powers)
        for factor, spellings in multiples.items():
            found.update(dict.fromkeys(spellings.split(), Worth(dimensions, Fraction(factor))))
    return MappingProxyType(found)


def unit_name(unit: str) -> str:
    """One spelling for units that are written in several ways."""
    return _ALIASES.get(unit, unit)


def unknown_part(unit: str) -> str:
    """The part of a unit that nobody knows; "" for a known unit."""
    known = atoms()
    for token in _TOKEN.findall(unit_name(unit)):
        if token not in "/." and token not in known:
            return str(token)
    return "" if worth_of(unit) is not None else unit or "nothing"


def worth_of(unit: str) -> Worth | None:
    """What a unit measures and how much of it; None for a unit that is not known."""
    unit = unit_name(unit)
    if len(unit) > _MAX_LENGTH:
        return None
    tokens = _TOKEN.findall(unit)
    if "".join(tokens) != unit:
        return None
    if tokens and tokens[0] == "/":
        tokens.insert(0, "1")
    powers: dict[str, Fraction] = {}
    factor, sign = Fraction(1), 1
    for place, token in enumerate(tokens):
        if (token in ("/", ".")) != bool(place % 2):
            return None
        if place % 2:
            sign = -1 if token == "/" else 1
            continue
        worth = atoms().get(token)
        if worth is None:
            return None
        factor *= worth.factor**sign
        for name, power in worth.dimensions:
            powers[name] = powers.get(name, Fraction(0)) + sign * power
    if len(tokens) % 2 == 0:
        return None
    return Worth(tuple(sorted((n, p) for n, p in powers.items() if p)), factor)


def convertible(unit: str, wanted: str) -> bool:
    """Whether amounts in one unit can be told in the other; every unit can in itself."""
    return unit == wanted or _route(unit, wanted) is not None


def convert(value: float, unit: str, wanted: str) -> float | None:
    """The amount in another unit; None where the units do not belong together.

    Converted amounts are rounded to 12 digits, so that 0.07 g are 70 mg and not a little more.
    """
    if unit == wanted:
        return value
    pair = (unit, wanted)
    route = _routes[pair] if pair in _routes else _find(pair)
    if route is None:
        return None
    return tidy(value * route[0] / route[1])


def tidy(value: float) -> float:
    """The number without the noise of binary fractions: 12 significant digits."""
    return float(format(value, _DIGITS))


def _find(pair: tuple[str, str]) -> Route:
    if len(_routes) >= _MAX_ROUTES:  # sources send what they like: memory stays bounded
        _routes.clear()
    route = _routes[pair] = _route(*pair)
    return route


def _route(unit: str, wanted: str) -> Route:
    """The factor from one unit to another as a fraction; None where there is none."""
    if unit_name(unit) == unit_name(wanted):
        return (1, 1)
    have, want = worth_of(unit), worth_of(wanted)
    if have is None or want is None or have.dimensions != want.dimensions:
        return None
    factor = have.factor / want.factor
    return (factor.numerator, factor.denominator)


def is_duration(unit: str) -> bool:
    """Whether it measures a length of time that is the same everywhere: s, min, h, d (24 h), wk."""
    worth = worth_of(unit)
    return worth is not None and worth.dimensions == _TIME


@lru_cache(maxsize=1024)
@lru_cache(maxsize=1024)
def duration(value: float, unit: str) -> timedelta | None:
    """So many units as a length of time, exact to the microsecond; None for other units."""
    worth = worth_of(unit)
    if worth is None or worth.dimensions != _TIME:
        return None
    microseconds = Fraction(Decimal(repr(value))) * worth.factor * 1_000_000
    return timedelta(microseconds=round(microseconds))


def split(text: str) -> tuple[str, str] | None:
    """Number and unit of a quantity: `4 g/d`, `72 h`; None for other text."""
    match = _QUANTITY.fullmatch(text.strip())
    return (match.group(1), match.group(2)) if match else None


def possible(wanted: str) -> tuple[str, ...]:
    """Units that convert into this one, the common spellings first; for messages."""
    head, slash, rest = unit_name(wanted).partition("/")
    known = [one for one in dict.fromkeys([head, *atoms()]) if one.isascii()]
    found = [f"{one}{slash}{rest}" for one in known if convertible(f"{one}{slash}{rest}", wanted)]
    return tuple(dict.fromkeys(found))[:8]
