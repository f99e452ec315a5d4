"""Which verifier judges a decision: that of the files, or that of the bundle it names."""

from __future__ import annotations

import msgspec
import pytest

pytest.importorskip("durable_rules_engine", reason="durable_rules is not installed")

from contracts.decision import Decision
from rules import Evaluator
from rules.authoring.shorthand import event_of
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule
from yijian.bundles import by_basis as module
from yijian.bundles.by_basis import ByBasis
from yijian.composition import Core
from yijian.verify.library import Library

BASE = knowledge()
FILES = Evaluator(Pack.of([make_rule(BASE)]), BASE)
BUNDLED = Evaluator(Pack.of([make_rule(BASE, version=2)]), BASE)
BUNDLED.basis = msgspec.structs.replace(BUNDLED.basis, bundle="b1")
SITE = Core(BASE, FILES.pack, FILES)
BUNDLE = Core(BASE, BUNDLED.pack, BUNDLED)
EVENT = event_of({"event": "prescription.signed", "items": [{"drug": "D1"}]}, BASE)


def decision(evaluator: Evaluator, bundle: str) -> Decision:
    made = evaluator.decide(EVENT)
    return msgspec.structs.replace(made, basis=msgspec.structs.replace(made.basis, bundle=bundle))


def test_a_decision_of_a_bundle_is_judged_by_the_bundle() -> None:
    asked: list[str] = []

    def load(digest: str) -> Core | None:
        asked.append(digest)
        return BUNDLE if digest == "b1" else None

    shelf = Library(SITE, load)
    assert shelf.verify(decision(FILES, "")).result == "agreed"
    assert shelf.verify(decision(BUNDLED, "")).reason == "other_pack"
    before = shelf.basis
    assert shelf.verify(decision(BUNDLED, "b1")).result == "agreed"
    assert shelf.verify(decision(BUNDLED, "b1")).result == "agreed"
    assert shelf.basis != before
    assert asked == ["b1"]


def test_a_bundle_that_is_not_there_is_skipped_and_asked_for_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    asked: list[str] = []
    shelf = Library(SITE, lambda digest: asked.append(digest))  # type: ignore[func-returns-value]
    made = decision(BUNDLED, "b2")
    assert [shelf.verify(made).reason for _ in range(3)] == ["bundle_not_found"] * 3
    assert asked == ["b2"]
    now[0] += 61
    shelf.verify(made)
    assert asked == ["b2", "b2"]


def test_what_is_made_of_few_bundles_is_kept() -> None:
    kept = ByBasis(SITE, lambda digest: BUNDLE, lambda core: core)
    for n in range(10):
        kept.find(decision(BUNDLED, f"b{n}").basis)
    assert kept.digests == ["b6", "b7", "b8", "b9"]
