"""One event on its way to a decision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import Any, Final, Protocol

import msgspec
from msgspec import UNSET

from contracts.decision import (
    Basis,
    Coverage,
    Decision,
    EventRef,
    Finding,
    Missing,
    NotEvaluable,
    Undetermined,
)
from contracts.event import Event
from contracts.identity import EventKey, decision_id
from knowledge_base import KnowledgeBase
from rules.compiler import (
    ALERT,
    EXEMPT,
    NOT_APPLICABLE,
    NOT_EVALUABLE,
    SILENT,
    UNDETERMINED,
    UNVERIFIED,
)
from rules.engine import Group, Plan, Ready
from rules.facts import CATALOGUE, LISTS
from rules.facts.base import Context, Element, Value
from rules.facts.items import diagnosis_id
from rules.naming import distinct, line_names
from rules.reasons import named

RULE_ERROR: Final = 7
_OUTCOMES: Final = 8
_ERROR: Final = (Missing(fact="", why="rule_error"),)
_WITH_ITEMS: Final = frozenset(LISTS["items"])


class Plans(Protocol):
    """What a run needs of the evaluator."""

    knowledge: KnowledgeBase
    basis: Basis
    evaluations: int

    def zone(self, institution_id: str, at: datetime) -> tzinfo: ...

    def plan(self, event_type: str, day: date) -> Plan: ...

    def day_text(self, day: date) -> str: ...


class Run:
    """Collects the outcomes of one event."""

    __slots__ = (
        "context", "contexts", "counts", "day", "elements", "event", "findings", "key",
        "not_evaluable", "plan", "plans", "rules", "silent", "told", "undetermined", "zone",
    )  # fmt: skip

    def __init__(self, plans: Plans, event: Event) -> None:
        self.plans = plans
        self.event = event
        data = event.data
        self.key = EventKey(event.source, event.id)
        zone = self.zone = plans.zone(data.institution, event.time)
        of_act = data.service_time
        day = _day(of_act, zone) if type(of_act) is datetime else None
        if day is None:
            day = event.time.astimezone(zone).date()
        self.day: date = day
        self.plan = plans.plan(event.type, day)
        self.context = Context(event, day, zone, plans.knowledge)
        self.contexts: dict[date, Context] | None = None
        self.told: list[tuple[int, Ready]] = []
        self.silent = 0
        self.counts = [0] * _OUTCOMES
        self.rules: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.not_evaluable: list[NotEvaluable] = []
        self.undetermined: dict[tuple[str, str, str], dict[str, None]] = {}
        self.elements: dict[str, dict[str, Value]] = {}

    def decision(self, digest: str) -> Decision:
        """Look at everything, then say it."""
        plan, context, event = self.plan, self.context, self.event
        if plan.of_event is not None:
            silent = self.element(plan.of_event, context, None)
            if silent:
                self.rules.update(plan.of_event.versions(silent))
        if plan.family in _WITH_ITEMS:
            self.items(plan.of_items)
        for each, group in plan.of_lists:
            self.listed(each, group)
        counts = self.counts
        rules = self.rules
        findings, incomplete = self.findings, self.not_evaluable
        undetermined = self.undetermined
        if findings:
            verdict = "findings"
        elif incomplete or undetermined:
            verdict = "incomplete"
        else:
            verdict = "clean" if rules else "no_rules"
        alerts = counts[ALERT] + counts[UNVERIFIED]
        silent, exempt = self.silent, counts[EXEMPT]
        not_evaluable = counts[NOT_EVALUABLE] + counts[RULE_ERROR]
        data = event.data
        department = data.department
        return Decision(
            decision_id=decision_id(self.key),
            event=EventRef(
                source=event.source,
                id=event.id,
                type=event.type,
                time=msgspec.to_builtins(event.time),
                act_id=data.act_id,
                revision=data.revision,
                institution=data.institution,
                department=department if type(department) is str else "",
                digest=digest,
            ),
            scope="patient",
            cause="event",
            subject=event.subject,
            phase=plan.phase,
            as_of=self.plans.day_text(self.day),
            verdict=verdict,
            coverage=Coverage(
                applicable=alerts + silent + exempt + not_evaluable,
                alerts=alerts,
                silent=silent,
                exempt=exempt,
                not_evaluable=not_evaluable,
                undetermined=counts[UNDETERMINED],
            ),
            findings=tuple(findings),
            not_evaluable=tuple(incomplete),
            undetermined=_grouped(undetermined) if undetermined else (),
            facts=context.facts,
            elements=self.elements,
            rules=rules,
            basis=self.plans.basis,
        )

    def items(self, group: Group | None) -> None:
        """Each item as of its own service date."""
        context, elements, told = self.context, self.elements, self.told
        F = context.facts
        is_indexed = group is not None and group.is_indexed
        seen = silent_pairs = number = 0
        items = self.event.data.items  # type: ignore[union-attr]
        for item, name in zip(items, line_names(items), strict=True):
            at = getattr(item, "service_time", UNSET)
            if at is not UNSET and at is not None:
                day = _day(at, self.zone)
                if day is not None and day != self.day:
                    self.item_of_day(item, name, day)
                    continue
            if group is None:
                continue
            x = Element(item, name)
            # The same as `element`, in place: this is where most of an event's time goes.
            try:
                silent: int = group.run(context, F, x, x.facts, told)
            except Exception:
                silent = self.after_error(group, context, x)
            if is_indexed:
                self.indexed(group, context, x)
            if told:
                self.tell_all(context, x)
            seen |= silent
            silent_pairs += silent.bit_count()
            number += 1
            if x.facts:
                elements[x.id] = x.facts
        if group is not None:
            self.silent += silent_pairs
            self.plans.evaluations += number * group.looked_at
            if seen:
                self.rules.update(group.versions(seen))

    def item_of_day(self, item: Any, name: str, day: date) -> None:
        """An item of another date: rules, limits and registries of that date."""
        group = self.plans.plan(self.event.type, day).of_items
        if group is None:
            return
        if self.contexts is None:
            self.contexts = {}
        context = self.contexts.get(day)
        if context is None:
            context = Context(self.event, day, self.zone, self.plans.knowledge)
            self.contexts[day] = context
        x = Element(item, name)
        self.rules.update(group.versions(self.element(group, context, x)))
        # The facts of the event as of that date are recorded with the item.
        self.elements[x.id] = {**context.facts, **x.facts}

    def listed(self, each: str, group: Group) -> None:
        """The elements of a list; a list that is not fully known leaves its rules undetermined."""
        if each == "diagnoses":
            values = self.event.data.diagnoses  # type: ignore[union-attr]
            if values is UNSET:
                self.unlisted("event.diagnoses", "not_reported", group)
                return
            listed = values or ()
            names = distinct([diagnosis_id(d) for d in listed])
            self.all_of(group, map(Element, listed, names))
            return
        try:
            value = CATALOGUE[each].extractors[self.plan.family](self.context)
        except Exception:
            value = {"unknown": "rule_error"}
        self.context.facts[each] = value
        if type(value) is dict:
            self.unlisted(each, value.get("unknown", "partial_list"), group)
            value = value.get("partial", ())
        self.all_of(group, [Element(v, v) for v in dict.fromkeys(value)])

    def all_of(self, group: Group, elements: Iterable[Element]) -> None:
        seen = 0
        for x in elements:
            seen |= self.element(group, self.context, x)
            if x.facts:
                # An item and a diagnosis may have one name: the facts of both are recorded.
                self.elements[x.id] = {**self.elements.get(x.id, {}), **x.facts}
        if seen:
            self.rules.update(group.versions(seen))

    def unlisted(self, name: str, why: str, group: Group) -> None:
        """Elements that nobody knows: a rule is undetermined unless its scope is false anyway."""
        x = Element(None, "")
        x.facts = _Unknown(why)
        for ready in group.everything:
            try:
                truth = ready.reasons.truth(ready.rule.scope, self.context, x)
            except Exception:
                self.tell(RULE_ERROR, ready, self.context, None)
                continue
            if truth is not False:
                self.rules[ready.id] = ready.version
                self.counts[UNDETERMINED] += 1
                self.undetermined.setdefault(("", name, why), {})[ready.id] = None

    def element(self, group: Group, c: Context, x: Element | None) -> int:
        """All rules on one element, or on the event. The silent ones of `rest`, as bits."""
        F = c.facts
        try:
            silent: int = group.run(c, F, x, F if x is None else x.facts, self.told)
        except Exception:
            silent = self.after_error(group, c, x)
        self.silent += silent.bit_count()
        self.plans.evaluations += group.looked_at
        if group.is_indexed:
            self.indexed(group, c, x)
        if self.told:
            self.tell_all(c, x)
        return silent

    def after_error(self, group: Group, c: Context, x: Element | None) -> int:
        """A rule that raises fails for itself alone: ask the rules of `rest` one by one."""
        self.told.clear()
        return self.one_by_one(group.rest, c, x)

    def indexed(self, group: Group, c: Context, x: Element | None) -> None:
        """The rules that the tables bring."""
        try:
            hits = group.hits(c, x)
        except Exception:  # a fact that raises: each rule that reads it fails for itself
            hits = tuple(ready for ready in group.everything if ready not in group.rest)
        if hits:
            self.plans.evaluations += len(hits)
            self.one_by_one(hits, c, x, is_rest=False)

    def tell_all(self, c: Context, x: Element | None) -> None:
        """What was found on one element, in the order of the pack."""
        told = self.told
        if len(told) > 1:
            told.sort(key=_order)
        for outcome, ready in told:
            self.tell(outcome, ready, c, x)
        told.clear()

    def one_by_one(
        self, rules: Iterable[Ready], c: Context, x: Element | None, is_rest: bool = True
    ) -> int:
        """Rules each by itself; the silent ones of `rest` as bits, others are counted here."""
        F = c.facts
        E = F if x is None else x.facts
        silent = 0
        for number, ready in enumerate(rules):
            try:
                outcome = ready.run(c, F, x, E)
            except Exception:
                outcome = RULE_ERROR
            if outcome == SILENT:
                if is_rest:
                    silent |= 1 << number
                else:
                    self.silent += 1
                    self.rules[ready.id] = ready.version
            elif outcome != NOT_APPLICABLE:
                self.told.append((outcome, ready))
        return silent

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
                is_unverified = outcome == UNVERIFIED
                self.findings.append(ready.told.finding(self.key, c, x, is_unverified))
            elif outcome == UNDETERMINED:
                for fact, why in ready.reasons.missing(ready.rule.scope, c, x):
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


class Watched(Run):
    """A run that takes note of what could be looked at."""

    __slots__ = ("seen",)

    def __init__(self, plans: Plans, event: Event) -> None:
        super().__init__(plans, event)
        self.seen: list[tuple[Ready, Context, Element | None]] = []

    def element(self, group: Group, c: Context, x: Element | None) -> int:
        self.seen += [(ready, c, x) for ready in group.everything]
        return super().element(group, c, x)

    def items(self, group: Group | None) -> None:
        super().items(None)
        items = self.event.data.items  # type: ignore[union-attr]
        for item, name in zip(items, line_names(items), strict=True):
            at = getattr(item, "service_time", None)
            is_today = at is None or at is UNSET or _day(at, self.zone) in (None, self.day)
            if group is not None and is_today:
                self.all_of(group, [Element(item, name)])


class _Unknown(dict[str, Value]):
    """The facts of an element that nobody knows: every one is unknown for the same reason."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._value = {"unknown": why}

    def get(self, name: str, default: Any = None) -> Value:
        return self._value


def _grouped(found: dict[tuple[str, str, str], dict[str, None]]) -> tuple[Undetermined, ...]:
    return tuple(
        [
            Undetermined(element=element, fact=fact, why=why, rules=tuple(rules))
            for (element, fact, why), rules in found.items()
        ]
    )


def _order(told: tuple[int, Ready]) -> int:
    return told[1].order


def _day(at: datetime, zone: tzinfo) -> date | None:
    """The local day; None at the very ends of the calendar."""
    try:
        return at.astimezone(zone).date()
    except OverflowError:
        return None
