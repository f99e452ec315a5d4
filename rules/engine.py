"""A rule made ready for one event family and one epoch, and the plan of an event type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from contracts.acts import phase_of
from contracts.decision import Citation, Finding, Missing, Threshold, Words
from contracts.event import EVENT_TYPES
from contracts.identity import EventKey, alert_id
from knowledge_base import KnowledgeBase
from rules import compiler, logic, words
from rules.constants import members_of, threshold_of
from rules.facts import Fact, fact_of
from rules.facts.base import Context, Element, Value
from rules.index import Index, anchor_of
from rules.logic import Truth
from rules.messages import show, template
from rules.model import (
    AllOf,
    CodeSetOperand,
    Condition,
    FindingSpec,
    Not,
    ParameterOperand,
    Rule,
    Test,
    facts_of_test,
    leaves_of,
    parameters_of,
)
from rules.truth import key_word

CAPPED_RESULT = "suspected"
CAPPED_ACTION = "require_reason"


def fact_value(fact: Fact, family: str, c: Context, x: Element | None) -> Value:
    """The value of a fact, read at most once."""
    if fact.of and x is not None:
        value = x.facts.get(fact.name)
        if value is None:
            value = x.facts[fact.name] = fact.extractors[family](c, x)
        return value
    value = c.facts.get(fact.name)
    if value is None:
        value = c.facts[fact.name] = fact.extractors[family](c)
    return value


class Ready:
    """One rule for one event type on the days of one epoch."""

    def __init__(
        self, rule: Rule, event_type: str, shown: str, order: int, knowledge: KnowledgeBase,
        day: date,
    ) -> None:  # fmt: skip
        known = EVENT_TYPES[event_type]
        self.rule = rule
        self.id = rule.id
        self.version = rule.version
        self.order = order
        self.family = known.family
        self.run: compiler.Run = self._first_run
        self.anchor = anchor_of(rule, knowledge, day)
        self._knowledge = knowledge
        self._day = day
        self._shown = shown
        self._spec = rule.finding.in_phase(phase_of(known.verb))
        self.reminded = self._spec.audience if rule.if_unknown == "remind" else ()
        self._facts = [self._fact(name) for name in rule.facts()]
        self._tests: dict[Test, Any] = {}
        self._told: _Told | None = None

    def _first_run(self, c: Context, F: Any, x: Element | None, E: Any) -> Any:
        """Compiled when it is first looked at: most rules of a big pack never are."""
        compiled = compiler.compile_rule(self.rule, self.family)
        self.run = compiled.bind(self._knowledge, self._day)
        return self.run(c, F, x, E)

    def _fact(self, name: str) -> Fact:
        fact = fact_of(name, self.rule.each)
        if fact is None:
            raise ValueError(f"no fact {name}")
        return fact

    # What follows is for outcomes that are told; the silent majority never comes here.

    def truth(self, tree: Condition, c: Context, x: Element | None) -> Truth:
        """The truth of a tree, condition by condition."""
        if isinstance(tree, Test):
            run = self._tests.get(tree)
            if run is None:
                compiled = compiler.compile_condition(tree, self.rule.each, self.family)
                run = self._tests[tree] = compiled.bind(self._knowledge, self._day)
            found: Truth = run(c, c.facts, x, x.facts if x is not None else c.facts)
            return found
        if isinstance(tree, Not):
            return logic.negate(self.truth(tree.condition, c, x))
        truths = [self.truth(child, c, x) for child in tree.conditions]
        return logic.all_of(truths) if isinstance(tree, AllOf) else logic.any_of(truths)

    def missing(self, tree: Condition, c: Context, x: Element | None) -> tuple[Missing, ...]:
        """What makes a tree unknown: the inputs of its unknown conditions, each once."""
        found: dict[tuple[str, str], None] = {}
        self._collect(tree, c, x, found)
        return tuple(Missing(fact=fact, why=why) for fact, why in found)

    def _collect(
        self, tree: Condition, c: Context, x: Element | None, found: dict[tuple[str, str], None]
    ) -> None:
        if self.truth(tree, c, x) is not None:
            return
        if isinstance(tree, Test):
            found.update(dict.fromkeys(self._inputs(tree, c, x)))
        elif isinstance(tree, Not):
            self._collect(tree.condition, c, x, found)
        else:
            for child in tree.conditions:
                self._collect(child, c, x, found)

    def _inputs(self, test: Test, c: Context, x: Element | None) -> list[tuple[str, str]]:
        """The inputs of one condition that are not plainly known, and why."""
        found: list[tuple[str, str]] = []
        for name in facts_of_test(test):
            value = fact_value(self._fact(name), self.family, c, x)
            if type(value) is dict:
                found.append((name, value.get("unknown", "partial_list")))
        for operand in test.operands:
            if isinstance(operand, CodeSetOperand):
                if members_of(operand, self._knowledge, self._day) is None:
                    found.append((f"codeset:{operand.codeset}", "not_in_knowledge"))
            elif isinstance(operand, ParameterOperand):
                has_key = all(self._is_known(name, c, x) for name in operand.by)
                if has_key and self._row(operand, c, x) is None:
                    found.append((operand.missing_name, "not_in_knowledge"))
        return found or [(test.fact, "unit")]

    def _is_known(self, name: str, c: Context, x: Element | None) -> bool:
        return type(fact_value(self._fact(name), self.family, c, x)) is not dict

    def _row(self, operand: ParameterOperand, c: Context, x: Element | None) -> Any:
        """The value of a parameter for this element on this day, or None."""
        key = []
        for name in operand.by:
            value = fact_value(self._fact(name), self.family, c, x)
            if type(value) is dict:
                return None
            key.append(key_word(value))
        parameter = self._knowledge.parameter(operand.parameter)
        return parameter.at(self._day, tuple(key)) if parameter is not None else None

    def told(self) -> _Told:
        """The constant parts of its findings."""
        if self._told is None:
            self._told = _Told(self.rule, self._spec, self.family)
        return self._told

    def finding(self, key: EventKey, c: Context, x: Element | None, is_unverified: bool) -> Finding:
        """The finding, complete in itself."""
        told = self.told()
        facts = {fact.name: fact_value(fact, self.family, c, x) for fact in self._facts}
        thresholds = {
            operand: threshold_of(operand.parameter, row)
            for operand in told.parameters
            if (row := self._row(operand, c, x)) is not None
        }
        shown = self._threshold(told, thresholds, c, x)
        element = x.id if x is not None else ""
        unverified: tuple[str, ...] = ()
        if is_unverified:
            missing = self.missing(self.rule.unless, c, x)
            unverified = tuple(dict.fromkeys(m.fact for m in missing))
        return Finding(
            alert_id=alert_id(key, "event", self.id, self.version, element),
            rule_id=self.id,
            rule_version=self.version,
            rule_status=self._shown,
            element=element,
            result=told.capped_result if is_unverified else told.result,
            severity=told.severity,
            action=told.capped_action if is_unverified else told.action,
            audience=told.audience,
            key=self._key(c, x),
            title=told.title,
            message=Words(zh=told.zh(c, x, shown), en=told.en(c, x, shown)),
            facts=facts,
            thresholds=tuple(thresholds.values()),
            evidence=told.evidence,
            suggest=told.suggest,
            exemption_unverified=unverified,
        )

    def _threshold(
        self, told: _Told, found: dict[ParameterOperand, Threshold], c: Context, x: Element | None
    ) -> Any:
        """What {threshold} shows: the limits of the first true condition that has any."""
        if not found:
            return ""
        if len(told.parameters) > 1:
            for test in told.limits:
                if self.truth(test, c, x) is True:
                    limits = [found[o] for o in parameters_of(test) if o in found]
                    return " – ".join(show(limit.value, "en") for limit in limits)
        return next(iter(found.values())).value

    def _key(self, c: Context, x: Element | None) -> str:
        names = self.rule.finding.key
        if not names:
            return self.id
        values = [fact_value(self._fact(name), self.family, c, x) for name in names]
        return "|".join("+".join(v) if type(v) is tuple else show(v, "en") for v in values)


class _Told:
    """The parts of a rule's finding that do not depend on the event."""

    def __init__(self, rule: Rule, spec: FindingSpec, family: str) -> None:
        self.result = spec.result
        self.severity = spec.severity
        self.action = spec.action
        self.capped_result = _later(spec.result, CAPPED_RESULT, words.RESULTS)
        self.capped_action = _later(spec.action, CAPPED_ACTION, words.ACTIONS)
        self.audience = spec.audience
        self.title = Words(zh=rule.title.zh, en=rule.title.en)
        self.zh = template(spec.message.zh, rule.each, family, "zh")
        self.en = template(spec.message.en, rule.each, family, "en")
        self.evidence = tuple(Citation(source=e.source, locator=e.locator) for e in rule.evidence)
        self.suggest = tuple({verb: what} for verb, what in spec.suggest)
        trees = (rule.when, rule.scope, rule.unless)
        self.parameters = tuple(dict.fromkeys(o for tree in trees for o in parameters_of(tree)))
        self.limits = tuple(t for tree in trees for t in leaves_of(tree) if parameters_of(t))


def _later(word: str, cap: str, ordered: tuple[str, ...]) -> str:
    """The weaker of two words; the vocabulary goes from strong to weak."""
    return word if ordered.index(word) >= ordered.index(cap) else cap


class Group:
    """The rules of one list of elements (or of the event), ready to run."""

    __slots__ = ("_fragments", "everything", "hits", "is_indexed", "looked_at", "rest", "run")

    def __init__(
        self, rules: Sequence[Ready], each: str, family: str, few: int,
        knowledge: KnowledgeBase, day: date,
    ) -> None:  # fmt: skip
        index = Index(family, [(ready.anchor, ready) for ready in rules], few)
        self.everything = index.everything
        self.rest = index.rest
        self.is_indexed = bool(index.tables)
        self.hits = index.hits
        self.looked_at = len(index.rest)
        compiled = compiler.compile_group([r.rule for r in index.rest], each, family)
        self.run = compiled.bind(knowledge, day, index.rest or (None,))
        """Decides `rest`, see rules.compiler.compile_group."""
        self._fragments: dict[int, dict[str, int]] = {}

    def versions(self, silent: int) -> dict[str, int]:
        """Ids and versions of the rules of `rest` whose bits are set. Not to be changed."""
        found = self._fragments.get(silent)
        if found is None:
            chosen = [ready for n, ready in enumerate(self.rest) if silent >> n & 1]
            found = {ready.id: ready.version for ready in chosen}
            if len(self._fragments) < _MAX_FRAGMENTS:
                self._fragments[silent] = found
        return found


_MAX_FRAGMENTS: Final = 4096


@dataclass(frozen=True)
class Plan:
    """What is done with one event type on the days of one epoch. None: there are no rules."""

    family: str
    phase: str
    of_event: Group | None
    of_items: Group | None
    of_lists: tuple[tuple[str, Group], ...]
    """The other lists, by what `each` names."""
