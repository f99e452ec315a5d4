"""From the YAML of `expect` to what a rule expects to follow."""

from __future__ import annotations

from collections.abc import Callable

from knowledge_base.strict_yaml import Node
from rules import words
from rules.facts import Type, fact_of
from rules.model import ALWAYS, Escalation, Expect, Extension, Span
from rules.reading.conditions import read_condition
from rules.reading.fields import Fields
from rules.reading.history import PAST, past_event
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
    event = past_event(f, "event")
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
        match = self._match()
        self._ends(match)
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

    def _match(self) -> tuple[str, ...]:
        """The facts in which the two events agree; () where they are not all right (reported)."""
        f, node = self.fields, self.fields.get("match")
        before = len(f.problems)
        names = f.texts("match")
        if node is None or len(f.problems) != before:
            return ()
        if not names:
            f.report(node, "`match` is empty", "name what both events have: [encounter.id]")
        good = [self._is_common(child.raw, child) for child in node]
        return names if all(good) else ()

    def _is_common(self, name: str, node: Node) -> bool:
        """Whether both events have a fact that tells acts apart."""
        fact, report = fact_of(name), self._at(node)
        if fact is None or name.startswith(words.THIS):
            self.scope.fact(name, report)  # it says what may be meant
            return False
        for family in (*self.scope.families, _family(self.event)):
            if family not in fact.extractors:
                fix = "match what both events have, e.g. encounter.id"
                report(f"{family} events have no `{name}`", fix)
                return False
        if fact.type is not Type.TEXT:
            fix = "name an id or a code, e.g. encounter.id"
            report(f"`{name}` ({fact.type}) tells no two acts apart", fix)
            return False
        return (
            self.scope.fact(name, report) is not None
            and self.following.fact(name, report) is not None
        )

    def _ends(self, match: tuple[str, ...]) -> None:
        """Report events of `until` and `extend` that have nothing in common with the rule's."""
        until, extend = self.fields.get("until"), self.fields.get("extend")
        named = list(until) if until is not None and until.is_list else []
        if extend is not None and extend.is_mapping:
            named += [node for node in (extend.get("after"),) if node is not None]
        for node in named:
            if match and node.value in PAST and not any(_has(node.raw, name) for name in match):
                text = f"{node.raw} has none of {words.listing(match)}: nobody knows what it ends"
                self.fields.report(node, text, "name another event, or match another fact too")

    def _extend(self) -> Extension | None:
        node = self.fields.get("extend")
        if node is None:
            return None
        f = Fields(node, "`extend`", self.fields.problems)
        if not f.expect(("after", "to")):
            return None
        after, to = past_event(f, "after"), f.get("to")
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
