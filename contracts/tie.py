"""How identities of one person were tied or parted: notes among the decisions.

Both have a place in the order of record, as decisions have; whoever reads decisions passes over
them.
"""

from __future__ import annotations

from typing import Final

from contracts.decision import SCHEMA, Basis, Record

JOIN: Final = "join"
"""The receiving subject and the one that the message names are one person."""
GO: Final = "go"
"""What the receiving subject has to give away may be sent: it is remembered that it is given."""
MOVED: Final = "moved"
"""What is remembered of a subject comes to its new home."""
FORWARD: Final = "forward"
"""An event of a subject that is remembered elsewhere, as it came."""


class Forwarded(Record, frozen=True, kw_only=True, omit_defaults=False):
    """An event is answered elsewhere: its subject is remembered as another's."""

    schema: int = SCHEMA
    kind: str = "forward"
    decision_id: str
    """Of the decision that answers it."""
    source: str
    id: str
    home: str
    """Where it was sent: the subject under which the person is remembered."""


class Tie(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A message about identities was taken, and what it led to."""

    schema: int = SCHEMA
    kind: str = "tie"
    message: str
    """`join`, `go` or `moved`."""
    step: str
    """`leaves`, `asks`, `sends`, `arrives`, `returns`, `points`, `passes`, `waits`, `nothing`."""
    subject: str
    """Who took it."""
    digest: str = ""
    """Of what was given away, or came; but for timers, of which older logs do not tell when they
    had nothing to say."""
    timers: tuple[str, ...] = ()
    """Ids of the timers that were sent away."""
    basis: Basis | None = None
