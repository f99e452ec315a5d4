"""A rule, or all rules of a group together, as one function of generated code.

`compile_rule` gives `(c, F, x, E) -> outcome`: context, the event's facts, element, the element's
facts. `compile_group` gives `(c, F, x, E, told) -> silent`: the rules that must be looked at for
every element, in one function, so that they share what they read; silent rules are bits of the
returned number, every other outcome is appended to `told` with its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from msgspec import UNSET

from knowledge_base import KnowledgeBase
from rules import truth
from rules.codegen import Constant, Source, emit_condition
from rules.constants import members_of, number_for, parameter_values
from rules.facts.items import find_drug
from rules.facts.read import absent, text
from rules.model import AllOf, AnyOf, Condition, Literal, ParameterOperand, Rule

NOT_APPLICABLE: Final = 0
SILENT: Final = 1
ALERT: Final = 2
UNVERIFIED: Final = 3
EXEMPT: Final = 4
NOT_EVALUABLE: Final = 5
UNDETERMINED: Final = 6

Run = Callable[..., Any]
Leave = Callable[[int], str]
"""From an outcome to the statements that end a rule with it."""

_NAMESPACE: Final[dict[str, Any]] = {
    "UNSET": UNSET,
    "absent": absent,
    "text": text,
    "find_drug": find_drug,
    **{
        name: getattr(truth, name)
        for name in (
            "exists", "exists_not", "any_in", "none_in", "all_in", "in_list", "not_in_list",
            "any_in_list", "none_in_list", "all_in_list", "amount_in", "key_word",
        )
    },
}  # fmt: skip


def constant_value(constant: Constant, knowledge: KnowledgeBase, day: date) -> Any:
    """What a constant is in the epoch that begins with `day`; None where it is not known."""
    operand, fact = constant.operand, constant.fact
    if isinstance(operand, Literal):
        return operand.value
    if isinstance(operand, ParameterOperand):
        if constant.kind == "unit":
            parameter = knowledge.parameter(operand.parameter)
            return parameter.unit if parameter is not None else ""
        rows = parameter_values(operand, knowledge, day)
        values = {key: number_for(fact, row.value) for key, row in rows.items()}
        return values if constant.kind == "rows" else values.get(())
    members = members_of(operand, knowledge, day)
    if members is None:
        return None
    return members.codes if constant.kind == "codes" else members.contains


class Compiled:
    """A function of generated code that still waits for the constants of an epoch."""

    def __init__(self, source: Source, extra: Sequence[str] = ()) -> None:
        self.constants = tuple(source.constants)
        self.extractors = tuple(source.extractors.values())
        names = [f"f{i}" for i in range(len(self.extractors))]
        names += [f"k{i}" for i in range(len(self.constants))]
        names += [f"r{i}" for i in range(len(extra))]
        arguments = ", ".join(["c", "F", "x", "E", *(["told"] if extra else [])])
        lines = [f"def make({', '.join(names)}):", f"    def run({arguments}):"]
        if source.each:
            lines.append("        o = x.of")
        lines += [f"        {line}" for line in source.lines]
        lines.append("    return run")
        self.text = "\n".join(lines)
        namespace = dict(_NAMESPACE)
        # The text is built from our own templates and repr of constants, see rules.codegen.
        exec(compile(self.text, "<rules>", "exec"), namespace)
        self._make: Callable[..., Run] = namespace["make"]

    def bind(self, knowledge: KnowledgeBase, day: date, extra: Sequence[Any] = ()) -> Run:
        """The function as of the epoch that begins with `day`."""
        values = [constant_value(constant, knowledge, day) for constant in self.constants]
        return self._make(*self.extractors, *values, *extra)


def compile_condition(tree: Condition, each: str, family: str) -> Compiled:
    """A function that returns the truth of a tree."""
    s = Source(each, family)
    emit_condition(s, tree, "t", 0, set())
    s.emit(0, "return t")
    return Compiled(s)


def compile_rule(rule: Rule, family: str) -> Compiled:
    """A function that returns the outcome of a rule, as the design's table says."""
    s = Source(rule.each, family)
    _emit_rule(s, rule, 0, set(), lambda outcome: f"return {outcome}")
    return Compiled(s)


def compile_group(rules: Sequence[Rule], each: str, family: str) -> Compiled:
    """A function that decides several rules of one list of elements."""
    s = Source(each, family, fresh="E" if each else "F")
    s.emit(0, "s = 0")
    bound: set[str] = set()
    for number, rule in enumerate(rules):
        # A loop that never turns: `break` leaves one rule for the next.
        s.emit(0, "while True:")
        _emit_rule(s, rule, 1, bound, _leave_of_group(number))
    s.emit(0, "return s")
    return Compiled(s, extra=[rule.id for rule in rules] or ["none"])


def _leave_of_group(number: int) -> Leave:
    def leave(outcome: int) -> str:
        if outcome == NOT_APPLICABLE:
            return "break"
        if outcome == SILENT:
            return f"s |= {1 << number}; break"
        return f"told.append(({outcome}, r{number})); break"

    return leave


def _emit_rule(s: Source, rule: Rule, depth: int, outer: set[str], leave: Leave) -> None:
    """Emit a rule. What its first condition reads is surely read, and stays bound in `outer`."""
    bound = _emit_conjunction(s, rule.scope, depth, outer, leave, NOT_APPLICABLE, "u")
    if rule.scope != AllOf(()):
        s.emit(depth, f"if u: {leave(UNDETERMINED)}")
        bound = _emit_conjunction(s, rule.when, depth, bound, leave, SILENT, "u")
    else:
        bound = _emit_conjunction(s, rule.when, depth, outer, leave, SILENT, "u")
    if rule.unless == AnyOf(()):
        s.emit(depth, f"if u: {leave(NOT_EVALUABLE)}")
        s.emit(depth, leave(ALERT))
        return
    emit_condition(s, rule.unless, "e", depth, bound)
    s.emit(depth, f"if e is True: {leave(EXEMPT)}")
    s.emit(depth, f"if u: {leave(NOT_EVALUABLE)}")
    s.emit(depth, f"if e is False: {leave(ALERT)}")
    s.emit(depth, leave(UNVERIFIED))


def _emit_conjunction(
    s: Source, tree: Condition, depth: int, outer: set[str], leave: Leave, if_false: int, flag: str
) -> set[str]:
    """Emit a tree at the top: leave with an outcome once it is false, else flag the unknown.

    Returns what is surely read after it, if it is not left.
    """
    children = tree.conditions if isinstance(tree, AllOf) else (tree,)
    bound = outer
    for number, child in enumerate(children):
        target = flag if number == 0 else "t"
        emit_condition(s, child, target, depth, bound)
        s.emit(depth, f"if {target} is False: {leave(if_false)}")
        # From here on the code may be left: what is read later is not surely read by others.
        bound = set(bound)
        if number == 0:
            s.emit(depth, f"{flag} = {flag} is None")
        else:
            s.emit(depth, f"if t is None: {flag} = True")
    if not children:
        s.emit(depth, f"{flag} = False")
    return bound
