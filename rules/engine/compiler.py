"""Functions of generated code: a condition, a rule, and the look into an index.

All take `(c, F, x, E)`: context, the event's facts, element, the element's facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from sys import intern
from types import CodeType, FunctionType
from typing import Any, Final

from msgspec import UNSET

from knowledge_base import KnowledgeBase
from knowledge_base.model import Names
from rules import words
from rules.engine import timing, truth
from rules.engine.codegen import emit_condition
from rules.engine.constants import resolver
from rules.engine.index import Table
from rules.engine.messages import NAMED_THRESHOLD, PLACEHOLDER, THRESHOLD, show
from rules.engine.past import Past, counted, name_of
from rules.engine.rule_code import emit_rule
from rules.engine.source import Source
from rules.facts import Type
from rules.facts.items import find_drug, find_entry
from rules.facts.read import absent, other_word, text
from rules.facts.records import some
from rules.facts.vocabulary import chinese_words, in_chinese
from rules.model import (
    Condition,
    History,
    Rule,
    Some,
    histories_of,
    leaves_of,
)

Run = Callable[..., Any]
_BITS: Final = {1 << n: 1 << n for n in range(64)}
_NAMESPACE: Final[dict[str, Any]] = {
    "UNSET": UNSET,
    "absent": absent,
    "text": text,
    "other_word": other_word,
    "find_drug": find_drug,
    "find_entry": find_entry,
    "show": show,
    "in_chinese": in_chinese,
    **{
        name: getattr(truth, name)
        for name in (
            "exists", "exists_not", "any_in", "none_in", "all_in", "in_list", "not_in_list",
            "any_in_list", "none_in_list", "all_in_list", "amount_in", "key_word",
        )
    },
    **{name: getattr(timing, name) for name in ("shifted", "is_not_fresh", "interval", "overlap")},
    "some": some,
    "counted": counted,
}  # fmt: skip


def source_of(
    each: str, family: str, knowledge: KnowledgeBase, day: date, fresh: str = ""
) -> Source:
    def inner(some: Some) -> Run:
        return compile_condition(some.where, some.each, family, knowledge, day)

    def past(history: History) -> Run:
        return Past(history, each, family, knowledge, day, compile_condition).truth

    return Source(each, family, resolver(knowledge, day), inner, fresh, past)


def made(s: Source, fifth: str = "", extra: Sequence[Any] = ()) -> Run:
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
    module = compile("\n".join(lines), "<rules>", "exec")
    (code,) = (const for const in module.co_consts if isinstance(const, CodeType))
    # A pack has a thousand such functions: what they have in common is kept once, so that more
    # of them stay in the processor's cache.
    code = code.replace(co_consts=tuple(map(_shared, code.co_consts)))
    return FunctionType(
        code, {name: namespace[name] for name in code.co_names if name in namespace}
    )


def _shared(const: Any) -> Any:
    """The same constant, as one object for all functions: names of facts, and single bits."""
    if type(const) is str:
        return intern(const)
    return _BITS.get(const, const) if type(const) is int else const


def compile_condition(
    tree: Condition, each: str, family: str, knowledge: KnowledgeBase, day: date
) -> Run:
    """A function that returns the truth of a tree in the epoch that begins with `day`."""
    s = source_of(each, family, knowledge, day)
    emit_condition(s, tree, "t", 0, set())
    s.emit(0, "return t")
    return made(s)


def compile_rule(rule: Rule, family: str, knowledge: KnowledgeBase, day: date) -> Run:
    """A function that returns the outcome of a rule, as the design's table says."""
    s = source_of(rule.each, family, knowledge, day)
    emit_rule(s, rule, 0, set(), lambda outcome: f"return {outcome}")
    return made(s)


def compile_told(rule: Rule, message: Names, key: tuple[str, ...], family: str) -> Run:
    """A function `(c, F, x, E, thresholds) -> (facts, key, Chinese, English)` of a finding.

    `thresholds` has a value for every placeholder of the message that shows a limit.
    """
    s = Source(rule.each, family, lambda constant: None)
    bound: set[str] = set()
    tests = [test for tree in (rule.scope, rule.when, rule.unless) for test in leaves_of(tree)]
    times = [s.fact(test.fact).time for test in tests if test.fresh_within is not None]
    names = dict.fromkeys([*rule.facts(), *times])
    facts = {name: s.fetch(s.fact(name), 0, bound) for name in names}
    pairs = ", ".join(f"{name!r}: {a}" for name, a in facts.items())
    parts = [s.fetch(s.fact(name), 0, bound) for name in key]
    past = next((name_of(one) for one in histories_of(rule.when)), "")
    group = " + '|' + ".join(
        f"('+'.join({a}) if type({a}) is tuple else {_shown(a, 'en')})" for a in parts
    )
    zh, en = (_message(s, getattr(message, lang), lang, bound, past) for lang in ("zh", "en"))
    s.emit(0, f"return {{{pairs}}}, {group or repr(rule.id)}, {zh}, {en}")
    return made(s, "h")


def _message(s: Source, text: str, language: str, bound: set[str], past: str) -> str:
    """The expression of a message; `past` names the value that {history} shows."""
    parts: list[str] = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(repr(text[at : match.start()]))
        at = match.end()
        name = match.group(1)
        if name == THRESHOLD or name.startswith(NAMED_THRESHOLD):
            parts.append(_shown(f"h[{name!r}]", language))
            continue
        if name == words.HISTORY:
            parts.append(f"counted(E, {past!r})")
            continue
        fact = s.fact(name)
        if language == "en" and fact.english is not None:
            parts.append(f"show({s.value(fact.english)}(c, x), 'en')")
        else:
            a = s.fetch(fact, 0, bound)
            is_time = fact.type in (Type.TIME, Type.INTERVAL)
            chinese = chinese_words(fact) if language == "zh" else {}
            if chinese:
                parts.append(f"show(in_chinese({a}, {s.value(chinese)}), 'zh')")
                continue
            parts.append(f"show({a}, {language!r}, c.zone)" if is_time else _shown(a, language))
    parts.append(repr(text[at:]))
    return " + ".join(part for part in parts if part != "''") or "''"


def _shown(a: str, language: str) -> str:
    return f"({a} if type({a}) is str else show({a}, {language!r}))"


def compile_look(
    tables: Sequence[Table[Any, Any]], each: str, family: str, known: dict[Any, Any], join: Run
) -> Run:
    """A function `(c, F, x, E) -> bunch` of all rules that an index brings for an element.

    What the tables bring is joined: `known` holds what was joined before, by the hits; where there
    is one table alone, by its hit.
    """
    s = Source(each, family, lambda constant: None)
    bound: set[str] = set()
    hits = [_emit_look(s, table, number, bound) for number, table in enumerate(tables)]
    key = hits[0] if len(hits) == 1 else f"({', '.join(hits)})"
    s.emit(0, f"return {s.value(known.get)}({key}) or {s.value(join)}({key})")
    return made(s)


def _emit_look(s: Source, table: Table[Any, Any], number: int, bound: set[str]) -> str:
    """Emit the look into one table; the name of what it brings, which is None for nothing."""
    fact, hit = table.fact, f"h{number}"
    a = s.fetch(fact, 0, bound)
    s.emit(0, f"if type({a}) is dict: {hit} = {s.value(table.everything)}")
    s.emit(0, "else:")
    looked_up = _looked_up(s, table, a)
    if table.knows:
        # A code that is known asks nothing; of others no code set says that it lacks them.
        foreign = s.is_foreign(fact, 1, set(bound))
        looked_up = f"{s.value(table.of_foreign)}({a}) if {foreign} else {looked_up}"
    s.emit(1, f"{hit} = {looked_up}")
    return hit


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
