"""One event on its way to a decision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import Any, Final

import msgspec
from msgspec import UNSET

from contracts.decision import Coverage, Decision, EventRef
from contracts.event import Event
from contracts.identity import EventKey, decision_id
from rules.engine.asked import NOW, Asked
from rules.engine.gathering import Outcomes
from rules.engine.outcomes import (
    ALERT,
    EXEMPT,
    NOT_EVALUABLE,
    RULE_ERROR,
    UNDETERMINED,
    UNVERIFIED,
)
from rules.engine.pairing import judge_pairs
from rules.engine.plan import Group, Plan, Plans
from rules.engine.reconciling import reconciled
from rules.engine.ungrouped import leave_open
from rules.engine.unlike import merged
from rules.facts import LISTS, list_of
from rules.facts.base import Context, Element, Value
from rules.facts.event import lacks_items
from rules.facts.remembered import contributed
from rules.naming import line_names

_NOTHING: Final = Coverage(applicable=0)
"""What most events come to: no rule is about them."""
_WITH_ITEMS: Final = frozenset(LISTS["items"])


class Run(Outcomes):
    """Looks at one event and its elements, and says what came of it."""

    __slots__ = (
        "context", "contexts", "day", "elements", "event", "others", "plan", "plans", "zone",
    )  # fmt: skip

    def __init__(self, plans: Plans, event: Event, asked: Asked = NOW) -> None:
        super().__init__(EventKey(event.source, event.id), asked)
        self.plans = plans
        self.event = event
        data = event.data
        read = asked.read
        zone = self.zone = plans.zone(data.institution, event.time) if read is None else read.zone
        day = self.day = service_day(event, zone) if read is None else read.day
        self.plan = plans.plan(event.type, day, asked.part, asked.group)
        context = self.context = Context(event, day, zone, plans.knowledge)
        context.recalled = asked.recalled
        if read is not None:
            context.drugs, context.entries = read.drugs, read.entries
        if self.plan.waiting:
            self.late = {rule.id: rule for rule in self.plan.waiting}
        self.contexts: dict[date, Context] | None = None
        self.others: list[tuple[str, dict[str, int]]] | None = None
        """Rules that decided about elements of other days, by element."""
        self.elements: dict[str, dict[str, Value]] = {}

    def look(self) -> None:
        """All rules on the event and on its elements."""
        plan, context = self.plan, self.context
        if plan.of_event is not None:
            self.element(plan.of_event, context, None)
        if plan.family in _WITH_ITEMS:
            self.items(plan.of_items)
        if plan.asks_for_pairs:
            judge_pairs(self)
        for each, group in plan.of_lists:
            self.listed(each, group)
        if plan.ungrouped:
            leave_open(self)
        if context.hits is not None:
            self.found(context)
        if self.contexts:
            for one in self.contexts.values():
                if one.hits is not None:
                    self.found(one)

    def decision(self, digest: str) -> Decision:
        """Look at everything, then say it."""
        self.look()
        plan, context, event, asked = self.plan, self.context, self.event, self.asked
        self.join_parts()
        counts = self.counts
        rules = self.rules
        versions = merged(self.rules, self.others) if self.others else {}
        findings, incomplete = self.findings, self.not_evaluable
        overridden = 0
        if len(findings) > 1:
            findings = reconciled(findings, [ready.claim for ready in self.tellers])
            overridden = sum(1 for found in findings if found.overridden_by)
        undetermined = self.undetermined
        if findings:
            verdict = "findings"
        elif incomplete or undetermined:
            verdict = "incomplete"
        else:
            verdict = "clean" if rules else "no_rules"
        waiting = self.waiting() if self.late or self.duties else ()
        if self.late and verdict in ("clean", "no_rules"):
            verdict = "incomplete"
        alerts = counts[ALERT] + counts[UNVERIFIED]
        silent, exempt = self.silent, counts[EXEMPT]
        not_evaluable = counts[NOT_EVALUABLE] + counts[RULE_ERROR]
        data = event.data
        department = data.department
        return Decision(
            decision_id=decision_id(self.key, asked.scope, asked.cause),
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
            scope=asked.scope,
            cause=asked.cause,
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
                waiting=len(waiting),
                overridden=overridden,
            )
            if rules or waiting
            else _NOTHING,
            findings=tuple(findings) if findings else (),
            not_evaluable=tuple(incomplete) if incomplete else (),
            undetermined=self.open_ones() if undetermined else (),
            facts=context.facts,
            elements=self.elements,
            rules=rules,
            versions=versions,
            waiting=waiting,
            remembered=contributed(context) if context.remembered else (),
            basis=self.plans.basis,
        )

    def found(self, c: Context) -> None:
        """Record the elements that decided a `some`, or left it open."""
        for x in (c.hits or {}).values():
            self.elements[x.id] = {**self.elements.get(x.id, {}), **x.facts}

    def items(self, group: Group | None) -> None:
        """Each item as of its own service date."""
        context, elements = self.context, self.elements
        items = self.event.data.items  # type: ignore[union-attr]
        if not items:
            self.without_items()
        for item, name in zip(items, line_names(items), strict=True):
            at = getattr(item, "service_time", UNSET)
            if at is not UNSET and at is not None:
                day = local_day(at, self.zone)
                if day is not None and day != self.day:
                    self.item_of_day(item, name, day)
                    continue
            if group is not None:
                x = Element(item, name)
                self.element(group, context, x)
                if x.facts:
                    elements[name] = x.facts

    def without_items(self) -> None:
        """An act that came without its lines was not checked, unless it is taken back."""
        if lacks_items(self.context):
            for group in (self.plan.of_items, self.plan.of_pairs):
                if group is not None:
                    self.unlisted("event.items", "not_reported", group)

    def item_of_day(self, item: Any, name: str, day: date) -> None:
        """An item of another date: rules, limits and registries of that date."""
        plan = self.plan_of(day)
        for rule in plan.waiting:
            self.late.setdefault(rule.id, rule)
        group = plan.of_items
        if group is not None:
            context, x = self.context_of(day), Element(item, name)
            self.of_other_day(group, context, x)
            # The facts of the event as of that date are recorded with the item, and the date.
            self.elements[x.id] = {**context.facts, **x.facts, "item.service_date": context.day}

    def of_other_day(self, group: Group, c: Context, x: Element) -> None:
        """An element that rules of another date decide about, maybe in another version."""
        own = self.rules, self.parts
        self.rules, self.parts = {}, []
        self.all_of(group, (x,), c)
        self.join_parts()
        if self.others is None:
            self.others = []
        self.others.append((x.id, self.rules))
        self.rules, self.parts = own

    def plan_of(self, day: date) -> Plan:
        """What is done with elements of another day."""
        return self.plans.plan(self.event.type, day, self.asked.part, self.asked.group)

    def context_of(self, day: date) -> Context:
        """What is read of the event as of a date, kept for its other elements."""
        if day == self.day:
            return self.context
        if self.contexts is None:
            self.contexts = {}
        context = self.contexts.get(day)
        if context is None:
            context = Context(self.event, day, self.zone, self.plans.knowledge)
            context.recalled = self.asked.recalled
            self.contexts[day] = context
        return context

    def listed(self, each: str, group: Group) -> None:
        """The elements of a list; a list that is not fully known leaves its rules undetermined."""
        records = list_of(each)
        if records is None:
            raise ValueError(f"no list {each}")
        elements: Iterable[Element]
        try:
            elements, why = records.elements(self.context)
        except Exception:
            elements, why = (), "rule_error"
        if why:
            self.unlisted(records.fact, why, group)
        self.all_of(group, elements)

    def all_of(
        self, group: Group, elements: Iterable[Element], context: Context | None = None
    ) -> None:
        c = self.context if context is None else context
        for x in elements:
            self.element(group, c, x)
            if x.facts:
                # An item and a diagnosis may have one name: the facts of both are recorded.
                known = self.elements.get(x.id)
                self.elements[x.id] = x.facts if known is None else {**known, **x.facts}

    def unlisted(self, name: str, why: str, group: Group) -> None:
        """Elements that nobody knows: a rule is undetermined unless its scope is false anyway."""
        self.undetermined_of(group, self.context, ("", name, why), [{}])

    def element(self, group: Group, c: Context, x: Element | None) -> None:
        """All rules on one element, or on the event. Most of an event's time goes by here."""
        F, told = c.facts, self.told
        E = F if x is None else x.facts
        look = group.look
        if look is None:
            bunch = group.rest
        else:
            try:
                bunch = look(c, F, x, E)
            except Exception:  # a fact that raises: each rule that reads it fails for itself
                bunch = group.whole
        if not bunch.size:  # of most diagnoses no rule speaks
            return
        self.plans.evaluations += bunch.size
        try:
            silent = bunch.run(c, F, x, E, told)
        except Exception:  # ask the rules one by one: the one that raises fails alone
            own = {id(ready) for ready in bunch.rules}
            told[:] = [one for one in told if id(one[1]) not in own]
            silent = bunch.one_by_one(c, F, x, E, told)
        if silent:
            self.parts.append(bunch.parts.get(silent) or bunch.part(silent))
        if told:
            self.tell_all(c, x)


def service_day(event: Event, zone: tzinfo) -> date:
    """The local day of the act, else of the event."""
    of_act = event.data.service_time
    day = local_day(of_act, zone) if type(of_act) is datetime else None
    return event.time.astimezone(zone).date() if day is None else day


def local_day(at: datetime, zone: tzinfo) -> date | None:
    """The local day; None at the very ends of the calendar."""
    try:
        return at.astimezone(zone).date()
    except OverflowError:
        return None
