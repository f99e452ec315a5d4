"""Verifiers by what a decision was computed with: the site's files, or the bundle it names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Final

from confluent_kafka import KafkaException

from contracts.bundle import Refusal
from contracts.decision import Decision
from rules.engine.evaluator import Evaluator
from streams.broker import BrokerError
from yijian.bundles.loading import load
from yijian.bundles.registry import read_shelf
from yijian.bundles.signing import trusted_keys
from yijian.settings import Settings
from yijian.verify.model import Check, skipped
from yijian.verify.verifier import Verifier

_KEPT: Final = 4
_ASK_AGAIN_S: Final = 60.0

Load = Callable[[str], Evaluator | None]
"""The evaluator of a bundle; None where it cannot be had."""


class Library:
    """Finds the verifier of each decision, and keeps those of the latest bundles."""

    def __init__(self, files: Verifier, load_bundle: Load) -> None:
        self._files = files
        self._load = load_bundle
        self._bundles: OrderedDict[str, Verifier] = OrderedDict()
        self._missing: dict[str, float] = {}

    @property
    def basis(self) -> str:
        """What it checks with, for tokens: all that its answers are a function of."""
        return "+".join([self._files.basis, *sorted(self._bundles)])

    def verify(self, decision: Decision, event: bytes | None = None) -> Check:
        """What was found, see Verifier.verify."""
        digest = decision.basis.bundle
        verifier = self._of(digest) if digest else self._files
        if verifier is None:
            return skipped(decision.decision_id, "bundle_not_found")
        return verifier.verify(decision, event)

    def _of(self, digest: str) -> Verifier | None:
        found = self._bundles.get(digest)
        if found is not None:
            self._bundles.move_to_end(digest)
            return found
        if self._missing.get(digest, 0.0) > monotonic():
            return None
        evaluator = self._load(digest)
        if evaluator is None:
            self._missing[digest] = monotonic() + _ASK_AGAIN_S
            return None
        if len(self._bundles) >= _KEPT:
            self._bundles.popitem(last=False)
        verifier = self._bundles[digest] = Verifier(evaluator)
        return verifier


def from_topic(settings: Settings) -> Load:
    """Loads bundles from the installation's topic; one that nobody trusted signed is not there."""
    compiled = replace(settings, rules_engine="compiled")
    trusted = trusted_keys(settings)

    def found(digest: str) -> Evaluator | None:
        try:
            stored = read_shelf(settings, trusted).contents.get(digest)
        except (BrokerError, KafkaException):
            return None
        loaded = load(stored.raw, compiled, trusted) if stored is not None else None
        return None if loaded is None or isinstance(loaded, Refusal) else loaded.core.evaluator

    return found
