"""The registry topic: read in full before the first event, then followed by every worker.

A change takes effect between two batches. Before the first batch of partitions that were just
assigned the topic is read to the end that it has then, so that a partition never goes back to an
older registry. A record that says nothing leaves what was registered under its key as it was.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from confluent_kafka import KafkaException

from contracts.decision import Basis
from contracts.intake import Rejected
from contracts.registry import read_registered
from knowledge_base.registry import NOTHING, Register, Registry, faults
from streams.bundles.catching_up import CatchingUp, Reader
from streams.bundles.rules import Rules
from streams.bundles.standing import RegistryStanding, Standing
from streams.bundles.topic import Entry
from streams.errors import RegistryUnreadable
from streams.supervision import Supervisor

log = logging.getLogger(__name__)


class RegistryLog:
    """What the records say so far. Not thread-safe."""

    def __init__(self) -> None:
        self.register = Register()
        self.refused: Counter[str] = Counter()
        self.offset = -1

    def take(self, entry: Entry) -> str:
        """Note a record; why it says nothing, if so."""
        self.offset = entry.offset
        if entry.value is None:
            self.register.remove(entry.key or b"")
            return ""
        found = read_registered(entry.key, entry.value)
        if isinstance(found, Rejected):
            return self._refuse(found.reason.value, f"{found.path}: {found.detail}")
        wrong = faults(found)
        if wrong:
            return self._refuse("not_usable", wrong[0])
        self.register.put(found)
        return ""

    def _refuse(self, reason: str, detail: str) -> str:
        self.refused[reason] += 1
        return f"{reason}: {detail}"


class RegistryFollower:
    """Reads the topic in a thread; `latest` is what is registered, ready to be looked up."""

    def __init__(self, open: Callable[[], Reader], start_s: float = 120.0) -> None:
        self._open = open
        self._start_s = start_s
        self._log = RegistryLog()
        self._catching_up = CatchingUp(self, "yijian-registry")
        self.latest: Registry = NOTHING
        self.standing = RegistryStanding()

    def start(self) -> None:
        """Read the topic to its end, then follow it.

        Raises RegistryUnreadable where that cannot be done in time, and what opening it raises.
        """
        reader = self._open()
        try:
            self._catching_up.start(reader, self._start_s)
        except TimeoutError:
            raise RegistryUnreadable(
                f"the registry topic was not read within {self._start_s:.0f} s: "
                f"{self.standing.trouble or 'the broker did not answer'}"
            ) from None

    def stop(self) -> None:
        self._catching_up.stop()

    async def current_for(self, epoch: int) -> None:
        """Wait until the topic is read to the end that it has now, once an epoch."""
        await self._catching_up.current_for(epoch)

    # What is made of the topic (streams.bundles.catching_up.Follower).

    def asked(self) -> None: ...

    def take(self, entry: Entry) -> None:
        refused = self._log.take(entry)
        if refused:
            log.warning("Registry record %d says nothing: %s", entry.offset, refused)

    def settle(self, reader: Reader) -> None:
        register = self._log.register
        if register.digest != self.latest.digest:
            self.latest = register.registry()
            log.info("Registry %s: %d records", register.digest or "(empty)", len(register))
        self.standing = RegistryStanding(
            register.digest, len(register), self._log.offset, dict(self._log.refused)
        )

    def in_trouble(self, error: Exception) -> None:
        if isinstance(error, KafkaException):
            what = str(error.args[0].str())
        else:
            what = f"{type(error).__name__}; report this as a bug"
        if what != self.standing.trouble:
            log.warning("Registry: %s; it stays as it is, trying again", what)
        self.standing = self.standing._replace(trouble=what)


class RegisteredRules:
    """Rules that decide with what is registered: asked once a batch, like the rules below."""

    def __init__(self, rules: Rules, registry: RegistryFollower) -> None:
        self._rules = rules
        self._registry = registry

    @property
    def supervisor(self) -> Supervisor:
        """The rules in force, over the registry as it is now."""
        supervisor = self._rules.supervisor
        supervisor.use(self._registry.latest)
        return supervisor

    @property
    def in_use(self) -> Supervisor:
        return self._rules.in_use

    @property
    def basis(self) -> Basis | None:
        return self._rules.basis

    @property
    def standing(self) -> Standing:
        return replace(self._rules.standing, registry=self._registry.standing)

    def start(self) -> None:
        self._registry.start()
        self._rules.start()

    def stop(self) -> None:
        self._rules.stop()
        self._registry.stop()

    async def current_for(self, epoch: int) -> None:
        await self._registry.current_for(epoch)
        await self._rules.current_for(epoch)

    def seen(self, records: list[Any]) -> None:
        self._rules.seen(records)
