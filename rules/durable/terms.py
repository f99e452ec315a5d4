"""Values as durable_rules can hold them: 64-bit integers, short plain words, true and false.

A number is scaled by the power of ten that makes the constants it is compared with whole, and
given in halves of that: an even integer is a whole number of units, the odd one between two of
them stands for everything between. So every comparison with a constant comes out as the number
itself would, and no fraction ever reaches durable_rules, which cannot read `1e-07`. A constant
that needs too many digits is refused.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from rules.durable.rete import Plain

MAX_DIGITS: Final = 12
"""After the point, of a constant."""
_LIMIT: Final = 2**61
_EXACT: Final = Context(prec=1200)
"""Enough for every float, so that no digit is lost."""
_SAFE: Final = "|:/+ "
_LONGEST: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Number: TypeAlias = int | float | Decimal


def digits_of(constant: Number) -> int:
    """How many digits after the point a constant has. ValueError for more than MAX_DIGITS."""
    exponent = _decimal(constant).normalize(_EXACT).as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > MAX_DIGITS:
        raise ValueError(f"{constant} has more than {MAX_DIGITS} digits after the point")
    return max(-exponent, 0)


def number(value: Number, digits: int) -> int:
    """Halves of the number's units of that many digits; too large ones are the range's end."""
    if isinstance(value, int):
        return max(min(2 * int(10**digits) * value, _LIMIT), -_LIMIT)
    scaled = _decimal(value).scaleb(digits, _EXACT)
    whole = scaled.to_integral_value("ROUND_FLOOR", _EXACT)
    return max(min(2 * int(whole) + (whole != scaled), _LIMIT), -_LIMIT)


def constant_number(value: Number, digits: int) -> int:
    """The same for a constant of at most that many digits. ValueError for one too large."""
    found = number(value, digits)
    if abs(found) >= _LIMIT:
        raise ValueError(f"{value} is too large beside constants of {digits} digits")
    return found


def _decimal(value: Number) -> Decimal:
    # The shortest decimals of floats are ordered as the floats are.
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def word(text: str) -> str:
    """A text as a plain word; different texts have different words.

    durable_rules compares bytes of JSON as they stand, and only 16 bits of a length: quotes,
    escapes and foreign letters are percent-encoded, long texts become their digest.
    """
    encoded = quote(text, safe=_SAFE, errors="surrogatepass")
    if len(encoded) <= _LONGEST:
        return encoded
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"#{digest}"  # no encoded text contains a hash sign


def day(value: date) -> int:
    """Days since the first of January of year 1."""
    return value.toordinal()


def instant(value: datetime) -> int:
    """Microseconds since 1970."""
    return (value - _EPOCH) // _MICROSECOND


def span(value: timedelta) -> int:
    """Microseconds."""
    return value // _MICROSECOND


def term(value: Any) -> Plain:
    """Any known value but a number, by its type. TypeError for what is no single value."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return word(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, timedelta):
        return span(value)
    raise TypeError(f"{type(value).__name__} is no single value")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
