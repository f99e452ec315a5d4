"""From a request's text and body to the engine: what is the query, what is its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from sinks.embedded.engine import Handle, Result
from sinks.embedded.spool import Spool
from sinks.embedded.statements import InsertWithData, analyse
from sinks.errors import EngineError

_HEAD_BYTES = 1 << 16  # where the data of an INSERT should have begun
_MAX_QUERY_BYTES = 64 << 20


def execute(
    handle: Handle,
    spool: Spool,
    text: bytes,
    body: Iterator[bytes],
    *,
    default_format: str,
    parameters: Mapping[str, str],
) -> Result:
    """The result of the query whose text is `text`, then `body`; either may be empty.

    An INSERT's data may begin in the text or anywhere in the body. It reaches the engine only
    when all of it is here: from a sender that dies halfway nothing is stored. Raises EngineError,
    and BodyCutOff from the body.
    """
    statement = analyse(text)
    if not isinstance(statement, InsertWithData):
        text = _with_head(text, body)
        statement = analyse(text)
        if not isinstance(statement, InsertWithData):
            text += whole(body)
            statement = analyse(text)
        elif statement.data_offset == len(text):
            # The first part ended with FORMAT's name: what comes next shows if it was all of it.
            text += next(body, b"")
            statement = analyse(text)
    if isinstance(statement, InsertWithData):
        for name, value in parameters.items():
            handle.set_parameter(name, value)
        with spool.keep(chain((text[statement.data_offset :],), body)) as data:
            return handle.insert(statement, data)
    if not text.strip():
        raise EngineError(62, "SYNTAX_ERROR", "Syntax error: empty query")
    return handle.execute(statement, text, default_format, parameters)


def whole(body: Iterator[bytes]) -> bytes:
    """All of a body that has to fit into memory. Raises EngineError if it is too large."""
    parts = []
    left = _MAX_QUERY_BYTES
    for piece in body:
        left -= len(piece)
        if left < 0:
            raise EngineError(
                229,
                "QUERY_IS_TOO_LARGE",
                f"Query is larger than {_MAX_QUERY_BYTES} bytes; only the data of an INSERT may be",
            )
        parts.append(piece)
    return b"".join(parts)


def _with_head(text: bytes, body: Iterator[bytes]) -> bytes:
    """The text with the first 64 KiB or more of the body behind it, on a line of its own."""
    parts = []
    head_bytes = 0
    for piece in body:
        parts.append(piece)
        head_bytes += len(piece)
        if head_bytes >= _HEAD_BYTES:
            break
    head = b"".join(parts)
    return b"%b\n%b" % (text, head) if text and head else text + head
