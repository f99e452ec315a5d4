"""What rules say of the elements of one event, gathered rule by rule on its way to a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.decision import Finding, Missing, NotEvaluable, Undetermined, Waiting
from contracts.identity import EventKey
from rules.engine.asked import AGAIN, EVENT, Asked
from rules.engine.duties import Duty
from rules.engine.outcomes import (
    ALERT,
    EXEMPT,
    NOT_EVALUABLE,
    RULE_ERROR,
    UNDETERMINED,
    UNVERIFIED,
)
from rules.engine.plan import Group, Ready
from rules.engine.reasons import named
from rules.engine.unlike import element_with
from rules.facts.base import Context, Element, Value
from rules.model import Rule

_OUTCOMES: Final = 8
_ERROR: Final = (Missing(fact="", why="rule_error"),)


class Outcomes:
    """Gathers them; of silent rules it counts and names no more than that."""

    __slots__ = (
        "asked", "counts", "duties", "findings", "key", "late", "not_evaluable", "parts", "rules",
        "silent", "tellers", "told", "undetermined",
    )  # fmt: skip

    def __init__(self, key: EventKey, asked: Asked) -> None:
        self.key = key
        self.asked = asked
        self.duties: list[Duty] = []
        """Of rules that expect an event: what they expect it of."""
        self.late: dict[str, Rule] = {}
        """Rules that are decided once late data had time to arrive, by id."""
        self.told: list[tuple[int, Ready]] = []
        self.silent = 0
        self.counts = [0] * _OUTCOMES
        self.rules: dict[str, int] = {}
        self.parts: list[dict[str, int]] = []
        """Ids and versions of rules that were silent, a dict for each look at an element."""
        self.findings: list[Finding] = []
        self.tellers: list[Ready] = []
        """The rule of each finding."""
        self.not_evaluable: list[NotEvaluable] = []
        self.undetermined: dict[tuple[str, str, str], dict[str, None]] = {}

    def join_parts(self) -> None:
        """Name and count the silent rules that were gathered."""
        for part in self.parts:
            self.rules.update(part)
            self.silent += len(part)

    def fail(self, ready: Ready, c: Context) -> None:
        """A rule that cannot be asked at all."""
        self.tell(RULE_ERROR, ready, c, None)

    def undetermined_of(
        self,
        group: Group,
        c: Context,
        under: tuple[str, str, str],
        might_be: Sequence[dict[str, Value]],
    ) -> None:
        """Count the rules whose scope is not false for all that an element might be.

        `under` is the element, the fact that is missing, and why; `might_be` are the facts that
        are known of it.
        """
        elements = [element_with(known) for known in might_be]
        for ready in group.everything:
            reasons, scope = ready.reasons, ready.rule.scope
            try:
                is_out = all(reasons.truth(scope, c, x) is False for x in elements)
            except Exception:
                self.fail(ready, c)
                continue
            if not is_out:
                self.rules[ready.id] = ready.version
                self.counts[UNDETERMINED] += 1
                self.undetermined.setdefault(under, {})[ready.id] = None

    def tell_all(self, c: Context, x: Element | None) -> None:
        """What was found on one element, in the order of the pack."""
        told = self.told
        if len(told) > 1:
            told.sort(key=_order)
        for outcome, ready in told:
            self.tell(outcome, ready, c, x)
        told.clear()

    def tell(self, outcome: int, ready: Ready, c: Context, x: Element | None) -> None:
        """An outcome that stands in the decision by itself."""
        self.rules[ready.id] = ready.version
        if outcome == EXEMPT:
            self.counts[EXEMPT] += 1
            return
        element = x.id if x is not None else ""
        missing: tuple[Missing, ...] = _ERROR
        try:
            if outcome in (ALERT, UNVERIFIED):
                if ready.expects and self.asked.part in (EVENT, AGAIN):
                    self.expect(ready, c, x)
                    return
                is_unverified = outcome == UNVERIFIED
                cause = self.asked.alert_cause
                self.findings.append(ready.told.finding(self.key, c, x, is_unverified, cause))
                self.tellers.append(ready)
            elif outcome == UNDETERMINED:
                for fact, why, _ in ready.reasons.missing(ready.rule.scope, c, x):
                    self.undetermined.setdefault((element, fact, why), {})[ready.id] = None
            elif outcome == NOT_EVALUABLE:
                missing = named(ready.reasons.missing(ready.rule.when, c, x))
        except Exception:
            outcome = RULE_ERROR
        self.counts[outcome] += 1
        if outcome in (NOT_EVALUABLE, RULE_ERROR):
            self.not_evaluable.append(
                NotEvaluable(
                    rule_id=ready.id,
                    rule_version=ready.version,
                    element=element,
                    missing=missing,
                    audience=ready.reminded,
                )
            )

    def expect(self, ready: Ready, c: Context, x: Element | None) -> None:
        """A rule that expects an event: a duty, or what is missing to know when it is due."""
        duty = ready.duty.of(self.key, c, x)
        if type(duty) is Duty:
            self.duties.append(duty)
            return
        self.counts[NOT_EVALUABLE] += 1
        self.not_evaluable.append(
            NotEvaluable(
                rule_id=ready.id,
                rule_version=ready.version,
                element=x.id if x is not None else "",
                missing=named(duty),  # type: ignore[arg-type]  # narrowed above
                audience=ready.reminded,
            )
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """The rules that decide about this event later."""
        late = [
            Waiting(rule_id=rule.id, rule_version=rule.version, why="late_data", until="")
            for rule in self.late.values()
        ]
        return (*late, *(duty.waiting for duty in self.duties))

    def open_ones(self) -> tuple[Undetermined, ...]:
        """The rules that could not be decided, under what is missing."""
        return tuple(
            [
                Undetermined(element=element, fact=fact, why=why, rules=tuple(rules))
                for (element, fact, why), rules in self.undetermined.items()
            ]
        )


def _order(told: tuple[int, Ready]) -> int:
    return told[1].order
