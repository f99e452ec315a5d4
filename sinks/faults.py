"""What an error of an insert means: the content is refused, or ClickHouse is away."""

from __future__ import annotations

import struct
from typing import Final

from clickhouse_connect.driver.exceptions import (
    DataError,
    Error,
    OperationalError,
    ProgrammingError,
)

CONTENT_CODES: Final = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        25,  # CANNOT_PARSE_ESCAPE_SEQUENCE
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        190,  # SIZES_OF_ARRAYS_DONT_MATCH
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        376,  # CANNOT_PARSE_UUID
        407,  # DECIMAL_OVERFLOW
        467,  # CANNOT_PARSE_BOOL
        469,  # VIOLATED_CONSTRAINT
    }
)
"""ClickHouse's error codes that only the rows themselves can cause."""

_DRIVER_ERRORS: Final = (DataError, ProgrammingError, ValueError, TypeError, OverflowError,
                         ArithmeticError, struct.error, AttributeError)  # fmt: skip


def refusal_of(error: Exception) -> str | None:
    """Why the content was refused, without quoting it; None where the error says nothing of it.

    An error of ClickHouse that is not known to be about content counts as ClickHouse being away:
    the rows wait and are tried again, which can lose nothing.
    """
    if isinstance(error, Error) and error.code is not None:
        if error.code in CONTENT_CODES:
            return f"ClickHouse refused the row: {error.name or 'error'} ({error.code})"
        return None
    if isinstance(error, OperationalError):
        return None
    if isinstance(error, _DRIVER_ERRORS):
        return f"the row cannot be sent to ClickHouse ({type(error).__name__})"
    return None


def describe(error: BaseException) -> str:
    """The error for a log: its kind and code, never its text, which may quote rows."""
    if isinstance(error, Error) and error.code is not None:
        return f"{type(error).__name__} {error.name or ''} ({error.code})"
    return type(error).__name__
