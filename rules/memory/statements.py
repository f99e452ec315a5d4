"""What a site states of its sources, as times that coverage can use."""

from __future__ import annotations

from datetime import date, datetime, tzinfo

from knowledge_base import KnowledgeBase
from rules.memory.coverage import NOTHING_STATED, Stated
from rules.memory.instants import us_of


def stated(knowledge: KnowledgeBase, family: str, day: date, zone: tzinfo) -> Stated:
    """By source since when it delivers every act of a family, as the site states on a day.

    A day begins in the institution's zone.
    """
    if not knowledge.profiles:
        return NOTHING_STATED
    return {
        sender: us_of(datetime(first.year, first.month, first.day, tzinfo=zone))
        for sender, first in knowledge.complete_from(family, day).items()
    }
