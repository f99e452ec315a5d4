"""Rules that are swapped out are freed at once: no look through the heap stops the worker."""

from __future__ import annotations

import gc
from datetime import date

from rules.engine.evaluator import Evaluator
from simulation import Simulator
from support.bundle_files import bundle
from support.bundled_workers import shipped
from yijian import settings
from yijian.bundles.loading import Loaded, load, warm_up
from yijian.composition import supervisor_of

SITE = settings.load({"YIJIAN_PROFILE": "demo"})


def test_rules_that_nobody_holds_leave_nothing_to_the_collector() -> None:
    loaded = load(bundle(shipped(), None), SITE, None)
    assert isinstance(loaded, Loaded)
    day = date(2026, 3, 2)
    warm_up(loaded.core, day)
    supervisor = supervisor_of(SITE, loaded.core)
    for event in Simulator(loaded.core.knowledge, 1, 50, day).events(300):
        supervisor.supervise(event.bytes, event.key)
    gc.collect()
    before = evaluators()
    gc.disable()
    try:
        del loaded, supervisor, event
        assert evaluators() == before - 1
        assert gc.collect() < 100
    finally:
        gc.enable()


def evaluators() -> int:
    """How many are alive; compiled ones cannot be referred to weakly."""
    return sum(isinstance(one, Evaluator) for one in gc.get_objects())
