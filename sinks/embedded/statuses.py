"""HTTP status of a ClickHouse error code, as the real server answers.

Source: ClickHouse, src/Server/HTTP/exceptionCodeToHTTPStatus.cpp (26.x). Clients decide by these:
clickhouse-connect retries 429, 503 and 504 and nothing else.
"""

from __future__ import annotations

AUTHENTICATION_FAILED = 516
BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48

_INTERNAL_SERVER_ERROR = 500

_STATUS_CODES: dict[int, frozenset[int]] = {
    401: frozenset({194}),  # REQUIRED_PASSWORD
    # UNKNOWN_USER, WRONG_PASSWORD, ACCESS_DENIED, SET_NON_GRANTED_ROLE, AUTHENTICATION_FAILED
    403: frozenset({192, 193, 497, 512, AUTHENTICATION_FAILED}),
    # BAD_ARGUMENTS, CANNOT_COMPILE_REGEXP, the CANNOT_PARSE family, DUPLICATE_COLUMN,
    # ILLEGAL_COLUMN, THERE_IS_NO_COLUMN, the AST family, SYNTAX_ERROR, INCORRECT_DATA,
    # TYPE_MISMATCH, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    400: frozenset(
        {
            *(6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123),
            *(167, 168, 223, 321, 376, 427, 441, 675, 676),
        }
    ),
    # UNKNOWN_ FUNCTION, IDENTIFIER, TYPE, STORAGE, TABLE, AGGREGATE_FUNCTION, FORMAT,
    # TYPE_OF_QUERY, DATABASE, SETTING, DIRECTION_OF_SORTING, DATABASE_ENGINE, ROLE
    404: frozenset({46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511}),
    408: frozenset({159}),  # TIMEOUT_EXCEEDED
    411: frozenset({381}),  # HTTP_LENGTH_REQUIRED
    413: frozenset({229}),  # QUERY_IS_TOO_LARGE
    415: frozenset({779}),  # UNSUPPORTED_MEDIA_TYPE
    501: frozenset({NOT_IMPLEMENTED}),
    503: frozenset({209, 76, 439}),  # SOCKET_TIMEOUT, CANNOT_OPEN_FILE, CANNOT_SCHEDULE_TASK
}
_STATUS_OF_CODE = {code: status for status, codes in _STATUS_CODES.items() for code in codes}


def http_status(code: int) -> int:
    """The HTTP status ClickHouse sends with this error code."""
    return _STATUS_OF_CODE.get(code, _INTERNAL_SERVER_ERROR)
