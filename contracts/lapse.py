"""A timer fired and had nothing to say: a note among the decisions.

What is remembered is another one then, so it has a place in the order of record, as decisions have;
whoever reads decisions passes over it.
"""

from __future__ import annotations

from contracts.decision import SCHEMA, Basis, Record


class Lapse(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a timer waited for needs no decision any more, or not yet."""

    schema: int = SCHEMA
    kind: str = "lapse"
    timer: str
    """Its id."""
    clock_us: int
    """What the clock of its source showed; microseconds since 1970, UTC."""
    interrupted: bool = False
    """Takes the note before of the same timer back: its run ended before it was remembered."""
    basis: Basis | None = None
    """The rules that had nothing to say."""
