"""multipart/form-data bodies: long queries and parameters, and external tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sinks.embedded.engine import Handle, quote_name
from sinks.embedded.requests import bound_parameters
from sinks.embedded.spool import Spool
from sinks.embedded.statements import InsertWithData
from sinks.embedded.statuses import BAD_ARGUMENTS
from sinks.errors import EngineError

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="([^"]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(rb'[;\s]filename="', re.IGNORECASE)
_TABLE_SUFFIXES = ("_structure", "_types", "_format")


@dataclass(frozen=True)
class Form:
    """Plain fields as text, files (external tables) as bytes, by name."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]

    @property
    def query(self) -> bytes:
        """The query, or its second half behind the one in the URL."""
        return self.fields.get("query", "").encode("utf-8", "surrogateescape")

    @property
    def parameters(self) -> dict[str, str]:
        """Values of {name:Type} placeholders too long for the URL."""
        return bound_parameters(self.fields)

    @property
    def table_parameters(self) -> frozenset[str]:
        """URL parameters that describe the files, so that they are not taken for settings."""
        return frozenset(f"{name}{suffix}" for name in self.files for suffix in _TABLE_SUFFIXES)


def parse_form(body: bytes, content_type: str) -> Form:
    """The fields and files of a multipart body, byte for byte. Raises EngineError."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise EngineError(
            BAD_ARGUMENTS, "BAD_ARGUMENTS", "multipart body without a boundary in Content-Type"
        )
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, separator, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not separator or name is None:
            raise EngineError(
                BAD_ARGUMENTS, "BAD_ARGUMENTS", "multipart body has a part without a name"
            )
        key = name[1].decode("utf-8", "surrogateescape")
        if _FILE_NAME.search(head):
            files[key] = content
        else:
            fields[key] = content.decode("utf-8", "surrogateescape")
    return Form(fields, files)


def create_external_tables(
    handle: Handle, form: Form, values: Mapping[str, str], spool: Spool
) -> None:
    """Each file as a temporary table of its name. Raises EngineError."""
    for name, data in form.files.items():
        structure = values.get(f"{name}_structure") or _numbered(values.get(f"{name}_types"))
        if structure is None:
            raise EngineError(
                BAD_ARGUMENTS,
                "BAD_ARGUMENTS",
                f"External table {name} needs {name}_structure or {name}_types in the URL",
            )
        table = quote_name(name)
        handle.query(f"CREATE TEMPORARY TABLE {table} ({structure})")
        format = values.get(f"{name}_format") or "TabSeparated"
        insert = InsertWithData(f"INSERT INTO {table}".encode(), b"", format, 0)
        with spool.keep((data,)) as file:
            handle.insert(insert, file)


def _numbered(types: str | None) -> str | None:
    """`UInt8,String` as the structure `_1 UInt8, _2 String`; commas in brackets do not split."""
    if not types:
        return None
    columns, depth, start = [], 0, 0
    for position, letter in enumerate(types):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            columns.append(types[start:position])
            start = position + 1
    columns.append(types[start:])
    return ", ".join(f"_{number} {column.strip()}" for number, column in enumerate(columns, 1))
