"""What a rule tells: findings, complete in themselves."""

from __future__ import annotations

from typing import Any, Final

from contracts.decision import Citation, Finding, Threshold, Words
from contracts.identity import EventKey, alert_id
from rules import compiler, words
from rules.constants import threshold_of
from rules.facts.base import Context, Element
from rules.messages import show
from rules.model import FindingSpec, ParameterOperand, Rule, leaves_of, parameters_of
from rules.reasons import Reasons

CAPPED_RESULT: Final = "suspected"
CAPPED_ACTION: Final = "require_reason"
"""What a finding comes to at most while its exemption is not verified."""


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
        self._suggest = tuple({verb: what} for verb, what in spec.suggest)
        trees = (rule.when, rule.scope, rule.unless)
        self._limits = tuple(t for tree in trees for t in leaves_of(tree) if parameters_of(t))
        self._parameters = tuple(dict.fromkeys(o for t in self._limits for o in parameters_of(t)))
        self._known: dict[ParameterOperand, tuple[Any, Threshold]] = {}
        self._words = compiler.compile_told(rule, spec.message, reasons.family)

    def finding(self, key: EventKey, c: Context, x: Element | None, is_unverified: bool) -> Finding:
        """The finding about an element, or about the event as a whole."""
        rule, spec, F = self._rule, self._spec, c.facts
        limits = self._thresholds(c, x) if self._parameters else {}
        shown = self._threshold(limits, c, x) if limits else ""
        facts, group, zh, en = self._words(c, F, x, F if x is None else x.facts, shown)
        element = x.id if x is not None else ""
        unverified: tuple[str, ...] = ()
        if is_unverified:
            missing = self._reasons.missing(rule.unless, c, x)
            unverified = tuple(dict.fromkeys([fact for fact, _ in missing]))
        return Finding(
            alert_id=alert_id(key, "event", rule.id, rule.version, element),
            rule_id=rule.id,
            rule_version=rule.version,
            rule_status=self._shown,
            element=element,
            result=self._capped_result if is_unverified else spec.result,
            severity=spec.severity,
            action=self._capped_action if is_unverified else spec.action,
            audience=spec.audience,
            key=group,
            title=self._title,
            message=Words(zh=zh, en=en),
            facts=facts,
            thresholds=tuple(limits.values()),
            evidence=self._evidence,
            suggest=self._suggest,
            exemption_unverified=unverified,
        )

    def _thresholds(self, c: Context, x: Element | None) -> dict[ParameterOperand, Threshold]:
        """The limits that the element was measured against, those of `when` first."""
        found: dict[ParameterOperand, Threshold] = {}
        for operand in self._parameters:
            known = self._known.get(operand)
            row = known[0] if known and not operand.by else self._reasons.row(operand, c, x)
            if row is None:
                continue
            if known is None or known[0] is not row:
                known = self._known[operand] = (row, threshold_of(operand.parameter, row))
            found[operand] = known[1]
        return found

    def _threshold(
        self, found: dict[ParameterOperand, Threshold], c: Context, x: Element | None
    ) -> Any:
        """What {threshold} shows: the limits of the first true condition that has any."""
        if len(self._parameters) > 1:
            for test in self._limits:
                if self._reasons.truth(test, c, x) is True:
                    limits = [found[o] for o in parameters_of(test) if o in found]
                    return " – ".join(show(limit.value, "en") for limit in limits)
        return next(iter(found.values())).value


def _weaker(word: str, cap: str, ordered: tuple[str, ...]) -> str:
    """The weaker of two words; the vocabulary goes from strong to weak."""
    return word if ordered.index(word) >= ordered.index(cap) else cap
