"""Events read back: how long the verifier waits for a broker that is away."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sinks.verifications import Place
from yijian.verify import events as module
from yijian.verify.events import Events

FAR_APART = [Place("in", 0, offset) for offset in (0, 10_000, 20_000)]


class Away:
    """A consumer to which nobody answers; after `stop_after` polls somebody says stop."""

    def __init__(self, stop: threading.Event | None = None, stop_after: int = 0) -> None:
        self.assigned = 0
        self.polled = 0
        self._stop, self._stop_after = stop, stop_after

    def __call__(self, settings: Any) -> Away:
        return self

    def assign(self, parts: Any) -> None:
        self.assigned += 1

    def consume(self, most: int, timeout_s: float) -> list[Any]:
        self.polled += 1
        if self._stop is not None and self.polled == self._stop_after:
            self._stop.set()
        return []

    def close(self) -> None: ...


def test_a_broker_that_is_away_is_waited_for_once_not_once_a_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = Away()
    monkeypatch.setattr(module, "Consumer", away)
    monkeypatch.setattr(module, "_WAIT_S", 0.05)
    assert Events("localhost:1", {}, "t").fetch(FAR_APART, threading.Event()) == {}
    assert away.assigned == 1


def test_whoever_is_told_to_stop_does_not_wait_for_events(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    away = Away(stop, stop_after=3)
    monkeypatch.setattr(module, "Consumer", away)
    assert Events("localhost:1", {}, "t").fetch(FAR_APART, stop) == {}
    assert (away.assigned, away.polled) == (1, 3)
