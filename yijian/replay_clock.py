"""How late it is while a file is read of which a process decodes only its own events.

The clock shows the latest time of an event that intake would take. Whether others' events are such
is looked at only where a timer hangs on it, and of the latest ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_MOST: Final = 256


class Clock:
    """The latest time of accepted events so far, in microseconds."""

    def __init__(self, accepts: Callable[[bytes, int | None], bool]) -> None:
        """`accepts` says whether intake takes a value that arrived when (ms, None: not known)."""
        self._accepts = accepts
        self._us = -(2**63)
        self._said: list[tuple[int, bytes]] = []
        """Later times that events tell and that nobody has looked at, ascending."""

    def arrived(self, us: int) -> None:
        """The broker took a record then."""
        self._us = max(self._us, us)

    def said(self, us: int, value: bytes) -> None:
        """An event says that it happened then."""
        if us <= (self._said[-1][0] if self._said else self._us):
            return
        self._said.append((us, value))
        if len(self._said) > _MOST:
            self._settle()

    def has_reached(self, us: int) -> bool:
        """Whether the clock shows that time, or a later one."""
        if us <= self._us:
            return True
        if not self._said or self._said[-1][0] < us:
            return False
        self._settle()
        return us <= self._us

    @property
    def us(self) -> int:
        """What it shows, as far as it was looked at."""
        return self._us

    def _settle(self) -> None:
        while self._said:
            us, value = self._said.pop()
            if self._accepts(value, None):
                self._us = max(self._us, us)
                self._said.clear()
