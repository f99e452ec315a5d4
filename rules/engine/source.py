"""The text of generated code under construction, and how it reads facts.

Names and texts of rules enter the source as `repr` literals or as arguments of a factory, never
as bare words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, TypeAlias

from rules.facts import Fact, fact_of
from rules.facts.base import NOT_IN_KNOWLEDGE
from rules.facts.items import DrugField, EntryField, is_known_drug
from rules.facts.read import ItemField, WordField
from rules.model import History, Operand, Some

_DRUG: Final = "$drug"
_ENTRY: Final = "$entry"
_UNKNOWN: Final = "$unknown "


@dataclass(frozen=True)
class Constant:
    """A place in the generated code that an epoch fills in."""

    kind: str
    """`codes`, `contains`, `lengths`, `value` (of one without a table), `rows` or `unit`."""
    operand: Operand
    fact: Fact


Resolve: TypeAlias = Callable[[Constant], Any]


@dataclass
class Source:
    """The text of one function under construction, with what it takes from outside.

    `fresh` names the store ("E" or "F") that is empty when the function begins: its facts need
    not be looked for before they are first read.
    """

    each: str
    family: str
    resolve: Resolve
    """What a constant is on the days that the code is for; None where it is not known."""
    inner: Callable[[Some], Any] | None = None
    """Compiles the condition on the elements of a list."""
    fresh: str = ""
    past: Callable[[History], Any] | None = None
    """Makes what asks a condition on the past."""
    lines: list[str] = field(default_factory=list)
    extractors: dict[str, Any] = field(default_factory=dict)
    constants: list[Any] = field(default_factory=list)
    _named: dict[Constant, str] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _locals: dict[str, str] = field(default_factory=dict)
    _names: int = 0

    def emit(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def name(self) -> str:
        self._names += 1
        return f"t{self._names}"

    def fact(self, name: str) -> Fact:
        fact = fact_of(name, self.each)
        if fact is None or self.family not in fact.extractors:
            raise ValueError(f"no fact {name} in {self.family} events")
        return fact

    def constant(self, kind: str, operand: Operand, fact: Fact) -> str:
        """The name of a constant; "" where it is not known."""
        wanted = Constant(kind, operand, fact)
        if wanted not in self._named:
            value = self.resolve(wanted)
            self._named[wanted] = "" if value is None else self.value(value)
        return self._named[wanted]

    def unit(self, operand: Operand, fact: Fact) -> str:
        """The unit in which an operand is given; "" where it has none of its own."""
        return self.resolve(Constant("unit", operand, fact)) or ""

    def value(self, value: Any) -> str:
        """The name of a value that the code needs; numbers and words stand for themselves."""
        if type(value) in (int, str, bool) or (type(value) is float and isfinite(value)):
            return repr(value)
        self.constants.append(value)
        return f"k{len(self.constants) - 1}"

    def local(self, name: str) -> str:
        """The local variable that holds a fact."""
        return f"a{list(self.extractors).index(name)}"

    def fetch(self, fact: Fact, depth: int, bound: set[str]) -> str:
        """Emit the reading of a fact unless it was surely read before; its local name."""
        self.extractors.setdefault(fact.name, fact.extractors[self.family])
        a = self.local(fact.name)
        if fact.name in bound:
            return a
        store = "E" if fact.of else "F"
        if store == self.fresh and fact.name not in self._touched:
            self._read(fact, a, store, depth, bound)
        else:
            self.emit(depth, f"{a} = {store}.get({fact.name!r})")
            self.emit(depth, f"if {a} is None:")
            self._read(fact, a, store, depth + 1, set(bound))
        self._touched.add(fact.name)
        bound.add(fact.name)
        return a

    def once(self, name: str, value: str, depth: int, bound: set[str]) -> str:
        """A local variable for an expression, emitted where it is not surely there; its name."""
        local = self._locals.setdefault(name, f"w{len(self._locals)}")
        if name not in bound:
            self.emit(depth, f"{local} = {value}")
            bound.add(name)
        return local

    def kept(self, name: str, value: str, depth: int, bound: set[str]) -> str:
        """The same for an expression over facts of the event, worked out once an event."""
        local = self._locals.setdefault(name, f"w{len(self._locals)}")
        if name not in bound:
            self.emit(depth, f"{local} = c.derived.get({name!r})")
            self.emit(depth, f"if {local} is None: {local} = c.derived[{name!r}] = {value}")
            bound.add(name)
        return local

    def is_foreign(self, fact: Fact, depth: int, bound: set[str]) -> str:
        """Whether the knowledge base does not know the code that a fact holds."""
        if fact.in_knowledge is not is_known_drug:
            return f"not {self.value(fact.in_knowledge)}(c, x)"
        for name, extractor in self.extractors.items():
            if name in bound and isinstance(extractor, DrugField):
                # What was read of a drug proves that there is one, and spares the look for it.
                a, none = self.local(name), extractor.not_a_drug
                is_open = f"type({a}) is dict"
                if type(none) is not dict:
                    is_open = f"({is_open} or {a} == {none!r})"
                return f"{is_open} and type(find_drug(c, o)) is dict"
        self._drug(depth, bound)
        return "type(d) is dict"

    def _drug(self, depth: int, bound: set[str]) -> None:
        if _DRUG not in bound:
            self.emit(depth, "d = find_drug(c, o)")
            bound.add(_DRUG)

    def unknown(self, fact: Fact, a: str, depth: int, bound: set[str]) -> str:
        """Whether a fact that was read is not plainly known."""
        return self.once(f"{_UNKNOWN}{fact.name}", f"type({a}) is dict", depth, bound)

    def _read(self, fact: Fact, a: str, store: str, depth: int, bound: set[str]) -> None:
        """Emit the extraction itself: in place for plain fields, else as a call."""
        extractor = self.extractors[fact.name]
        target = f"{store}[{fact.name!r}]"
        f = f"f{a[1:]}"
        if isinstance(extractor, ItemField):
            self.emit(depth, f"{a} = o.{extractor.name}")
            if extractor.is_text:
                self.emit(depth, f"if type({a}) is not str or not {a}: {a} = text({a})")
            else:
                self.emit(depth, f"if {a} is UNSET or {a} is None: {a} = absent({a})")
            self.emit(depth, f"{target} = {a}")
        elif isinstance(extractor, WordField):
            self.emit(depth, f"{a} = o.{extractor.name}")
            self.emit(depth, f"if {a} not in {extractor.vocabulary!r}: {a} = other_word({a})")
            self.emit(depth, f"{target} = {a}")
        elif isinstance(extractor, DrugField):
            self._drug(depth, bound)
            value = f"{f}.without(d) if type(d) is dict else d.{extractor.name}"
            self.emit(depth, f"{a} = {target} = {value}")
        elif isinstance(extractor, EntryField):
            if _ENTRY not in bound:
                self.emit(depth, "g = find_entry(c, o)")
                bound.add(_ENTRY)
            self.emit(depth, f"{a} = g if type(g) is dict else g.{extractor.name}")
            self.emit(depth, f"if {a} is None: {a} = {self.value(NOT_IN_KNOWLEDGE)}")
            self.emit(depth, f"{target} = {a}")
        else:
            self.emit(
                depth, f"{a} = {target} = {f}(c, x)" if fact.of else f"{a} = {target} = {f}(c)"
            )
