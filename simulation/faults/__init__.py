"""Labelled cases: for each rule of the starter pack faults and near misses, and bad data.

CASES     every case, in the order in which a day takes turns through them
    cases_about(ids)   those about the rules of the loaded pack
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
from simulation.faults.governed import GOVERNED, Governed

__all__ = ["CASES", "GOVERNED", "Case", "Draft", "Governed", "case_blocks", "cases_about"]

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
