"""Labelled cases: for each rule of the starter pack faults and near misses, and bad data.

CASES     every case of one act, in the order in which a day takes turns through them
    cases_about(ids)   those about the rules of the loaded pack
COURSES   cases of several events in time, for rules that look back or wait
    courses_about(ids) likewise
"""

from collections.abc import Container
from itertools import chain, zip_longest
from typing import Final

from simulation.faults import (
    antimicrobials,
    billing,
    controlled_drugs,
    data_quality,
    medication_safety,
    prescription_standards,
    qualification,
)
from simulation.faults.case import Case, Draft, case_blocks
from simulation.faults.course import Course
from simulation.faults.courses import COURSES
from simulation.faults.governed import GOVERNED, Governed

__all__ = [
    "CASES",
    "COURSES",
    "GOVERNED",
    "Case",
    "Course",
    "Draft",
    "Governed",
    "case_blocks",
    "cases_about",
    "courses_about",
]

_FAMILIES = (
    prescription_standards.CASES,
    medication_safety.CASES,
    billing.CASES,
    controlled_drugs.CASES,
    antimicrobials.CASES,
    data_quality.CASES,
    qualification.CASES,
)

CASES: Final[tuple[Case, ...]] = tuple(
    case for case in chain.from_iterable(zip_longest(*_FAMILIES)) if case is not None
)


def cases_about(rule_ids: Container[str]) -> tuple[Case, ...]:
    """The cases about these rules: what a day may label where another pack is loaded."""
    return tuple(case for case in CASES if case.rule_id in rule_ids)


def courses_about(
    rule_ids: Container[str], *, is_whole_past_known: bool = True, is_in_order: bool = True
) -> tuple[Course, ...]:
    """The courses about these rules.

    Where the past begins with the first event that is sent, nobody knows that something did not
    happen before: those whose answer needs it are left out. So are, where a day is sent in
    minutes, those whose events go through several topics: any of them may be read first, and a
    rule that answers at once says what it knew.
    """
    return tuple(
        course
        for course in COURSES
        if course.rule_id in rule_ids
        and (is_whole_past_known or not _needs_past(course))
        and (is_in_order or not _needs_order(course))
    )


def _needs_order(course: Course) -> bool:
    return len({told.type.partition(".")[0] for told in course.events}) > 1


def _needs_past(course: Course) -> bool:
    return course.waits or course.expected == "silent"
