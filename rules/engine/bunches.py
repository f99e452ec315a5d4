"""Rules that are looked at together: one by one at first, as one function once that pays.

Of a big pack most values of an index are rare, and compiling what stands under one takes a
millisecond: a bunch is compiled when it is met for the eighth time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias

from rules.engine.compiler import NOT_APPLICABLE, SILENT
from rules.facts.base import Context, Element

RULE_ERROR: Final = 7
"""The outcome of a rule that raised."""
OFTEN: Final = 8
LARGEST: Final = 64
"""Bunches of more rules are never compiled: what is met of them is mostly unknown values."""
_MAX_PARTS: Final = 1024


class Decided(Protocol):
    """What a bunch needs of a rule."""

    id: str
    version: int
    run: Callable[..., Any]


Make: TypeAlias = Callable[[Sequence[Any]], Callable[..., Any] | None]
"""From rules to one function that decides them, see compiler.compile_group; or None."""


class Bunch:
    """Some rules, in the order of the pack."""

    __slots__ = ("_make", "_met", "parts", "rules", "run", "size")

    def __init__(self, rules: Sequence[Any], make: Make, *, at_once: bool = False) -> None:
        self.rules: tuple[Any, ...] = tuple(rules)
        self.size = len(self.rules)
        self._make = make
        self._met = 0
        self.parts: dict[int, dict[str, int]] = {}
        """What `part` said before."""
        made = make(self.rules) if at_once else None
        self.run: Callable[..., int] = made or self._counting
        """`(c, F, x, E, told) -> silent`: the silent ones as bits, all others into `told`."""

    def _counting(self, c: Context, F: Any, x: Element | None, E: Any, told: list[Any]) -> int:
        self._met += 1
        if self._met >= OFTEN:
            made = self._make(self.rules) if self.size <= LARGEST else None
            self.run = made or self.one_by_one
        return self.one_by_one(c, F, x, E, told)

    def one_by_one(self, c: Context, F: Any, x: Element | None, E: Any, told: list[Any]) -> int:
        """The same as `run`, where a rule that raises fails for itself alone."""
        silent = 0
        for number, ready in enumerate(self.rules):
            try:
                outcome = ready.run(c, F, x, E)
            except Exception:
                outcome = RULE_ERROR
            if outcome == SILENT:
                silent |= 1 << number
            elif outcome != NOT_APPLICABLE:
                told.append((outcome, ready))
        return silent

    def part(self, silent: int) -> dict[str, int]:
        """Ids and versions of the rules whose bits are set. Not to be changed."""
        chosen = [ready for n, ready in enumerate(self.rules) if silent >> n & 1]
        found = {ready.id: ready.version for ready in chosen}
        if len(self.parts) < _MAX_PARTS:
            self.parts[silent] = found
        return found
