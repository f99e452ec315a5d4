"""What a rule tells: findings, complete in themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contracts.decision import EMERGENCY, Citation, Finding, FoundPair, Threshold, Words
from contracts.identity import EventKey, alert_id
from knowledge_base.model import Names
from rules import words
from rules.engine import compiler
from rules.engine.constants import threshold_of, value_for
from rules.engine.delivery import REMIND, Repeats
from rules.engine.messages import NAMED_THRESHOLD, PLACEHOLDER, THRESHOLD, show
from rules.engine.money import Money
from rules.engine.past import name_of
from rules.engine.proposals import Suggestions
from rules.engine.reasons import Reasons
from rules.facts.base import Context, Element, Type
from rules.facts.pairs import Pair
from rules.facts.vocabulary import chinese_words, in_chinese
from rules.finding_model import FindingSpec
from rules.model import (
    Condition,
    History,
    Not,
    ParameterOperand,
    Rule,
    Some,
    Test,
    histories_of,
    leaves_of,
    limits_of,
    parameters_of,
    somes_of,
)

BLOCK: Final = "block"
CAPPED_RESULT: Final = "suspected"
CAPPED_ACTION: Final = "require_reason"
"""What a finding comes to at most while its exemption is not verified."""


_NOT_KNOWN: Final = {"unknown": "not_in_knowledge"}


def _is_limit(placeholder: str) -> bool:
    return placeholder == THRESHOLD or placeholder.startswith(NAMED_THRESHOLD)


class Told:
    """Makes the findings of one rule; what does not depend on the event is made once."""

    def __init__(self, rule: Rule, spec: FindingSpec, shown: str, reasons: Reasons) -> None:
        self._rule = rule
        self._spec = spec
        self._shown = shown
        self._reasons = reasons
        self._capped_result = _weaker(spec.result, CAPPED_RESULT, words.RESULTS)
        self._capped_action = _weaker(spec.action, CAPPED_ACTION, words.ACTIONS)
        self._title = Words(zh=rule.title.zh, en=rule.title.en)
        self._evidence = tuple(Citation(source=e.source, locator=e.locator) for e in rule.evidence)
        mapped = spec.severity_from
        self._severity_of = mapped.fact if mapped is not None else ""
        self._severities = dict(mapped.words) if mapped is not None else {}
        self._suggestions = Suggestions(spec.suggest, reasons)
        once = spec.once_within
        self._repeats = Repeats(rule, once, reasons) if once is not None else None
        self._money = Money(spec.amount, reasons) if spec.amount is not None else None
        trees = (rule.when, rule.scope, rule.unless)
        self._limits = tuple(one for tree in trees[:2] for one in _measured(tree, holds=True))
        self._compared = tuple(o for tree in trees for o in limits_of(tree))
        asked = [o for tree in trees for o in parameters_of(tree)]
        within = rule.expect.within if rule.expect is not None else None
        if isinstance(within, ParameterOperand):
            self._compared = (within, *self._compared)
            asked.insert(0, within)
        asked += [o for o in spec.operands if isinstance(o, ParameterOperand)]
        self._parameters = tuple(dict.fromkeys(asked))
        self._somes = tuple(some for tree in (rule.scope, rule.when) for some in somes_of(tree))
        self._pasts = tuple(name_of(one) for tree in trees for one in histories_of(tree))
        tests = [test for tree in trees for test in leaves_of(tree)]
        self._measured = {o: reasons.fact(t.fact) for t in tests for o in parameters_of(t)}
        self._known: dict[ParameterOperand, tuple[Any, Threshold, Any]] = {}
        texts = (spec.message.zh, spec.message.en)
        shown_names = (name for text in texts for name in PLACEHOLDER.findall(text))
        self._placeholders = tuple(dict.fromkeys(n for n in shown_names if _is_limit(n)))
        self._words = compiler.compile_told(rule, spec.message, spec.key, reasons.family)

    def finding(
        self, key: EventKey, c: Context, x: Element | None, is_unverified: bool,
        cause: str = "event",
    ) -> Finding:  # fmt: skip
        """The finding about an element, or about the event as a whole."""
        rule, spec, F = self._rule, self._spec, c.facts
        limits = self._thresholds(c, x) if self._parameters else {}
        told = self._told_limits(limits, c, x) if self._placeholders else {}
        facts, group, zh, en = self._words(c, F, x, F if x is None else x.facts, told)
        if self._somes:
            facts.update(self._reasons.witnesses(self._somes, c))
        if self._pasts:
            store = F if x is None else x.facts
            facts.update({name: store[name] for name in self._pasts if name in store})
        element = x.id if x is not None else ""
        unverified: tuple[str, ...] = ()
        if is_unverified:
            missing = self._reasons.missing(rule.unless, c, x)
            unverified = tuple(dict.fromkeys([lack.fact for lack in missing]))
        action = self._capped_action if is_unverified else spec.action
        delivery = None
        if self._repeats is not None and action == REMIND:
            delivery = self._repeats.delivery(c, x, facts)
        pair = x.of if x is not None and type(x.of) is Pair else None
        return Finding(
            alert_id=alert_id(key, cause, rule.id, rule.version, element),
            rule_id=rule.id,
            rule_version=rule.version,
            rule_status=self._shown,
            element=element,
            result=self._capped_result if is_unverified else spec.result,
            severity=self._severity(c, x) if self._severities else spec.severity,
            action=action,
            audience=spec.audience,
            key=group,
            title=self._title,
            message=Words(zh=zh, en=en),
            facts=facts,
            thresholds=tuple(limits.values()),
            evidence=self._evidence if pair is None else _with(self._evidence, pair),
            suggest=self._suggestions.told(c, x),
            exemption_unverified=unverified,
            release=EMERGENCY if action == BLOCK else None,
            amount=self._money.found(c, x) if self._money is not None else None,
            pair=None if pair is None else _found(pair),
            delivery=delivery,
        )

    def _severity(self, c: Context, x: Element | None) -> str:
        """What the table says; the strongest of the map where that is not known."""
        word = self._reasons.value(self._severity_of, c, x)
        usual = self._spec.severity
        return self._severities.get(word, usual) if type(word) is str else usual

    def _thresholds(self, c: Context, x: Element | None) -> dict[ParameterOperand, Threshold]:
        """The limits that the element was measured against, those of `when` first."""
        found: dict[ParameterOperand, Threshold] = {}
        for operand in self._parameters:
            known = self._known.get(operand)
            row = known[0] if known and not operand.by else self._reasons.row(operand, c, x)
            if row is None:
                continue
            if known is None or known[0] is not row:
                threshold = threshold_of(operand.parameter, row)
                known = self._known[operand] = (row, threshold, self._in_words(operand, threshold))
            found[operand] = known[1]
        return found

    def _told_limits(
        self, found: dict[ParameterOperand, Threshold], c: Context, x: Element | None
    ) -> dict[str, Any]:
        """What each placeholder of the message that shows a limit stands for."""
        told: dict[str, Any] = {}
        for name in self._placeholders:
            if name == THRESHOLD:
                told[name] = self._threshold(found, c, x)
            else:
                wanted = name.removeprefix(NAMED_THRESHOLD)
                one = next((o for o in found if o.parameter == wanted), None)
                told[name] = _NOT_KNOWN if one is None else self._known[one][2]
        return told

    def _threshold(
        self, found: dict[ParameterOperand, Threshold], c: Context, x: Element | None
    ) -> Any:
        """What {threshold} shows: the limits of the first condition that has any and was met."""
        if len(self._compared) > 1:
            for test, holds, compared in self._limits:
                if self._reasons.truth(test, c, x) is holds:
                    limits = [self._known[o][2] for o in compared if o in found]
                    if len(limits) == 1:
                        return limits[0]
                    return " – ".join(show(limit, "en") for limit in limits)
        first = next((o for o in self._compared if o in found), None)
        return _NOT_KNOWN if first is None else self._known[first][2]

    def _in_words(self, operand: ParameterOperand, limit: Threshold) -> Any:
        """A limit as a message shows it: in the unit or the words of the fact beside it."""
        fact = self._measured.get(operand)
        if fact is not None and fact.words:
            return Names(in_chinese(limit.value, chinese_words(fact)), limit.value)
        if fact is None or fact.type is not Type.NUMBER:
            return limit.value
        value = value_for(fact, limit.value, limit.unit)
        return limit.value if value is None else value


def _measured(
    tree: Condition, *, holds: bool
) -> Iterator[tuple[Test, bool, tuple[ParameterOperand, ...]]]:
    """The conditions with limits, each with whether it is its truth that is asked for."""
    if isinstance(tree, Test):
        if limits := limits_of(tree):
            yield tree, holds, limits
    elif isinstance(tree, Not):
        yield from _measured(tree.condition, holds=not holds)
    elif not isinstance(tree, Some | History):
        for child in tree.conditions:
            yield from _measured(child, holds=holds)


def _weaker(word: str, cap: str, ordered: tuple[str, ...]) -> str:
    """The weaker of two words; the vocabulary goes from strong to weak."""
    return word if ordered.index(word) >= ordered.index(cap) else cap


def _with(evidence: tuple[Citation, ...], pair: Pair) -> tuple[Citation, ...]:
    """The rule's evidence, and that of the table's row."""
    basis = pair.half.row.basis
    cited = Citation(source=basis.source, locator=basis.locator)
    return evidence if cited in evidence else (*evidence, cited)


def _found(pair: Pair) -> FoundPair:
    half = pair.half
    return FoundPair(
        id=half.row.id, table=half.table.id, item=pair.item.id, partner=pair.partner.id
    )
