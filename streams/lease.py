"""How long this process may still write: the group's session, as this process can prove it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Lease:
    """The right to write outputs for the partitions held, renewed by answered heartbeats.

    The broker keeps a member for `session_timeout_s` after it received a heartbeat, which is
    not before the heartbeat was sent. An output that is handed to the producer can leave until
    `message_timeout_s` later. So a process that was frozen, or cut off, finds its lease expired
    before it could write over its successor. Read and renewed from several threads.
    """

    def __init__(
        self,
        session_timeout_s: float,
        message_timeout_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < message_timeout_s < session_timeout_s:
            raise ValueError(
                f"message_timeout_s ({message_timeout_s}) must be positive and below "
                f"session_timeout_s ({session_timeout_s}), or a frozen worker could write over "
                "its successor"
            )
        self._span_s = session_timeout_s - message_timeout_s
        self._now = monotonic
        self._until = float("-inf")

    def renew(self, sent_at: float) -> None:
        """A heartbeat that was sent at `sent_at` (monotonic seconds) was answered."""
        self._until = max(self._until, sent_at + self._span_s)

    def revoke(self) -> None:
        """The group does not know this member any more."""
        self._until = float("-inf")

    @property
    def valid(self) -> bool:
        return self._now() < self._until
