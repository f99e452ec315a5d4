"""Blocks of rows into ClickHouse, each insert under a token that names exactly what it holds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from clickhouse_connect.driver.client import Client

from sinks.blocks import Block
from sinks.errors import SinkError
from sinks.faults import describe, refusal_of

log = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0
_TELL_EVERY_S: Final = 60.0


class Abandoned(Exception):
    """The cut is not wanted any more: its partition went away, or the sink is stopping."""


class Availability:
    """Whether ClickHouse answers, as the inserts see it. Shared by all threads of a sink."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_since: float | None = None
        self._told_s = 0.0
        self.retries = 0
        self.refused: dict[str, int] = {}
        self.rows: dict[str, int] = {}

    @property
    def down(self) -> bool:
        return self._failed_since is not None

    @property
    def down_s(self) -> float:
        """For how many seconds nothing has succeeded; 0 where ClickHouse answers."""
        since = self._failed_since
        return 0.0 if since is None else monotonic() - since

    def failed(self, error: Exception) -> None:
        with self._lock:
            self.retries += 1
            now_s = monotonic()
            if self._failed_since is None:
                self._failed_since = now_s
                self._told_s = 0.0
            if now_s - self._told_s >= _TELL_EVERY_S:
                self._told_s = now_s
                log.warning("ClickHouse does not answer (%s); waiting for it", describe(error))

    def worked(self) -> None:
        if self._failed_since is None:
            return
        with self._lock:
            if self._failed_since is not None:
                log.warning("ClickHouse answers again after %.1f s", self.down_s)
                self._failed_since = None

    def stored(self, table: str, rows: int) -> None:
        with self._lock:
            self.rows[table] = self.rows.get(table, 0) + rows

    def refuse(self, table: str, rows: int) -> None:
        with self._lock:
            self.refused[table] = self.refused.get(table, 0) + rows


@dataclass
class Store:
    """The one writer of rows. May be used by several threads at once."""

    client: Callable[[], Client]
    """Gives the client; raises while ClickHouse cannot be reached."""
    availability: Availability = field(default_factory=Availability)

    def put(self, block: Block, token: str, stop: threading.Event) -> dict[int, str]:
        """The records that were refused, with the reason; all other rows are confirmed.

        Waits for ClickHouse as long as it takes. Raises Abandoned once `stop` is set.
        """
        try:
            self.until_done(lambda: self._insert(block, token), stop)
        except _Refused as refused:
            halves = block.halves()
            if halves is None:
                self.availability.refuse(block.table.name, len(block))
                return dict.fromkeys(set(block.owners), refused.reason)
            out: dict[int, str] = {}
            for half in halves:
                # The rows decide the token's tail, so a half is the same half in every attempt.
                out |= self.put(half, f"{token}:{half.owners[0]}-{half.owners[-1]}", stop)
            return out
        self.availability.stored(block.table.name, len(block))
        return {}

    def until_done(self, attempt: Callable[[], None], stop: threading.Event) -> None:
        """Repeats an attempt with growing pauses while ClickHouse is away."""
        wait_s = _FIRST_WAIT_S
        while True:
            if stop.is_set():
                raise Abandoned
            try:
                attempt()
            except _Refused:
                self.availability.worked()
                raise
            except SinkError:  # no time will mend it: the DSN, the schema
                raise
            except Exception as error:  # whatever the driver raises: nothing was confirmed
                self.availability.failed(error)
                log.debug("attempt failed", exc_info=error)
                stop.wait(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            else:
                self.availability.worked()
                return

    def _insert(self, block: Block, token: str) -> None:
        client = self.client()
        context = client.create_insert_context(
            block.table.name,
            block.table.names,
            column_type_names=block.table.types,
            column_oriented=True,
            settings={"insert_deduplication_token": f"{token}:{len(block)}"},
        )
        try:
            client.insert(data=block.columns(), context=context)
        except Exception as error:
            reason = refusal_of(error)
            if reason is None:
                raise
            raise _Refused(reason) from None
        finally:
            # It refers to itself: its rows would stay in memory until the collector comes by.
            vars(context).clear()


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
