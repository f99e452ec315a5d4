"""Diagnoses of ordinary visits: common complaints that no code set of a rule singles out."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final

from contracts.values import Coding, Diagnosis
from knowledge_base import KnowledgeBase
from simulation.errors import NothingToSimulate

ICD10: Final = "http://hl7.org/fhir/sid/icd-10"

_COMMON: Final = (
    ("J00", "急性鼻咽炎"),
    ("J06.9", "急性上呼吸道感染"),
    ("J20.9", "急性支气管炎"),
    ("K29.5", "慢性胃炎"),
    ("K30", "功能性消化不良"),
    ("M54.5", "下背痛"),
    ("R51", "头痛"),
    ("L30.9", "皮炎"),
    ("H10.9", "结膜炎"),
    ("R05", "咳嗽"),
    ("S93.4", "踝关节扭伤"),
    ("Z00.0", "一般性健康检查"),
)


def diagnosis(code: str, display: str, role: str = "principal", line_id: str = "d1") -> Diagnosis:
    return Diagnosis(Coding(ICD10, code, display), line_id=line_id, role=role)


class Complaints:
    """The diagnoses to draw from. Raises NothingToSimulate where rules single out all of them."""

    def __init__(self, knowledge: KnowledgeBase, day: date) -> None:
        sets = [s for s in knowledge.codesets.values() if s.of == "icd10"]
        self._plain = tuple(
            diagnosis(code, display)
            for code, display in _COMMON
            if not any(s.matches(code, day) for s in sets)
        )
        if not self._plain:
            raise NothingToSimulate(
                "every common diagnosis stands in some ICD-10 code set; add others to "
                "simulation/diagnoses.py"
            )

    def draw(self, rng: Random) -> tuple[Diagnosis, ...]:
        return (rng.choice(self._plain),)
