"""What can go wrong in sinks.

SinkError
├── DsnInvalid            a ClickHouse DSN that cannot be understood
├── EngineError           ClickHouse's own error, with its code and name
├── SchemaTooNew          the tables were made by later code
├── PositionInvalid       where a sink would resume is not in the topic's log
├── IndicatorInvalid      an indicator definition that cannot be used
├── DeliveryFailed        Kafka did not take a dead letter
├── AddressUnavailable    health and metrics cannot be served where they should
└── EmbeddedError         the embedded ClickHouse process
    ├── DataDirInUse      another process owns the data directory
    ├── StartFailed       it did not come up
    └── StopFailed        it did not end
"""

from __future__ import annotations

import re

_FILE_NOTE = re.compile(r":? ?\(in file/uri [^)]*\)|^Code: \d+\. DB::Exception: (?=Code: \d+\.)")
_UNKNOWN = 1002  # ClickHouse's UNKNOWN_EXCEPTION


class SinkError(Exception):
    """Base of everything sinks raises on purpose."""


class DsnInvalid(SinkError):
    """The DSN does not name a ClickHouse server."""


class EngineError(SinkError):
    """ClickHouse refused something. `code` and `name` are its own (60, "UNKNOWN_TABLE")."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}. ({name})")
        self.code = code
        self.name = name

    @classmethod
    def from_engine(cls, message: str) -> EngineError:
        """The error behind the engine's own message, `Code: 60. DB::Exception: … (NAME)`."""
        # Where the body of an insert was kept is of no use to the client.
        message = _FILE_NOTE.sub("", message)
        code = re.search(r"Code: (\d+)", message)
        names = re.findall(r"\(([A-Z][A-Z0-9_]+)\)", message)
        error = cls(int(code[1]) if code else _UNKNOWN, names[-1] if names else "UNKNOWN", "")
        error.args = (message[code.start() :] if code else message,)
        return error


class SchemaTooNew(SinkError):
    """The tables were made by later code than this."""


class PositionInvalid(SinkError):
    """The recorded position does not belong to the log that Kafka has now."""


class IndicatorInvalid(SinkError):
    """An indicator's definition cannot be used; the message names the file and the field."""


class DeliveryFailed(SinkError):
    """Kafka did not take a dead letter; nothing may be confirmed after that."""


class AddressUnavailable(SinkError):
    """Health and metrics cannot be served at this address."""


class EmbeddedError(SinkError):
    """The embedded ClickHouse process did not do what it was asked to."""


class DataDirInUse(EmbeddedError):
    """Another process owns this data directory."""


class StartFailed(EmbeddedError):
    """The embedded ClickHouse did not come up."""


class StopFailed(EmbeddedError):
    """The embedded ClickHouse did not end."""
