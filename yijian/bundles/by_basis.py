"""What a decision was computed with, had again: the site's files, or the bundle it names.

Audit and verifier look at decisions that may come from any bundle of the last days.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Final, Generic, TypeVar

from confluent_kafka import KafkaException

from contracts.bundle import Refusal
from contracts.decision import Basis
from streams.broker import BrokerError
from yijian.bundles.loading import load
from yijian.bundles.registry import read_shelf
from yijian.bundles.signing import trusted_keys
from yijian.composition import Core
from yijian.settings import Settings

BUNDLE_NOT_FOUND: Final = "bundle_not_found"
_KEPT: Final = 4
_ASK_AGAIN_S: Final = 60.0

T = TypeVar("T")
LoadBundle = Callable[[str], Core | None]
"""The rules and knowledge of a digest; None where they cannot be had."""


class ByBasis(Generic[T]):
    """What `make` makes of the files or of the bundle of a decision; keeps the latest bundles'."""

    def __init__(self, files: Core, load_bundle: LoadBundle, make: Callable[[Core], T]) -> None:
        self.files = make(files)
        self._load = load_bundle
        self._make = make
        self._bundles: OrderedDict[str, T] = OrderedDict()
        self._missing: dict[str, float] = {}

    @property
    def digests(self) -> list[str]:
        """Of the bundles that are kept."""
        return sorted(self._bundles)

    def find(self, basis: Basis) -> T | None:
        """None where the bundle cannot be had; whether the files are the same is not asked."""
        return self._of_bundle(basis.bundle) if basis.bundle else self.files

    def _of_bundle(self, digest: str) -> T | None:
        found = self._bundles.get(digest)
        if found is not None:
            self._bundles.move_to_end(digest)
            return found
        if self._missing.get(digest, 0.0) > monotonic():
            return None
        core = self._load(digest)
        if core is None:
            self._missing[digest] = monotonic() + _ASK_AGAIN_S
            return None
        if len(self._bundles) >= _KEPT:
            self._bundles.popitem(last=False)
        made = self._bundles[digest] = self._make(core)
        return made


def difference(basis: Basis, mine: Basis) -> str:
    """Why `mine` does not say what `basis` must: `other_pack`, `other_knowledge`; "" if it does."""
    if basis.pack != mine.pack:
        return "other_pack"
    return "other_knowledge" if basis.knowledge != mine.knowledge else ""


def from_topic(settings: Settings) -> LoadBundle:
    """Loads bundles from the installation's topic; one that nobody trusted signed is not there."""
    compiled = replace(settings, rules_engine="compiled")
    trusted = trusted_keys(settings)

    def found(digest: str) -> Core | None:
        try:
            stored = read_shelf(settings, trusted).contents.get(digest)
        except (BrokerError, KafkaException):
            return None
        loaded = load(stored.raw, compiled, trusted) if stored is not None else None
        return None if loaded is None or isinstance(loaded, Refusal) else loaded.core

    return found
