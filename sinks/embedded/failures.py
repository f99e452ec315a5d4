"""What the server says when it fails by itself, not the engine."""

from __future__ import annotations

import errno
import sys
import traceback

from sinks.errors import EngineError

_NOT_ENOUGH_SPACE = 243
_UNKNOWN_EXCEPTION = 1002


def own_failure(error: Exception) -> EngineError:
    """The error a client gets for a failure of this server."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return EngineError(
            _NOT_ENOUGH_SPACE,
            "NOT_ENOUGH_SPACE",
            "No space left in the data directory of the embedded ClickHouse; free some and retry",
        )
    return EngineError(
        _UNKNOWN_EXCEPTION,
        "UNKNOWN_EXCEPTION",
        f"{type(error).__name__} inside the embedded ClickHouse server; its server.log says where",
    )


def log_failure(error: Exception) -> None:
    """Where it failed, on standard error; not its message, which may hold data of the query."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(f"{type(error).__name__} while answering a request, at\n{frames}")
    sys.stderr.flush()
