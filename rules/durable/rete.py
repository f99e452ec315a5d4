"""durable_rules, used as its traps demand. The only place that imports it.

Its C engine is called without its Python host: no timer threads, no swallowed exceptions, no
clock. A ruleset sees facts only, one at a time, in one session; each is retracted again. A rule
is one conjunction: without `$or` no more alpha nodes are pending at once than there are rules.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

from rules.errors import EngineError

try:
    import durable_rules_engine as engine  # type: ignore[import-not-found]
except ModuleNotFoundError as e:
    raise EngineError(
        "durable_rules is not installed: install yijian[durable] (it needs a C compiler), "
        "or leave YIJIAN_RULES_ENGINE at `compiled` and YIJIAN_VERIFY_SHARE at 0"
    ) from e

Plain: TypeAlias = int | str | bool

MAX_PENDING: Final = 60
"""Conditions that may be true at once; at 65 durable_rules drops the fact (error 303)."""
MAX_RULES: Final = 400
"""Conditions that begin with different constants; at 512 durable_rules never comes back."""
MAX_PROPERTIES: Final = 200
"""Of a fact; at 255 durable_rules refuses it."""

MAX_OPEN_KB: Final = 200_000
"""Of all rulesets together; the one that was used least recently is given back first."""
_EMPTY_KB: Final = 140
_RULE_KB: Final = 16

_HANDLED: Final = 0
_NOT_HANDLED: Final = 1
_OBSERVED: Final = 2
_names = count()
_lock = threading.RLock()
_open: OrderedDict[int, tuple[weakref.ref[Ruleset], int]] = OrderedDict()


class Literal(NamedTuple):
    """A comparison of one property with a constant; `operator` is "" for equality."""

    name: str
    operator: str
    constant: Plain

    def definition(self) -> dict[str, Any]:
        """As durable_rules reads it. A property that a fact lacks makes every operator false."""
        equal = {self.name: self.constant}
        return {self.operator: equal} if self.operator else equal


Conjunction: TypeAlias = tuple[Literal, ...]


class Ruleset:
    """Named conjunctions, and which of them hold for a fact."""

    def __init__(self, rules: Mapping[str, Conjunction]) -> None:
        """Names are words without quotes; every conjunction has a literal."""
        definition = {
            name: {"all": [{"m": _definition(literals)}]} for name, literals in rules.items()
        }
        self._text = json.dumps(definition)
        self._size_kb = _EMPTY_KB + _RULE_KB * len(rules)
        self._handle = 0
        """Of the ruleset in durable_rules; 0 while there is none."""

    def fired(self, properties: Mapping[str, Plain]) -> set[str]:
        """The names of the conjunctions that hold for a fact with these properties."""
        fact = json.dumps({"id": "1", "sid": "0", **properties})
        with _lock:  # a bundle may be compiled in a thread while another one decides
            if self._handle:
                _open.move_to_end(self._handle)
            else:
                self._create()
            try:
                try:
                    return self._assert(fact)
                finally:
                    engine.retract_fact(self._handle, fact)
            except Exception:
                # What a failed call leaves behind would answer for the next fact.
                self.close()
                raise

    def close(self) -> None:
        """Give its memory back; the next fact makes it anew."""
        if self._handle:
            self._handle = 0
            self._give_back()

    def _create(self) -> None:
        handle = self._handle = engine.create_ruleset(f"r{next(_names)}", self._text)
        self._give_back = weakref.finalize(self, _delete, handle)
        _open[handle] = (weakref.ref(self), self._size_kb)
        others = list(_open.values())  # a copy: the collector may give rulesets back at any time
        total_kb = sum(size_kb for _, size_kb in others)
        for other, size_kb in others:
            if total_kb <= MAX_OPEN_KB:
                break
            oldest = other()
            if oldest is not None and oldest is not self:
                oldest.close()
                total_kb -= size_kb

    def _assert(self, fact: str) -> set[str]:
        code, state = engine.assert_fact(self._handle, fact)
        found: set[str] = set()
        if code == _NOT_HANDLED:
            return found
        if code != _HANDLED:
            what = "observed already" if code == _OBSERVED else f"answered with {code}"
            raise EngineError(f"durable_rules: a fact was {what}")
        started = engine.start_action_for_state(self._handle, state)
        message = started[1] if started else None
        while message:
            # {"name": {"m": {…}}}: the name stands between the first two quotes.
            found.add(message[2 : message.index('"', 2)])
            message = engine.complete_and_start_action(self._handle, state)
        return found


def _definition(literals: Sequence[Literal]) -> dict[str, Any]:
    parts = [literal.definition() for literal in literals]
    return parts[0] if len(parts) == 1 else {"$and": parts}


def _delete(handle: int) -> None:
    _open.pop(handle, None)
    engine.delete_ruleset(handle)
