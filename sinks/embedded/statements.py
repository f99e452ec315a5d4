"""Where a statement ends and its data begins, as ClickHouse's own parser draws the line.

The engine parses SQL; this module only answers what the HTTP interface has to know before that:
is it an INSERT that carries data, from which byte on, and in which format is a result wanted.
Everything is bytes: a query may hold any bytes inside its literals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
    (?P<skip>\s+ | --[^\n]* | \#[\ !][^\n]* | /\*.*?\*/)
  | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`
             | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<number>\d[\w.]*)
  | (?P<word>[^\W\d]\w*)
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# How the data of an INSERT starts after `FORMAT name`: blanks, then at most one line end.
_DATA_START = re.compile(rb"[ \t\f]*\r?\n?")


@dataclass(frozen=True)
class InsertWithData:
    """An INSERT taken apart: `INSERT INTO table (columns)`, its SETTINGS clause, the data's format
    and where in the text the data begins."""

    target: bytes
    settings: bytes
    format: str
    data_offset: int


@dataclass(frozen=True)
class Plain:
    """Any statement that carries no data.

    `format` is that of its FORMAT clause, None without one. `streams` says that it is a SELECT,
    the only kind of statement whose result the engine hands over in pieces.
    """

    format: str | None
    streams: bool
    reads_input: bool = False


@dataclass(frozen=True)
class _Token:
    kind: str
    start: int
    end: int
    text: bytes

    def is_word(self, *words: bytes) -> bool:
        return self.kind == "word" and self.text.upper() in words


def analyse(sql: bytes) -> InsertWithData | Plain:
    """The statement's kind; for an INSERT with data, where the data starts in `sql`."""
    tokens = _top_level_tokens(sql)
    first = next(tokens, None)
    if first is None:
        return Plain(None, False)
    if first.is_word(b"INSERT"):
        return _analyse_insert(sql, tokens)
    streams = first.is_word(b"SELECT", b"WITH") or first.kind == "open"
    return Plain(_last_format(tokens), streams)


def _top_level_tokens(sql: bytes) -> Iterator[_Token]:
    """Tokens outside brackets, comments and blanks left out; an opening bracket is one token."""
    depth = 0
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "other"
        kind = "quoted" if kind == "tag" else kind
        if kind == "close":
            depth = max(0, depth - 1)
        elif kind == "open":
            depth += 1
            if depth == 1:
                yield _Token(kind, match.start(), match.end(), match.group())
        elif depth == 0 and kind != "skip":
            yield _Token(kind, match.start(), match.end(), match.group())


def _analyse_insert(sql: bytes, tokens: Iterator[_Token]) -> InsertWithData | Plain:
    settings_at: int | None = None
    for token in _after_table_name(tokens):
        if token.is_word(b"SETTINGS") and settings_at is None:
            settings_at = token.start
        elif token.is_word(b"VALUES"):
            return _insert(sql, settings_at, token.start, "Values", token.end)
        elif token.is_word(b"FORMAT"):
            name = next(tokens, None)
            if name is None or name.kind != "word":
                break
            start = _DATA_START.match(sql, name.end)
            offset = start.end() if start else name.end
            return _insert(sql, settings_at, token.start, name.text.decode(), offset)
        elif token.is_word(b"SELECT", b"WITH", b"FROM"):
            # FROM INFILE, or rows that come from another table: nothing for the body to bring,
            # unless the SELECT reads the body through input().
            reads_input = re.search(rb"\binput\s*\(", sql, re.IGNORECASE) is not None
            return Plain(None, False, reads_input and not token.is_word(b"FROM"))
    return Plain(None, False)


def _insert(
    sql: bytes, settings_at: int | None, head_end: int, format: str, data_offset: int
) -> InsertWithData:
    target_end = head_end if settings_at is None else settings_at
    return InsertWithData(sql[:target_end], sql[target_end:head_end], format, data_offset)


def _after_table_name(tokens: Iterator[_Token]) -> Iterator[_Token]:
    """What follows `INTO [TABLE | FUNCTION] name[.name]`: a table may be called `format`."""
    token = next(tokens, None)
    if token is not None and token.is_word(b"INTO"):
        token = next(tokens, None)
    if token is not None and token.is_word(b"TABLE", b"FUNCTION"):
        token = next(tokens, None)
    after_name = next(tokens, None)
    while after_name is not None and after_name.text == b".":
        next(tokens, None)
        after_name = next(tokens, None)
    if after_name is not None:
        yield after_name
    yield from tokens


def _last_format(tokens: Iterator[_Token]) -> str | None:
    """The name in a closing `FORMAT name [SETTINGS …]`; any other `format` is an identifier."""
    rest = list(tokens)
    for clause, name, after in zip(rest, rest[1:], [*rest[2:], None], strict=False):
        closes = after is None or after.text == b";" or after.is_word(b"SETTINGS")
        if clause.is_word(b"FORMAT") and name.kind == "word" and closes:
            return name.text.decode()
    return None
