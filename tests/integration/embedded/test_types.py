"""Every column type the product stores, through the server and back, at its edges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import IPv4Address
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.client import Client

SHANGHAI = ZoneInfo("Asia/Shanghai")

EDGES: dict[str, list[object]] = {
    "String": ["", "医监", "a\tb\nc\\d'e\"f`", "\x00nul\x00", "🧪" * 1000, "\u202e\ufeff\u2028"],
    "LowCardinality(String)": ["", "门诊", "门诊", "急诊"],
    "UInt8": [0, 255],
    "UInt16": [0, 65_535],
    "UInt32": [0, 2**32 - 1],
    "UInt64": [0, 2**64 - 1],
    "Int8": [-128, 127],
    "Int64": [-(2**63), 2**63 - 1],
    "Float64": [0.0, -1.5, 1e-300, 1.7976931348623157e308, float("inf")],
    "Decimal(18, 2)": [Decimal("0.00"), Decimal("9999999999999999.99"), Decimal("-0.01")],
    "Decimal(38, 4)": [Decimal("0.0001"), Decimal("-9999999999999999999999999999999999.9999")],
    "Bool": [True, False],
    "UUID": [UUID(int=0), UUID(int=2**128 - 1)],
    "Date32": [date(1900, 1, 1), date(1969, 12, 31), date(2299, 12, 31)],
    "DateTime64(3, 'UTC')": [
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
        datetime(2299, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    ],
    "DateTime64(6, 'UTC')": [
        datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2262, 4, 11, 23, 47, 16, 854_775, tzinfo=UTC),
    ],
    "DateTime64(3, 'Asia/Shanghai')": [
        datetime(1991, 9, 15, 1, 30, tzinfo=SHANGHAI),
        datetime(2026, 1, 1, 0, 0, 0, 1_000, tzinfo=SHANGHAI),
    ],
    "Array(String)": [[], [""], ["a'b", "医", "\x00"]],
    "Array(UInt64)": [[], [1, 2**64 - 1]],
    "Map(String, String)": [{}, {"键": "值", "'": '"'}],
    "Nullable(String)": [None, "", "NULL", "\\N"],
    "Nullable(Int64)": [None, 0],
    "Nullable(DateTime64(3, 'UTC'))": [None, datetime(2026, 1, 1, tzinfo=UTC)],
    "Enum8('red' = 1, '红' = -2)": ["red", "红"],
    "IPv4": [IPv4Address("127.0.0.1")],
}


@pytest.mark.parametrize("column_type", EDGES)
def test_the_edges_of_a_type_come_back_as_they_went_in(client: Client, column_type: str) -> None:
    values = EDGES[column_type]
    client.command(f"CREATE TABLE t (n UInt32, v {column_type}) ENGINE = MergeTree ORDER BY n")

    written = client.insert("t", list(enumerate(values)), column_names=["n", "v"]).written_rows

    back = [row[0] for row in client.query("SELECT v FROM t ORDER BY n").result_rows]
    assert written == len(values)
    assert [comparable(value) for value in back] == [comparable(value) for value in values]


def comparable(value: object) -> object:
    """A zone is how an instant is shown; the instant is what must not change."""
    if isinstance(value, datetime):
        # Columns in UTC come back without a zone; and two zones never compare equal in a fold.
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    return value


def test_a_row_of_every_type_at_once_comes_back(client: Client) -> None:
    columns = {f"c{number}": column_type for number, column_type in enumerate(EDGES)}
    structure = ", ".join(f"{name} {column_type}" for name, column_type in columns.items())
    client.command(f"CREATE TABLE t ({structure}) ENGINE = MergeTree ORDER BY tuple()")
    row = [values[-1] for values in EDGES.values()]

    client.insert("t", [row] * 3, column_names=list(columns))

    back = client.query("SELECT * FROM t").result_rows
    assert len(back) == 3
    expected = [comparable(value) for value in row]
    assert all([comparable(value) for value in got] == expected for got in back)


def test_columns_given_whole_are_stored_like_rows(client: Client) -> None:
    client.command("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")

    client.insert("t", [[1, 2, 3], ["x", "y", "z"]], column_names=["a", "b"], column_oriented=True)

    assert client.query("SELECT * FROM t ORDER BY a").result_rows == [
        (1, "x"),
        (2, "y"),
        (3, "z"),
    ]
