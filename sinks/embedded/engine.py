"""The ClickHouse engine in this process: handles, statements, results.

One handle serves one request (opening one takes 0.1 ms), so that nothing a request sets, neither
settings nor the current database nor temporary tables, can reach the next. Only a client that
names a session keeps its handle between requests, as on a real server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

from sinks.embedded.statements import InsertWithData, Plain
from sinks.errors import EngineError

# Formats whose pieces, one a block, add up to a valid whole. The others (JSON, Arrow, Parquet,
# *WithNames …) have a header or footer, which the engine repeats with every piece.
_PIECEWISE_FORMATS = frozenset(
    name.lower()
    for name in (
        *("Native", "RowBinary", "JSONEachRow", "JSONLines", "NDJSON", "JSONCompactEachRow"),
        *("TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "LineAsString", "RawBLOB"),
    )
)
_NOT_STREAMABLE = "Streaming query is not supported"
# The binding itself: chdb's wrappers serialise calls and keep no handle per request.
_binding: Any = chdb._chdb
# The engine is set up like clickhouse-local. A server says that `SELEC` is a syntax error, not
# the column SELEC, and does not map whole files into its memory.
_SERVER_SETTINGS = {
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "storage_file_read_method": "pread",
}


@dataclass
class Progress:
    """What X-ClickHouse-Summary reports, complete once the result was read to its end."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0


@dataclass
class Result:
    """The pieces of a result; `format` is None for a statement that gives none."""

    pieces: Iterator[bytes]
    format: str | None
    progress: Progress = field(default_factory=Progress)


def quote(text: str) -> str:
    """`text` as a ClickHouse string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(name: str) -> str:
    """`name` as a ClickHouse identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Handle:
    """One connection to the engine: one thread at a time, one statement at a time."""

    def __init__(self, path: Path) -> None:
        self._connection = _binding.connect(str(path))

    def close(self) -> None:
        """Give the handle up, and with it whatever it was doing."""
        self._connection.close()

    def query(self, sql: str | bytes, format: str = "TabSeparated") -> bytes:
        """The whole result of a statement. Raises EngineError."""
        return bytes(_translated(self._connection.query, sql, format).bytes())

    def use(self, database: str) -> None:
        """Make `database` the current one. Raises EngineError (UNKNOWN_DATABASE)."""
        self.query(f"USE {quote_name(database)}")

    def apply(self, settings: Mapping[str, str], *, read_only: bool) -> None:
        """Set what the request asks for. Raises EngineError for an unknown name or bad value."""
        wanted = {**_SERVER_SETTINGS, **settings}
        if read_only:
            # Last, because nothing can be set after it; 2 still allows settings in the query.
            wanted["readonly"] = "2"
        assignments = ", ".join(f"{quote_name(k)} = {quote(v)}" for k, v in wanted.items())
        self.query(f"SET {assignments}")

    def set_parameter(self, name: str, value: str) -> None:
        """Bind {name:Type} for a statement that takes no bindings, an insert."""
        self.query(f"SET param_{name} = {quote(value)}")

    def insert(self, statement: InsertWithData, data: Path) -> Result:
        """Store the rows in the file `data`; they are stored when this returns.

        Raises EngineError. The engine has two shorter ways in, and both lose rows without an
        error: its streaming insert forgets what goes wrong at the end (too many partitions, a
        constraint, a view), and data behind the statement is cut at the first `;` and line end.
        """
        sql = b"%b FROM INFILE %b COMPRESSION 'none' %b FORMAT %b" % (
            statement.target,
            quote(str(data)).encode(),
            statement.settings,
            statement.format.encode(),
        )
        done = _translated(self._connection.query, sql, "TabSeparated")
        rows, size_bytes = done.rows_written(), done.bytes_written()
        written = Progress(
            read_rows=rows, read_bytes=size_bytes, written_rows=rows, written_bytes=size_bytes
        )
        return Result(iter(()), None, written)

    def execute(
        self, statement: Plain, sql: bytes, default_format: str, parameters: Mapping[str, str]
    ) -> Result:
        """Run a statement that brings no data.

        A SELECT is executed while its pieces are read, if the format allows pieces; any other
        has been executed when this returns. Raises EngineError, from the pieces as well.
        """
        if statement.reads_input:
            raise EngineError(
                48,
                "NOT_IMPLEMENTED",
                "INSERT … SELECT FROM input() is not supported by the embedded engine; insert "
                "into a table and select from that",
            )
        format = statement.format or default_format
        if statement.streams and format.lower() in _PIECEWISE_FORMATS:
            try:
                stream = _translated(
                    self._connection.send_query, sql, format, params=dict(parameters)
                )
            except EngineError as error:
                if _NOT_STREAMABLE not in str(error):
                    raise
            else:
                progress = Progress()
                return Result(self._pieces(stream, progress), format, progress)
        return self._execute_whole(sql, format, parameters)

    def _execute_whole(self, sql: bytes, format: str, parameters: Mapping[str, str]) -> Result:
        kind = self._connection.classify_query(sql)
        if kind["statement_count"] > 1:
            raise EngineError(62, "SYNTAX_ERROR", "Multi-statements are not allowed")
        done = _translated(self._connection.query, sql, format, params=dict(parameters))
        data = done.bytes() or b""
        progress = Progress(
            read_rows=done.storage_rows_read(),
            read_bytes=done.storage_bytes_read(),
            written_rows=done.rows_written(),
            written_bytes=done.bytes_written(),
            result_rows=done.rows_read(),
            result_bytes=len(data),
        )
        gives_result = bool(data) or kind["query_class"] == _binding.query_class.READ_ONLY
        return Result(iter((data,)), format if gives_result else None, progress)

    def _pieces(self, stream: Any, progress: Progress) -> Iterator[bytes]:
        while True:
            piece = _translated(self._connection.streaming_fetch_result, stream)
            data = piece.bytes() or b""
            progress.read_rows += piece.storage_rows_read()
            progress.read_bytes += piece.storage_bytes_read()
            progress.result_rows += piece.rows_read()
            progress.result_bytes += len(data)
            if not data:
                return
            yield data


class Engine:
    """The engine on one data directory; no other process may have that directory open.

    Its own handle keeps the engine up between requests: with the last handle it would stop, and
    every request would load all tables anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._anchor = Handle(path)
        answer = self._anchor.query("SELECT version(), timezone()").decode()
        self.version, self.timezone = answer.rstrip("\n").split("\t")

    def open_handle(self) -> Handle:
        """A handle of its own for one request or session."""
        return Handle(self._path)

    def close(self) -> None:
        """Stop the engine. Handles still open keep it up until they are closed."""
        self._anchor.close()


def _translated(call: Any, *arguments: Any, **named: Any) -> Any:
    try:
        return call(*arguments, **named)
    except RuntimeError as error:
        raise EngineError.from_engine(str(error)) from None
