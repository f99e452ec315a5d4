"""Units of measurement: what a unit is worth in another one, at the price of a look-up.

pint knows the units; it is asked once for the worth of each, when rules are loaded. What an event
carries is put together from these (`mg/kg/d`) by plain multiplication: the words of an event
never reach a parser of expressions. Spellings are UCUM's, and what hospitals write for them.
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
from typing import Any, Final, TypeAlias

Dimensions: TypeAlias = tuple[tuple[str, Fraction], ...]
"""What is measured, as powers of base dimensions, sorted."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A unit as a multiple of the base units of its dimensions."""

    dimensions: Dimensions
    factor: Fraction


_SPELLINGS: Final[Mapping[str, str]] = MappingProxyType({
    "kilogram": "kg 千克 公斤", "gram": "g 克", "milligram": "mg 毫克",
    "microgram": "ug mcg µg μg 微克", "nanogram": "ng 纳克", "picogram": "pg",
    "liter": "L l 升", "deciliter": "dL dl", "milliliter": "mL ml 毫升",
    "microliter": "uL ul µL μL", "femtoliter": "fL",
    "mole": "mol", "millimole": "mmol", "micromole": "umol µmol μmol", "nanomole": "nmol",
    "picomole": "pmol",
    "second": "s 秒", "minute": "min 分钟", "hour": "h hr 小时", "day": "d 天 日", "week": "wk 周",
    "meter": "m", "centimeter": "cm", "millimeter": "mm", "micrometer": "um µm μm",
    "meter ** 2": "m2 m²", "centimeter ** 2": "cm2 cm²",
    "mmHg": "mm[Hg] mmHg", "kilopascal": "kPa", "pascal": "Pa",
    "kilocalorie": "kcal", "joule": "J", "kilojoule": "kJ", "gray": "Gy", "millisievert": "mSv",
    "1": "1", "0.01": "%", "1e3": "10*3 10^3", "1e6": "10*6 10^6", "1e9": "10*9 10^9 x10^9",
    "1e12": "10*12 10^12 x10^12",
})  # fmt: skip
"""Names that pint knows, with the spellings of each."""

_OWN: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
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
"""Units that convert only among themselves: a tablet is no milligram, a month no number of days.

U and IU are kept apart: what a unit of enzyme is in international units differs by drug.
"""

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
    """Every spelling of a simple unit with its worth. The first call imports pint (0.3 s)."""
    import pint

    registry: Any = pint.UnitRegistry(non_int_type=Decimal)
    found: dict[str, Worth] = {}
    for name, spellings in _SPELLINGS.items():
        base = registry.Quantity(name).to_base_units()
        powers = {str(k): Fraction(v) for k, v in base.dimensionality.items()}
        worth = Worth(tuple(sorted(powers.items())), Fraction(base.magnitude))
        found.update(dict.fromkeys(spellings.split(), worth))
    for dimension, multiples in _OWN.items():
        for factor, spellings in multiples.items():
            worth = Worth(((dimension, Fraction(1)),), Fraction(factor))
            found.update(dict.fromkeys(spellings.split(), worth))
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
