"""Handles that outlive a request because the client named a session (`session_id`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sinks.embedded.engine import Handle
from sinks.errors import EngineError

DEFAULT_TIMEOUT_S = 60
MAX_TIMEOUT_S = 3600


@dataclass
class _Session:
    handle: Handle
    expires_at_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """Named handles, each used by one request at a time and closed after its idle time."""

    def __init__(
        self, open_handle: Callable[[], Handle], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_handle = open_handle
        self._now_s = now_s
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    @contextmanager
    def use(self, session_id: str, timeout_s: int, *, must_exist: bool) -> Iterator[Handle]:
        """The session's handle, created if need be.

        Raises EngineError as the server does: 373 SESSION_IS_LOCKED while another request uses
        it, 372 SESSION_NOT_FOUND for `must_exist`.
        """
        session = self._take(session_id, must_exist)
        try:
            yield session.handle
        finally:
            session.expires_at_s = self._now_s() + timeout_s
            session.lock.release()

    def _take(self, session_id: str, must_exist: bool) -> _Session:
        with self._lock:
            self._close_expired()
            session = self._sessions.get(session_id)
            if session is None:
                if must_exist:
                    raise EngineError(372, "SESSION_NOT_FOUND", f"Session {session_id} not found")
                session = self._sessions[session_id] = _Session(self._open_handle())
            if not session.lock.acquire(blocking=False):
                raise EngineError(
                    373, "SESSION_IS_LOCKED", f"Session {session_id} is locked by another client"
                )
            return session

    def _close_expired(self) -> None:
        now_s = self._now_s()
        for session_id, session in list(self._sessions.items()):
            if not session.lock.locked() and session.expires_at_s < now_s:
                del self._sessions[session_id]
                session.handle.close()

    def close_all(self) -> None:
        """Close every session's handle."""
        with self._lock:
            for session in self._sessions.values():
                session.handle.close()
            self._sessions.clear()
