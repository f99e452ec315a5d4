"""A run that takes note of what could be looked at, for explanations."""

from __future__ import annotations

from msgspec import UNSET

from contracts.event import Event
from rules.engine.asked import NOW, Asked
from rules.engine.plan import Group, Plans, Ready
from rules.engine.run import Run, local_day
from rules.facts.base import Context, Element
from rules.naming import line_names


class Watched(Run):
    """A run that takes note of what could be looked at."""

    __slots__ = ("seen",)

    def __init__(self, plans: Plans, event: Event, asked: Asked = NOW) -> None:
        super().__init__(plans, event, asked)
        self.seen: list[tuple[Ready, Context, Element | None]] = []

    def element(self, group: Group, c: Context, x: Element | None) -> None:
        self.seen += [(ready, c, x) for ready in group.everything]
        super().element(group, c, x)

    def items(self, group: Group | None) -> None:
        super().items(None)
        items = self.event.data.items  # type: ignore[union-attr]
        for item, name in zip(items, line_names(items), strict=True):
            at = getattr(item, "service_time", None)
            is_today = at is None or at is UNSET or local_day(at, self.zone) in (None, self.day)
            if group is not None and is_today:
                self.all_of(group, [Element(item, name)])
