"""Rules that are swapped out are freed at once: no look through the heap stops the worker."""

from __future__ import annotations

import gc
import weakref
from datetime import date

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
    held = weakref.ref(loaded.core.evaluator)
    gc.collect()
    gc.disable()
    try:
        del loaded, supervisor, event
        assert held() is None
        assert gc.collect() < 100
    finally:
        gc.enable()
