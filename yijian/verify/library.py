"""Verifies each decision with what it was computed with."""

from __future__ import annotations

from contracts.decision import Decision
from yijian.bundles.by_basis import BUNDLE_NOT_FOUND, ByBasis, LoadBundle
from yijian.composition import Core
from yijian.verify.model import Check, skipped
from yijian.verify.verifier import Verifier


class Library:
    """Finds the verifier of each decision, and keeps those of the latest bundles."""

    def __init__(self, files: Core, load_bundle: LoadBundle) -> None:
        self._verifiers = ByBasis(files, load_bundle, lambda core: Verifier(core.evaluator))

    @property
    def basis(self) -> str:
        """What it checks with, for tokens: all that its answers are a function of."""
        return "+".join([self._verifiers.files.basis, *self._verifiers.digests])

    def verify(self, decision: Decision, event: bytes | None = None) -> Check:
        """What was found, see Verifier.verify."""
        verifier = self._verifiers.find(decision.basis)
        if verifier is None:
            return skipped(decision.decision_id, BUNDLE_NOT_FOUND)
        return verifier.verify(decision, event)
