from __future__ import annotations

from typing import cast

import pytest

from sinks.embedded.engine import Handle
from sinks.embedded.sessions import Sessions
from sinks.errors import EngineError


class FakeHandle:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Opened:
    def __init__(self) -> None:
        self.handles: list[FakeHandle] = []

    def __call__(self) -> Handle:
        self.handles.append(FakeHandle())
        return cast(Handle, self.handles[-1])


def test_a_session_keeps_its_handle_until_it_was_idle_too_long() -> None:
    now_s = [0.0]
    opened = Opened()
    sessions = Sessions(opened, lambda: now_s[0])
    with sessions.use("a", 60, must_exist=False) as first:
        pass
    now_s[0] = 59.0
    with sessions.use("a", 60, must_exist=True) as second:
        pass
    now_s[0] = 120.0
    with sessions.use("b", 60, must_exist=False):
        pass

    assert first is second
    assert [handle.closed for handle in opened.handles] == [True, False]
    with (
        pytest.raises(EngineError, match="SESSION_NOT_FOUND"),
        sessions.use("a", 1, must_exist=True),
    ):
        pass


def test_a_session_in_use_is_locked_and_never_expires() -> None:
    now_s = [0.0]
    sessions = Sessions(Opened(), lambda: now_s[0])
    with sessions.use("a", 1, must_exist=False):
        now_s[0] = 100.0
        with (
            pytest.raises(EngineError, match="SESSION_IS_LOCKED"),
            sessions.use("a", 1, must_exist=False),
        ):
            pass


def test_closing_closes_every_handle() -> None:
    opened = Opened()
    sessions = Sessions(opened)
    for name in ("a", "b"):
        with sessions.use(name, 60, must_exist=False):
            pass
    sessions.close_all()

    assert all(handle.closed for handle in opened.handles)
