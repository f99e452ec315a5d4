"""How often the audience of a finding is told: what a rule's `once_within` means for one finding.

The engine says until when the same is not told again, and records the doses that a later finding
is compared with; rules.memory.delivery decides, from what was told before.
"""

from __future__ import annotations

from typing import Any, Final

from contracts.decision import Delivery
from knowledge_base import ParameterValue
from rules import words
from rules.engine.lengths import moved
from rules.engine.reasons import Reasons
from rules.facts.base import Context, Element
from rules.facts.pairs import Pair, of_partner
from rules.memory.instants import instant_of, us_of
from rules.model import ParameterOperand, Rule, Span

REMIND: Final = "remind"
"""The only action that is not told every time: all others ask for something to be done."""
DOSES: Final = {
    "item.dose": "pair.partner_dose",
    "item.daily_dose": "pair.partner_daily_dose",
}
"""The doses of a line, and under which name those of a pair's earlier line are recorded."""


class Repeats:
    """Says of one rule's findings until when the same is not told again."""

    def __init__(self, rule: Rule, within: Span, reasons: Reasons) -> None:
        self._within = within
        self._reasons = reasons
        of_lines = rule.each in ("items", words.INTERACTIONS)
        known = [reasons.fact(name) for name in DOSES] if of_lines else []
        self._doses = [fact for fact in known if reasons.family in fact.extractors]

    def delivery(self, c: Context, x: Element | None, facts: dict[str, Any]) -> Delivery | None:
        """What the finding says of its delivery; the doses are put to its `facts`.

        None where nothing is remembered, or the period is not known that day: it is told.
        """
        if c.recalled is None:
            return None

        def row(operand: ParameterOperand) -> ParameterValue | None:
            return self._reasons.row(operand, c, x)

        until = moved(c.event.time, self._within, 1, c.zone, row)
        if until is None:
            return None
        for fact in self._doses if x is not None else ():
            facts[fact.name] = self._reasons.value(fact.name, c, x)
            if x is not None and type(x.of) is Pair:
                facts[DOSES[fact.name]] = of_partner(fact, c, x)
        return Delivery(until=instant_of(us_of(until)).isoformat())
