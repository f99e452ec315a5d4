"""A rule, or all rules of a group together, as one function of generated code.

`compile_rule` gives `(c, F, x, E) -> outcome`: context, the event's facts, element, the element's
facts. `compile_group` gives `(c, F, x, E, told) -> silent`: the rules that must be looked at for
every element, in one function, so that they share what they read; silent rules are bits of the
returned number, every other outcome is appended to `told` with its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final, Protocol

from msgspec import UNSET

from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from rules.engine import timing, truth
from rules.engine.codegen import emit_condition, emit_guard
from rules.engine.constants import members_of, parameter_values, value_for
from rules.engine.index import Anchor, Table, is_mixed
from rules.engine.messages import PLACEHOLDER, THRESHOLD, show
from rules.engine.source import Constant, Source
from rules.engine.truth import prefix_matcher
from rules.facts import Type
from rules.facts.items import find_drug
from rules.facts.read import absent, other_word, text
from rules.facts.records import some
from rules.model import (
    ALWAYS,
    AllOf,
    AnyOf,
    Condition,
    Literal,
    Operand,
    ParameterOperand,
    QuantityOperand,
    Rule,
    Some,
    Test,
    leaves_of,
)

NOT_APPLICABLE: Final = 0
SILENT: Final = 1
ALERT: Final = 2
UNVERIFIED: Final = 3
EXEMPT: Final = 4
NOT_EVALUABLE: Final = 5
UNDETERMINED: Final = 6


class Member(Protocol):
    """A rule of a group, with its anchor on the days that the code is for."""

    @property
    def rule(self) -> Rule: ...

    @property
    def anchor(self) -> Anchor | None: ...


Run = Callable[..., Any]
Leave = Callable[[int], str]
"""From an outcome to the statements that end a rule with it."""

_NAMESPACE: Final[dict[str, Any]] = {
    "UNSET": UNSET,
    "absent": absent,
    "text": text,
    "other_word": other_word,
    "find_drug": find_drug,
    "show": show,
    **{
        name: getattr(truth, name)
        for name in (
            "exists", "exists_not", "any_in", "none_in", "all_in", "in_list", "not_in_list",
            "any_in_list", "none_in_list", "all_in_list", "amount_in", "key_word",
        )
    },
    **{name: getattr(timing, name) for name in ("shifted", "is_stale", "interval", "overlap")},
    "some": some,
}  # fmt: skip


def _resolver(knowledge: KnowledgeBase, day: date) -> Callable[[Constant], Any]:
    """What constants are in the epoch that begins with `day`."""
    return lambda constant: _constant_value(constant, knowledge, day)


def _constant_value(constant: Constant, knowledge: KnowledgeBase, day: date) -> Any:
    operand, fact = constant.operand, constant.fact
    if constant.kind == "unit":
        return _unit_of(operand, knowledge)
    if isinstance(operand, Literal):
        return timedelta(0) if fact.type is Type.DURATION else operand.value
    if isinstance(operand, QuantityOperand):
        return value_for(fact, operand.value, operand.unit)
    if isinstance(operand, ParameterOperand):
        rows = parameter_values(operand, knowledge, day)
        values = {key: value_for(fact, row.value, row.unit) for key, row in rows.items()}
        return values if constant.kind == "rows" else values.get(())
    members = members_of(operand, knowledge, day)
    if members is None:
        return None
    return getattr(members, constant.kind)


def _unit_of(operand: Operand, knowledge: KnowledgeBase) -> str:
    """The unit in which an operand is given; "" where it has none of its own."""
    if isinstance(operand, QuantityOperand):
        return operand.unit
    if not isinstance(operand, ParameterOperand):
        return ""
    parameter = knowledge.parameter(operand.parameter)
    return parameter.unit if parameter is not None else ""


def _source(each: str, family: str, knowledge: KnowledgeBase, day: date, fresh: str = "") -> Source:
    def inner(some: Some) -> Run:
        return compile_condition(some.where, some.each, family, knowledge, day)

    return Source(each, family, _resolver(knowledge, day), inner, fresh)


def _made(s: Source, fifth: str = "", extra: Sequence[Any] = ()) -> Run:
    """The function of a source; `fifth` names a further argument, `extra` are r0, r1 …"""
    # Values are globals of the function: as closure cells each would be copied at every call.
    namespace = dict(_NAMESPACE)
    for letter, values in (("f", s.extractors.values()), ("k", s.constants), ("r", extra)):
        namespace.update((f"{letter}{n}", value) for n, value in enumerate(values))
    arguments = ", ".join(["c", "F", "x", "E", *([fifth] if fifth else [])])
    lines = [f"def run({arguments}):"]
    if s.each:
        lines.append("    o = x.of")
    lines += [f"    {line}" for line in s.lines]
    # The text is built from our own templates and repr of constants, see rules.engine.source.
    exec(compile("\n".join(lines), "<rules>", "exec"), namespace)
    made: Run = namespace["run"]
    return made


def compile_condition(
    tree: Condition, each: str, family: str, knowledge: KnowledgeBase, day: date
) -> Run:
    """A function that returns the truth of a tree in the epoch that begins with `day`."""
    s = _source(each, family, knowledge, day)
    emit_condition(s, tree, "t", 0, set())
    s.emit(0, "return t")
    return _made(s)


def compile_rule(rule: Rule, family: str, knowledge: KnowledgeBase, day: date) -> Run:
    """A function that returns the outcome of a rule, as the design's table says."""
    s = _source(rule.each, family, knowledge, day)
    _emit_rule(s, rule, 0, set(), lambda outcome: f"return {outcome}")
    return _made(s)


def compile_told(rule: Rule, message: Names, key: tuple[str, ...], family: str) -> Run:
    """A function `(c, F, x, E, threshold) -> (facts, key, Chinese, English)` of a finding."""
    s = Source(rule.each, family, lambda constant: None)
    bound: set[str] = set()
    tests = [test for tree in (rule.scope, rule.when, rule.unless) for test in leaves_of(tree)]
    times = [s.fact(test.fact).time for test in tests if test.fresh_within is not None]
    names = dict.fromkeys([*rule.facts(), *times])
    facts = {name: s.fetch(s.fact(name), 0, bound) for name in names}
    pairs = ", ".join(f"{name!r}: {a}" for name, a in facts.items())
    parts = [s.fetch(s.fact(name), 0, bound) for name in key]
    group = " + '|' + ".join(
        f"('+'.join({a}) if type({a}) is tuple else {_shown(a, 'en')})" for a in parts
    )
    zh, en = (_message(s, getattr(message, lang), lang, bound) for lang in ("zh", "en"))
    s.emit(0, f"return {{{pairs}}}, {group or repr(rule.id)}, {zh}, {en}")
    return _made(s, "h")


def _message(s: Source, text: str, language: str, bound: set[str]) -> str:
    """The expression of a message."""
    parts: list[str] = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(repr(text[at : match.start()]))
        at = match.end()
        name = match.group(1)
        if name == THRESHOLD:
            parts.append(_shown("h", language))
            continue
        fact = s.fact(name)
        if language == "en" and fact.english is not None:
            parts.append(f"show({s.value(fact.english)}(c, x), 'en')")
        else:
            parts.append(_shown(s.fetch(fact, 0, bound), language))
    parts.append(repr(text[at:]))
    return " + ".join(part for part in parts if part != "''") or "''"


def _shown(a: str, language: str) -> str:
    return f"({a} if type({a}) is str else show({a}, {language!r}))"


def compile_hit(
    members: Sequence[Member], each: str, family: str, knowledge: KnowledgeBase, day: date
) -> Run:
    """The same as `compile_group` for rules whose anchors are proven: they are not asked again."""
    s = _source(each, family, knowledge, day)
    s.emit(0, "s = 0")
    bound: set[str] = set()
    for number, member in enumerate(members):
        s.emit(0, "while True:")
        proven = member.anchor.proves if member.anchor is not None else None
        _emit_rule(s, member.rule, 1, bound, _leave_of_group(number), proven)
    s.emit(0, "return s")
    return _made(s, "told", members)


def compile_look(tables: Sequence[Table[Any, Any]], each: str, family: str) -> Run:
    """A function `(c, F, x, E) -> bunches` that an index's tables bring for an element."""
    s = Source(each, family, lambda constant: None)
    s.emit(0, "found = []")
    bound: set[str] = set()
    for table in tables:
        fact = table.fact
        a = s.fetch(fact, 0, bound)
        s.emit(0, f"if type({a}) is dict: found.append({s.value(table.everything)})")
        inner = set(bound)
        if table.knows:
            # A code that is known asks nothing; of others no code set says that it lacks them.
            s.emit(0, "else:")
            foreign = s.is_foreign(fact, 1, inner)
            s.emit(1, f"if {foreign}: found.append({s.value(table.of_foreign)}({a}))")
            s.emit(1, "else:")
            s.emit(2, f"h = {_looked_up(s, table, a)}")
            s.emit(2, "if h is not None: found.append(h)")
        else:
            s.emit(0, "else:")
            s.emit(1, f"h = {_looked_up(s, table, a)}")
            s.emit(1, "if h is not None: found.append(h)")
    s.emit(0, "return found")
    return _made(s)


def _looked_up(s: Source, table: Table[Any, Any], a: str) -> str:
    """What stands under a value that is plainly known."""
    get, many = s.value(table.by_value.get), s.value(table.of_many)
    if table.is_list:
        one = f"{a}[0]"
        few = f"len({a}) == 1"
    else:
        one, few, many = a, "True", ""
    if table.is_mixed or len(table.prefixes) > 1:
        return f"{s.value(table.of_many)}({a if table.is_list else f'({a},)'})"
    if table.prefixes:
        one = f"{one}[:{table.prefixes[0]}]"
    return f"{get}({one}) if {few} else {many}({a})" if many else f"{get}({one})"


def compile_group(
    members: Sequence[Member], each: str, family: str, knowledge: KnowledgeBase, day: date
) -> Run:
    """A function that decides several rules of one list of elements.

    Rules that are anchored in one fact stand behind one look at it.
    """
    s = _source(each, family, knowledge, day, "E" if each else "F")
    s.emit(0, "s = 0")
    bound: set[str] = set()
    by_fact: dict[str, list[int]] = {}
    for number, member in enumerate(members):
        name = member.anchor.fact.name if member.anchor is not None else ""
        by_fact.setdefault(name, []).append(number)
    for name, numbers in by_fact.items():
        depth, inner = 0, bound
        if name and len(numbers) > 1:
            anchors = [a for n in numbers if (a := members[n].anchor) is not None]
            _emit_gate(s, anchors, bound)
            depth, inner = 1, set(bound)
        for number in numbers:
            # A loop that never turns: `break` leaves one rule for the next.
            s.emit(depth, "while True:")
            rule = members[number].rule
            _emit_rule(s, rule, depth + 1, inner, _leave_of_group(number))
    s.emit(0, "return s")
    return _made(s, "told", members)


def _emit_gate(s: Source, anchors: Sequence[Anchor], bound: set[str]) -> None:
    """Emit the look that spares rules whose anchor's value is not among those they ask for."""
    fact = anchors[0].fact
    a = s.fetch(fact, 0, bound)
    codes = frozenset().union(*(anchor.values for anchor in anchors))
    sizes = sorted({size for anchor in anchors for size in anchor.prefixes})
    if sizes:
        contains = s.value(prefix_matcher(codes, sizes, whole=is_mixed(anchors)))
        passes = f"any_in({a}, {contains})" if fact.type is Type.LIST else f"{contains}({a})"
    elif fact.type is Type.LIST:
        passes = f"not {s.value(codes)}.isdisjoint({a})"
    else:
        passes = f"{a} in {s.value(codes)}"
    knows = fact.in_knowledge
    if knows is not None and any(anchor.is_open for anchor in anchors):
        passes += f" or not {s.value(knows)}(c, x)"
    s.emit(0, f"if type({a}) is dict or {passes}:")


def _leave_of_group(number: int) -> Leave:
    def leave(outcome: int) -> str:
        if outcome == NOT_APPLICABLE:
            return "break"
        if outcome == SILENT:
            return f"s |= {1 << number}; break"
        return f"told.append(({outcome}, r{number})); break"

    return leave


def _emit_rule(
    s: Source,
    rule: Rule,
    depth: int,
    outer: set[str],
    leave: Leave,
    proven: Test | None = None,
) -> None:
    """Emit a rule. What its first condition reads is surely read, and stays bound in `outer`.

    `proven` is a condition of the scope that is known to be true.
    """
    is_sure = rule.unless == AnyOf(())
    undetermined, unevaluable = leave(UNDETERMINED), leave(NOT_EVALUABLE) if is_sure else ""
    scope = rule.scope if proven is None else _without(rule.scope, proven)
    bound = _emit_all(s, scope, depth, outer, leave(NOT_APPLICABLE), undetermined)
    bound = _emit_all(s, rule.when, depth, bound, leave(SILENT), unevaluable)
    if is_sure:
        s.emit(depth, leave(ALERT))
        return
    emit_condition(s, rule.unless, "e", depth, bound)
    s.emit(depth, f"if e is True: {leave(EXEMPT)}")
    s.emit(depth, f"if u: {leave(NOT_EVALUABLE)}")
    s.emit(depth, f"if e is False: {leave(ALERT)}")
    s.emit(depth, leave(UNVERIFIED))


def _without(tree: Condition, proven: Test) -> Condition:
    """A tree with one condition that is true left out."""
    if tree is proven:
        return ALWAYS
    if not isinstance(tree, AllOf):
        return tree
    return AllOf(tuple(_without(child, proven) for child in tree.conditions if child is not proven))


def _emit_all(
    s: Source, tree: Condition, depth: int, outer: set[str], if_false: str, if_unknown: str
) -> set[str]:
    """Emit a tree at the top: leave once it is false; leave, or flag it in `u`, if it is unknown.

    Returns what is surely read after it, if it is not left.
    """
    children = tree.conditions if isinstance(tree, AllOf) else (tree,)
    leaves_at_once = len(children) == 1 and bool(if_unknown)
    if not leaves_at_once and (children or not if_unknown):
        s.emit(depth, "u = False")
    bound = outer
    for child in children:
        emit_guard(s, child, depth, bound, if_false, if_unknown if leaves_at_once else "u = True")
        # From here on the code may be left: what is read later is not surely read by others.
        bound = set(bound)
    if if_unknown and len(children) > 1:
        s.emit(depth, f"if u: {if_unknown}")
    return bound
