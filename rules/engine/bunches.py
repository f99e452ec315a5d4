"""Rules that are looked at together: one by one at first, as one function once that pays.

Of a big pack most values of an index are rare, and compiling what stands under one takes a
millisecond: a bunch is compiled when it is met for the eighth time. Until then, and where no
function pays, it reads the same facts in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeAlias
from weakref import ref

from rules.engine.limits import Limit, in_order
from rules.engine.outcomes import NOT_APPLICABLE, RULE_ERROR, SILENT
from rules.facts.base import Context, Element

OFTEN: Final = 8
LARGEST: Final = 64
"""Bunches of more rules are never compiled: what is met of them is mostly unknown values."""
_MAX_PARTS: Final = 1024


class Decided(Protocol):
    """What a bunch needs of a rule."""

    id: str
    version: int
    order: int
    """The rule's place in the pack."""
    run: Callable[..., Any]

    @property
    def limit(self) -> Limit | None: ...


class Piece:
    """Rules of one origin. A sure hit of an index has proven what their anchors ask."""

    __slots__ = ("_is_ordered", "is_sure", "rules")

    def __init__(self, rules: Sequence[Any], is_sure: bool) -> None:
        self.rules: tuple[Any, ...] = tuple(rules)
        self.is_sure = is_sure
        self._is_ordered = not is_sure

    def ordered(self) -> tuple[Any, ...]:
        """The rules in the order in which they are asked. Most hits are never met, nor ordered."""
        if not self._is_ordered:
            self.rules = tuple(rule for group in in_order(self.rules) for rule in group)
            self._is_ordered = True
        return self.rules


Make: TypeAlias = Callable[[Sequence[Piece]], Callable[..., Any] | None]
"""From pieces to a function that decides their rules, see rules.engine.together; or None."""


def later(owner: Any, method: Callable[..., Any]) -> Callable[..., Any]:
    """The method of `owner`, to be kept in `owner`: no cycle, so that rules which are swapped out
    are freed by reference counts, and no collector has to look for them."""
    weak = ref(owner)

    def call(*arguments: Any) -> Any:
        return method(weak(), *arguments)

    return call


class Bunch:
    """What is looked at for an element: the rules of `base`, then those of some pieces."""

    __slots__ = (
        "__weakref__", "_base", "_make", "_met", "_numbered", "_pieces", "parts", "rules", "run",
        "size",
    )  # fmt: skip

    def __init__(
        self,
        pieces: Sequence[Piece],
        make: Make,
        *,
        base: Bunch | None = None,
        at_once: bool = False,
    ) -> None:
        own = [rule for piece in pieces for rule in piece.ordered()]
        first = base.size if base is not None else 0
        self.rules: tuple[Any, ...] = (*(base.rules if base is not None else ()), *own)
        self.size: int = len(self.rules)
        self._base = base
        self._pieces: tuple[Piece, ...] = (*(base._pieces if base is not None else ()), *pieces)
        self._numbered = list(enumerate(own, first))
        self._make = make
        self._met = 0
        self.parts: dict[int, dict[str, int]] = {}
        """What `part` said before."""
        made = make(self._pieces) if at_once else None
        self.run: Callable[..., int] = made or later(self, Bunch._counting)
        """`(c, F, x, E, told) -> silent`: the silent ones as bits, all others into `told`."""

    def _counting(self, c: Context, F: Any, x: Element | None, E: Any, told: list[Any]) -> int:
        self._met += 1
        if self._met >= OFTEN:
            made = self._make(self._pieces) if self.size <= LARGEST else None
            self.run = made or later(self, Bunch._uncompiled)
        return self._uncompiled(c, F, x, E, told)

    def _uncompiled(self, c: Context, F: Any, x: Element | None, E: Any, told: list[Any]) -> int:
        silent = self._base.run(c, F, x, E, told) if self._base is not None else 0
        return silent | apart(c, F, x, E, told, self._numbered)

    def one_by_one(self, c: Context, F: Any, x: Element | None, E: Any, told: list[Any]) -> int:
        """The same as `run`, where a rule that raises fails for itself alone."""
        return apart(c, F, x, E, told, enumerate(self.rules))

    def part(self, silent: int) -> dict[str, int]:
        """Ids and versions of the rules whose bits are set. Not to be changed."""
        chosen = [ready for n, ready in enumerate(self.rules) if silent >> n & 1]
        found = {ready.id: ready.version for ready in sorted(chosen, key=_place)}
        if len(self.parts) < _MAX_PARTS:
            self.parts[silent] = found
        return found


def apart(
    c: Context, F: Any, x: Element | None, E: Any, told: list[Any],
    numbered: Iterable[tuple[int, Decided]],
) -> int:  # fmt: skip
    """Rules one by one, each with the number of its bit; a rule that raises fails for itself."""
    silent = 0
    for number, ready in numbered:
        try:
            outcome = ready.run(c, F, x, E)
        except Exception:
            outcome = RULE_ERROR
        if outcome == SILENT:
            silent |= 1 << number
        elif outcome != NOT_APPLICABLE:
            told.append((outcome, ready))
    return silent


def _place(rule: Decided) -> int:
    return rule.order
