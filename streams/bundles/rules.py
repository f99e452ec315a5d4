"""What the agent asks for rules, once a batch."""

from __future__ import annotations

from typing import Any, Protocol

from contracts.decision import Basis
from streams.bundles.standing import Standing
from streams.supervision import Supervisor


class Rules(Protocol):
    """The rules in force, which may be others at the next batch."""

    @property
    def supervisor(self) -> Supervisor:
        """To be asked once for a batch, so that one bundle decides all of it.

        By the agent alone, between two batches: asking may put another registry under the rules.
        """

    @property
    def in_use(self) -> Supervisor:
        """The same as it is, from any thread, for whoever only looks: nothing changes by it."""

    @property
    def basis(self) -> Basis | None:
        """What decisions are computed with, where that is told; from any thread, at any time."""

    @property
    def standing(self) -> Standing: ...

    def start(self) -> None:
        """Have rules, before the first event. Raises StreamsError or BrokerError."""

    def stop(self) -> None:
        """Look for no others."""

    async def current_for(self, epoch: int) -> None:
        """Wait until these rules are no older than any that decided the epoch's partitions.

        To be awaited before each batch: partitions that come from another worker may have been
        decided by a newer bundle there, and must not go back to an older one.
        """

    def seen(self, records: list[Any]) -> None:
        """Real records, to warm up what is swapped in next."""


class FixedRules:
    """Rules that stay as they were loaded."""

    standing = Standing("files")

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor

    @property
    def in_use(self) -> Supervisor:
        return self.supervisor

    @property
    def basis(self) -> Basis | None:
        return self.supervisor.basis

    def start(self) -> None:
        """Nothing: they are here."""

    def stop(self) -> None:
        """Nothing: they never change."""

    async def current_for(self, epoch: int) -> None:
        """Nothing: they never change."""

    def seen(self, records: list[Any]) -> None:
        """Nothing: they are in use."""
