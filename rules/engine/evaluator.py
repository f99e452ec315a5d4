"""Events in, decisions out: the meaning of a pack, with nothing else involved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from contracts.acts import phase_of
from contracts.decision import Basis, Decision
from contracts.event import EVENT_TYPES, Event
from knowledge_base import KnowledgeBase
from rules import words
from rules.engine.asked import EVENT, LATE, NONE, NOW, Asked, variant, waits
from rules.engine.constants import boundaries, epoch_start
from rules.engine.duties import Duty
from rules.engine.index import MANY
from rules.engine.plan import Compiled, Deciders, Group, Plan, Ready, Ungrouped
from rules.engine.run import Run
from rules.engine.watched import Watched
from rules.facts.base import Context, Element
from rules.grouping import JOIN, Grouping
from rules.model import Rule
from rules.pack import Pack

DEFAULT_ZONE: Final = "Asia/Shanghai"
PROFILES: Final = ("site", "demo")
_MAX_KEPT: Final = 4096
_AROUND: Final = (timedelta(-1), timedelta(0), timedelta(1))


class Evaluator:
    """Decides events with one pack and one knowledge base. For one thread.

    The profile `demo` treats shadow rules as active, and every decision names it. `index` says
    whether rules are looked up by tables; the decisions do not depend on it. `deciders` is the
    engine, the compiled one by default.
    """

    def __init__(
        self,
        pack: Pack,
        knowledge: KnowledgeBase,
        profile: str = "site",
        *,
        index: Literal["auto", "always", "never"] = "auto",
        deciders: Deciders | None = None,
        waits_for_late: bool = False,
    ) -> None:
        if profile not in PROFILES:
            raise ValueError(f"the profile {profile!r} is none of {', '.join(PROFILES)}")
        self.pack = pack
        self.knowledge = knowledge
        self._deciders = deciders or Compiled(knowledge)
        self.basis = Basis(
            pack=pack.digest,
            knowledge=knowledge.digest,
            engine=self._deciders.name,
            profile=profile,
            registry=knowledge.registry,
        )
        self.evaluations = 0
        """How many (rule, element) pairs were looked at so far; the index keeps it small."""
        self.waits_for_late = waits_for_late
        """Whether post-event rules about the past wait until late data had time to arrive."""
        self._profile = profile
        self._few = {"auto": None, "always": 0, "never": MANY}[index]
        self._rules = tuple(rule for rule in pack.rules if rule.is_evaluated)
        self._groupings = Grouping.of(self._rules)
        self._by_id = {rule.id: rule for rule in self._rules}
        bodies = [body for rule in self._rules for body in rule.bodies]
        self._days = boundaries(bodies, knowledge)
        self._with_pairs = frozenset(
            name for body in bodies if body.each == words.INTERACTIONS for name in body.on
        )
        self._zones: dict[tuple[str, date], tzinfo] = {}
        self._texts: dict[date, str] = {}
        self._plans: dict[tuple[str, date, str], Plan] = {}
        self._plans_by_epoch: dict[tuple[str, date, str], Plan] = {}

    def register(self, knowledge: KnowledgeBase) -> None:
        """From the next event on decide with another registry over the same knowledge.

        Raises ValueError for other knowledge: what was compiled would not be of it.
        """
        if knowledge.digest != self.knowledge.digest:
            raise ValueError("another registry lies over the same knowledge")
        self.knowledge = knowledge
        self._zones.clear()
        self.basis = replace(self.basis, registry=knowledge.registry)

    def decide(self, event: Event, digest: str = "", asked: Asked = NOW) -> Decision:
        """The decision about an event. The same event and memory give the same decision, always.

        `digest` names the event's bytes, for the store to notice other content under one key.
        """
        return Run(self, event, asked).decision(digest)

    def duties(self, event: Event, digest: str, asked: Asked) -> tuple[Decision, list[Duty]]:
        """The decision about an event, and what its rules expect to follow."""
        run = Run(self, event, asked)
        return run.decision(digest), run.duties

    def looked_at(
        self, event: Event, asked: Asked = NOW
    ) -> list[tuple[Ready, Context, Element | None]]:
        """Every rule in force with every element it could be about, for explanations."""
        run = Watched(self, event, asked)
        run.decision("")
        return run.seen

    def zone(self, institution_id: str, at: datetime) -> tzinfo:
        """The institution's time zone that day; the country's where the registry has none."""
        key = (institution_id, at.date())
        zone = self._zones.get(key)
        if zone is None:
            # The registry is dated by UTC days, of which any of three can be this one.
            zone, *others = {self._zone_of(institution_id, key[1] + days) for days in _AROUND}
            if others:
                return self._zone_of(institution_id, at.astimezone(UTC).date())
            if len(self._zones) >= _MAX_KEPT:
                self._zones.clear()
            self._zones[key] = zone
        return zone

    def _zone_of(self, institution_id: str, day: date) -> tzinfo:
        entry = self.knowledge.institution(institution_id, day)
        return ZoneInfo(entry.time_zone if entry is not None else DEFAULT_ZONE)

    def plan(self, event_type: str, day: date, part: str = EVENT, group: str = "") -> Plan:
        """What is done with events of a type on a service date, by the rules of a part."""
        which = f"{group} {part}" if group else part
        plan = self._plans.get((event_type, day, which))
        if plan is None:
            start = epoch_start(self._days, day)
            plan = self._plans_by_epoch.get((event_type, start, which))
            if plan is None:
                plan = self._make(event_type, start, part, group)
                self._plans_by_epoch[event_type, start, which] = plan
            if len(self._plans) >= _MAX_KEPT:
                self._plans.clear()
            self._plans[event_type, day, which] = plan
        return plan

    def day_text(self, day: date) -> str:
        """The day as YYYY-MM-DD."""
        text = self._texts.get(day)
        if text is None:
            if len(self._texts) >= _MAX_KEPT:
                self._texts.clear()
            text = self._texts[day] = day.isoformat()
        return text

    def _make(self, event_type: str, day: date, part: str, group: str) -> Plan:
        known = EVENT_TYPES[event_type]
        ready: dict[str, list[Ready]] = {}
        waiting: list[Rule] = []
        name = f"{known.family}.{known.verb}"
        phase = phase_of(known.verb, known.family)
        for order, rule in enumerate(self._in_force(name, day, group)):
            is_shown = rule.status == "active" or self._profile == "demo"
            shown = "active" if is_shown else "shadow"
            is_late = self.waits_for_late and waits(rule, phase)
            if is_late:
                waiting.append(rule)
            asked = variant(rule, part, is_late=is_late)
            if asked is None:
                continue
            one = Ready(
                asked, event_type, shown, order, self.knowledge, day, self._deciders, whole=rule
            )
            ready.setdefault(rule.each, []).append(one)
        groups = {
            each: Group(rules, each, known.family, self._few, day, self._deciders)
            for each, rules in ready.items()
        }
        return Plan(
            known.family,
            phase if part in (EVENT, NONE) else "post",
            groups.pop("", None),
            groups.pop("items", None),
            of_pairs=groups.pop(words.INTERACTIONS, None),
            of_lists=tuple(groups.items()),
            asks_for_pairs=name in self._with_pairs and part in (EVENT, LATE),
            waiting=tuple(waiting) if part == EVENT else (),
            ungrouped=self._ungrouped(event_type, day) if part == EVENT and not group else (),
        )

    def _ungrouped(self, event_type: str, day: date) -> tuple[Ungrouped, ...]:
        """The rules about groups that need events of a type."""
        found = []
        for grouping in self._groupings:
            if not grouping.takes(event_type):
                continue
            family = EVENT_TYPES[event_type].family
            plan = self.plan(event_type, day, EVENT, grouping.name)
            ready = tuple(one for group in plan.groups for one in group.everything)
            own = {one.id for one in ready} | {rule.id for rule in plan.waiting}
            of_day = [rule.on_day(day) for rule in grouping.members.get(family, {}).values()]
            members = {
                body.id: body.version for body in of_day if body is not None and body.id not in own
            }
            members |= {rule.id: rule.version for rule in plan.waiting}
            found.append(Ungrouped(grouping, ready, members))
        return tuple(found)

    def body(self, rule_id: str, version: int) -> Rule | None:
        """One body of a rule of the pack; None where it is not there any more."""
        rule = self._by_id.get(rule_id)
        bodies = rule.bodies if rule is not None else ()
        return next((body for body in bodies if body.version == version), None)

    def _in_force(self, event_name: str, day: date, group: str) -> Iterable[Rule]:
        """The body of each rule that governs the day, where it is about such events."""
        for rule in self._rules:
            body = rule.on_day(day)
            if body is not None and event_name in body.on and group == JOIN.join(body.group_by):
                yield body
