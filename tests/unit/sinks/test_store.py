"""An insert is tried until it is confirmed, and refused content is bisected out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError

from sinks.blocks import Block
from sinks.faults import describe, refusal_of
from sinks.store import Abandoned, Store
from sinks.tables import Table

TABLE = Table("numbers", (("n", "UInt8"),))


class FakeClickHouse:
    """Keeps the rows of each token once; fails as it is told."""

    def __init__(self, fail: Callable[[list[int]], Exception | None]) -> None:
        self.fail = fail
        self.rows: list[int] = []
        self.tokens: list[str] = []

    def create_insert_context(self, *_: Any, settings: dict[str, str], **__: Any) -> Any:
        class Context:
            pass

        context = Context()
        vars(context)["token"] = settings["insert_deduplication_token"]
        return context

    def insert(self, data: list[tuple[int, ...]], context: Any) -> None:
        rows = list(data[0])
        error = self.fail(rows)
        if error is not None:
            raise error
        self.tokens.append(context.token)
        self.rows += rows


def block(rows: list[int]) -> Block:
    made = Block(TABLE)
    for n, value in enumerate(rows):
        made.add((value,), n, 202601)
    return made


def store(fake: FakeClickHouse) -> Store:
    return Store(lambda: fake)  # type: ignore[arg-type,return-value]


def test_refused_rows_are_bisected_out_and_all_others_stored() -> None:
    bad = {3, 17, 18}
    fake = FakeClickHouse(
        lambda rows: (
            DatabaseError("text that quotes rows", code=469, name="VIOLATED_CONSTRAINT")
            if bad & set(rows)
            else None
        )
    )
    sink = store(fake)
    refused = sink.put(block(list(range(40))), "token", threading.Event())
    assert set(refused) == bad
    assert sorted(fake.rows) == sorted(set(range(40)) - bad)
    assert len(set(fake.tokens)) == len(fake.tokens)
    assert refused[3] == "ClickHouse refused the row: VIOLATED_CONSTRAINT (469)"
    assert sink.availability.refused == {"numbers": 3}
    assert sink.availability.rows == {"numbers": 37}


def test_a_row_that_the_driver_cannot_encode_is_refused_content_too() -> None:
    fake = FakeClickHouse(lambda rows: OverflowError() if 7 in rows else None)
    refused = store(fake).put(block([6, 7, 8]), "t", threading.Event())
    assert set(refused) == {1}
    assert fake.rows == [6, 8]


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [
        OperationalError("connection refused"),
        DatabaseError("memory", code=241, name="MEMORY_LIMIT_EXCEEDED"),
        DatabaseError("no table", code=60, name="UNKNOWN_TABLE"),
        OSError(),
    ],
)
def test_an_error_that_says_nothing_of_content_is_waited_out(error: Exception) -> None:
    failures = [error, error]
    fake = FakeClickHouse(lambda _: failures.pop() if failures else None)
    sink = store(fake)
    assert sink.put(block([1, 2]), "t", threading.Event()) == {}
    assert fake.rows == [1, 2]
    assert sink.availability.retries == 2
    assert not sink.availability.down


def test_what_is_not_wanted_any_more_is_given_up() -> None:
    stop = threading.Event()

    def fail(_: list[int]) -> Exception:
        stop.set()
        return OperationalError("away")

    sink = store(FakeClickHouse(fail))
    with pytest.raises(Abandoned):
        sink.put(block([1]), "t", stop)
    assert sink.availability.down


def test_no_description_quotes_what_an_error_says() -> None:
    secret = DatabaseError("patient 42", code=469, name="VIOLATED_CONSTRAINT")
    assert "42" not in describe(secret)
    assert "42" not in (refusal_of(secret) or "")
    assert "42" not in (refusal_of(DataError("patient 42")) or "")
