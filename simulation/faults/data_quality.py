"""Contradictions in the data themselves, and things that no catalogue knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from msgspec import UNSET, structs

from contracts.values import Actor, Coding
from simulation.chart import Chart
from simulation.diagnoses import diagnosis
from simulation.faults.case import Case, Draft
from simulation.faults.parts import (
    Write,
    plain,
    prescription,
    someone,
)
from simulation.lines import charged, prescribed

CATEGORY: Final = "data_quality.charge_category"
ORDER: Final = "data_quality.discharge_before_admission"
FEMALE: Final = "data_quality.female_only_diagnosis"
MALE: Final = "data_quality.male_only_diagnosis"


def _diagnosed(codeset_id: str) -> Write:
    """A common prescription with a diagnosis of a code set; the diagnosis is the element."""

    def write(chart: Chart) -> Draft:
        code = min(chart.catalogue.members(codeset_id))
        line = prescribed("1", plain(chart.catalogue), 1.0)
        said = diagnosis(code, "诊断", line_id="d9")
        return Draft((line,), {"diagnoses": (said,)})

    return write


def _ends(before_start: timedelta) -> Write:
    """A visit that is said to end so long before it began."""

    def write(chart: Chart) -> Draft:
        ended = {"ended_at": chart.started_at - before_start}
        return Draft(at={"updated": ended, "ended": ended})

    return write


def _service(chart: Chart, **changes: Any) -> Draft:
    line = charged("1", chart.fees[0], chart.rng)
    return Draft((structs.replace(line, **changes),))


def _unknown_item(chart: Chart) -> Draft:
    item = Coding("urn:yijian:simulation:item", "X-404", "目录外项目")
    return _service(chart, item=item)


def _by_nobody(chart: Chart) -> Draft:
    line = prescribed("1", plain(chart.catalogue), 1.0)
    return Draft((line,), {"practitioner": Actor("X-404", "attending")})


_UNKNOWN_DRUG = Coding("urn:yijian:simulation:drug", "X-404", "目录外药品")

CASES: Final = (
    Case(CATEGORY, "a service reported as a drug", "alert",
         lambda chart: _service(chart, category="drug"), "billing"),
    Case(CATEGORY, "as in the catalogue", "silent", _service, "billing"),
    Case(CATEGORY, "another word", "not_evaluable",
         lambda chart: _service(chart, category="诊查费"), "billing"),
    Case(ORDER, "an hour before the start", "alert", _ends(timedelta(hours=1)), "encounter"),
    Case(ORDER, "at the very start", "silent", _ends(timedelta(0)), "encounter"),
    Case(FEMALE, "a man", "alert", _diagnosed("female_only_diagnoses")),
    Case(FEMALE, "a woman", "silent", _diagnosed("female_only_diagnoses"),
         who=someone(sex="female")),
    Case(MALE, "a woman", "alert", _diagnosed("male_only_diagnoses"), who=someone(sex="female")),
    Case(MALE, "a man", "silent", _diagnosed("male_only_diagnoses")),
    Case(MALE, "sex not reported", "not_evaluable", _diagnosed("male_only_diagnoses"),
         who=someone(sex=UNSET)),
    # what no catalogue knows: the decision must not be clean
    Case("prescription_standards.days_supply", "drug in no catalogue", "undetermined",
         prescription(plain, drug=_UNKNOWN_DRUG)),
    Case("billing.udi_missing", "charge in no catalogue", "undetermined", _unknown_item,
         "billing"),
    Case("qualification.licence_not_valid", "practitioner in no registry", "not_evaluable",
         _by_nobody),
)  # fmt: skip
