"""From the YAML of `expect` to what a rule expects to follow."""

from __future__ import annotations

from collections.abc import Callable

from knowledge_base.strict_yaml import Node
from rules import words
from rules.facts import Type, fact_of
from rules.model import ALWAYS, Escalation, Expect, Extension, Span
from rules.reading.conditions import read_condition
from rules.reading.fields import Fields
from rules.reading.history import PAST
from rules.reading.scope import Scope
from rules.reading.spans import read_span


def read_expect(fields: Fields, scope: Scope) -> Expect | None:
    """What the rule in `fields` expects, or None; every mistake is reported."""
    node = fields.get(words.EXPECT)
    if node is None:
        return None
    f = Fields(node, "`expect`", fields.problems)
    before = len(f.problems)
    if not f.expect(words.EXPECT_REQUIRED, words.EXPECT_OPTIONAL):
        return None
    event = f.choice("event", PAST)
    if not event:
        return None  # without its family nothing that follows has a meaning
    found = _Reader(f, scope, event).expect()
    return found if len(f.problems) == before else None


class _Reader:
    def __init__(self, fields: Fields, scope: Scope, event: str) -> None:
        self.fields = fields
        self.scope = scope
        self.event = event
        self.following = scope.past(_family(event))

    def expect(self) -> Expect | None:
        f = self.fields
        where = f.get("where")
        conditions = ALWAYS if where is None else read_condition(where, self.following, f.problems)
        until, extend = f.texts("until", PAST), self._extend()
        match = self._match((*until, extend.after) if extend is not None else until)
        within, start = self._span("within"), self._start()
        every = self._every(until)
        remind_before, grace = self._span("remind_before"), self._span("grace")
        escalate = self._escalate()
        if within is None or not match:
            return None
        return Expect(
            event=self.event,
            match=match,
            within=within,
            where=conditions,
            start=start,
            until=until,
            extend=extend,
            every=every,
            remind_before=remind_before,
            escalate=escalate,
            grace=grace,
        )

    def _span(self, name: str) -> Span | None:
        node = self.fields.get(name)
        return None if node is None else read_span(node, name, self.scope, self.fields)

    def _every(self, until: tuple[str, ...]) -> Span | None:
        node = self.fields.get("every")
        if node is not None and not until:
            fix = "name in `until` what ends it, e.g. [encounter.discharged]"
            self.fields.report(node, "what is due again and again has to end some day", fix)
        return self._span("every")

    def _start(self) -> str:
        name, node = self.fields.text("from"), self.fields.get("from")
        if not name or node is None:
            return ""
        fact = self.scope.fact(name, self._at(node))
        if fact is None or fact.type is Type.TIME:
            return name
        fix = "name a time, e.g. event.time or encounter.started_at"
        self.fields.report(node, f"`{name}` ({fact.type}) is no point in time", fix)
        return ""

    def _match(self, others: tuple[str, ...]) -> tuple[str, ...]:
        """The facts in which the events agree: both have them, and of the others each has one."""
        f, node = self.fields, self.fields.get("match")
        names = f.texts("match")
        if node is None:
            return ()
        if not names and node.is_list:
            f.report(node, "`match` is empty", "name what both events have: [encounter.id]")
        for name in names:
            fact = self.scope.fact(name, self._at(node))
            if fact is None:
                continue
            if fact.type is not Type.TEXT:
                fix = "name an id or a code, e.g. encounter.id"
                f.report(node, f"`{name}` ({fact.type}) tells no two acts apart", fix)
            else:
                self.following.fact(name, self._at(node))
        for other in dict.fromkeys(others):
            if names and not any(_has(other, name) for name in names):
                text = f"{other} has none of {words.listing(names)}: nobody knows what it ends"
                f.report(node, text, "match another fact too, e.g. encounter.id")
        return names

    def _extend(self) -> Extension | None:
        node = self.fields.get("extend")
        if node is None:
            return None
        f = Fields(node, "`extend`", self.fields.problems)
        if not f.expect(("after", "to")):
            return None
        after, to = f.choice("after", PAST), f.get("to")
        span = None if to is None else read_span(to, "to", self.scope, f)
        return Extension(after, span) if after and span is not None else None

    def _escalate(self) -> tuple[Escalation, ...]:
        node = self.fields.get("escalate")
        if node is None:
            return ()
        if not node.is_list or not list(node):
            fix = "- {after: {parameter: …}, audience: [department]}"
            self.fields.report(node, "`escalate` lists no step", fix)
            return ()
        return tuple(step for child in node if (step := self._step(child)) is not None)

    def _step(self, node: Node) -> Escalation | None:
        f = Fields(node, "a step of `escalate`", self.fields.problems)
        if not f.expect(("after", "audience")):
            return None
        audience, after = f.texts("audience", words.AUDIENCES), f.get("after")
        if not audience:
            f.report(f.get("audience") or node, "`audience` is empty", "name who is told")
        span = None if after is None else read_span(after, "after", self.scope, f)
        return Escalation(span, audience) if audience and span is not None else None

    def _at(self, node: Node) -> Callable[[str, str], None]:
        return lambda message, fix: self.fields.report(node, message, fix)


def _family(event: str) -> str:
    return event.partition(".")[0]


def _has(event: str, name: str) -> bool:
    """Whether events of a type carry a fact, themselves or in their lines."""
    fact = fact_of(name)
    return fact is not None and _family(event) in fact.extractors
