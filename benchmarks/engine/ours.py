"""The neutral rules and events as ours: a pack, its knowledge base, and the product's events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import knowledge_base
from benchmarks.engine.neutral import DIAGNOSIS, EVENT, ITEM, Condition, Rule, Visit
from benchmarks.engine.workload import Drug as Prescribed
from benchmarks.engine.workload import Workload
from contracts.acts import Prescription, PrescriptionItem
from contracts.event import Envelope, Event
from contracts.values import Amount, Coding, Diagnosis, EncounterRef, PatientSnapshot
from knowledge_base import KnowledgeBase
from knowledge_base.model import (
    Basis,
    CodeSet,
    Dated,
    Drug,
    History,
    Members,
    Names,
    Parameter,
    ParameterValue,
)
from rules.finding_model import FindingSpec
from rules.model import (
    AllOf,
    AnyOf,
    CodeSetOperand,
    Effective,
    Evidence,
    Literal,
    Operand,
    ParameterOperand,
    Test,
    Words,
)
from rules.model import Condition as Tree
from rules.model import Rule as OurRule
from rules.pack import Pack

SYSTEM: Final = "urn:bench"
ICD10: Final = "urn:oid:2.16.156.10011.2.3.3.11"
DAY: Final = date(2026, 6, 1)
TIME: Final = datetime(2026, 6, 1, 4, tzinfo=UTC)
_START: Final = date(2020, 1, 1)
_BASIS: Final = Basis("bench", "generated")
_EACH: Final = {EVENT: "", ITEM: "items", DIAGNOSIS: "diagnoses"}
_FACTS: Final = {
    "drug": "item.drug",
    "ingredient": "item.drug.ingredients",
    "dose_mg": "item.dose",
    "doses_per_day": "item.doses_per_day",
    "days_supply": "item.days_supply",
    "route": "item.route",
    "diagnosis": "diagnosis.code",
    "diagnoses": "event.diagnoses",
    "department": "event.department",
    "item_count": "event.item_count",
    "age": "patient.age",
    "sex": "patient.sex",
    "pregnant": "patient.pregnant",
    "encounter": "encounter.kind",
    "is_rescue": "encounter.is_rescue",
}
_CODESETS: Final = {
    "drug": "drug",
    "ingredient": "ingredient",
    "diagnosis": "icd10",
    "diagnoses": "icd10",
}
_UNITS: Final = {
    "dose_mg": "mg",
    "doses_per_day": "1/d",
    "days_supply": "d",
    "age": "a",
    "item_count": "1",
}


def translate(workload: Workload) -> tuple[Pack, KnowledgeBase]:
    """The pack, and a knowledge base with its limits, its code sets and the drugs."""
    translation = _Translation()
    pack = Pack.of([translation.rule(rule) for rule in workload.rules])
    shipped = knowledge_base.load(knowledge_base.default_paths())
    return pack, replace(
        shipped,
        digest="0" * 16,
        parameters=translation.parameters,
        codesets=translation.codesets,
        _drugs={(SYSTEM, drug.code): _drug(drug) for drug in workload.drugs},
    )


class _Translation:
    """Gathers limits and code sets while it translates rules."""

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}
        self.codesets: dict[str, CodeSet] = {}

    def rule(self, rule: Rule) -> OurRule:
        message = Names("基准", "{threshold}" if _has_limit(rule) else "bench")
        finding = FindingSpec("suspected", "warning", "remind", ("prescriber",), message)
        return OurRule(
            id=rule.id,
            version=1,
            title=Names("基准规则", "A benchmark rule"),
            status="shadow",
            effective=Effective(_START),
            on=("prescription.signed",),
            each=_EACH[rule.of],
            scope=AllOf(self._tests(rule, "scope", rule.scope)),
            when=AllOf(self._tests(rule, "when", rule.when)),
            unless=AnyOf(self._tests(rule, "unless", rule.unless)),
            finding=finding,
            evidence=(Evidence("bench", "generated"),),
        )

    def _tests(self, rule: Rule, part: str, listed: tuple[Condition, ...]) -> tuple[Tree, ...]:
        name = rule.id.replace("bench.", f"bench.{part}_")
        return tuple(self._test(f"{name}_{n}", condition) for n, condition in enumerate(listed))

    def _test(self, name: str, condition: Condition) -> Test:
        operator = condition.operator
        if condition.field == "ingredient":
            operator = "any_in"
        operand = self._operand(name, condition)
        return Test(_FACTS[condition.field], operator, (operand,))

    def _operand(self, name: str, condition: Condition) -> Operand:
        value, field = condition.value, condition.field
        if isinstance(value, tuple):
            if field not in _CODESETS:
                return Words(value)
            codes = frozenset(f"{SYSTEM}|{word}" if field == "drug" else word for word in value)
            of = _CODESETS[field]
            lengths = tuple(sorted({len(code) for code in codes})) if of == "icd10" else ()
            members = History([Dated(Members(codes, lengths, _BASIS), _START, None)])
            self.codesets[name] = CodeSet(name, Names(name, name), of, members)
            return CodeSetOperand(name)
        if isinstance(value, str | bool):
            return Literal(value)
        row = ParameterValue(value, _UNITS[field], "bench", "generated", _START, None)
        rows: dict[tuple[str, ...], History[ParameterValue]] = {
            (): History([Dated(row, _START, None)])
        }
        self.parameters[name] = Parameter(name, Names(name, name), _UNITS[field], (), rows)
        return ParameterOperand(name)


def _has_limit(rule: Rule) -> bool:
    return any(condition.operator in ("above", "below") for condition in rule.when)


def _drug(drug: Prescribed) -> History[Drug]:
    found = Drug(
        key=f"{SYSTEM}|{drug.code}",
        system=SYSTEM,
        code=drug.code,
        name=Names(drug.code, drug.code),
        ingredients=(drug.ingredient,),
        kind="western",
        form="other",
        control="none",
        antimicrobial_grade="none",
        requires_skin_test=False,
        usual=None,
    )
    return History([Dated(found, _START, None)])


def event_of(visit: Visit) -> Event:
    """The visit as a signed prescription."""
    data: Any = Prescription(
        act_id=visit.id,
        revision=1,
        institution="bench",
        department=visit.department,
        encounter=EncounterRef(
            id=f"visit-{visit.id}", kind=visit.encounter, is_rescue=visit.is_rescue
        ),
        patient=PatientSnapshot(
            birth_date=date(DAY.year - visit.age, 1, 1), sex=visit.sex, pregnant=visit.pregnant
        ),
        diagnoses=tuple(Diagnosis(Coding(ICD10, code)) for code in visit.diagnoses),
        items=tuple(
            PrescriptionItem(
                line_id=line.id,
                drug=Coding(SYSTEM, line.drug),
                dose=Amount(line.dose_mg, "mg"),
                doses_per_day=float(line.doses_per_day),
                days_supply=float(line.days_supply),
                route=Coding("urn:yijian:route", line.route),
            )
            for line in visit.lines
        ),
    )
    return Envelope(
        specversion="1.0",
        id=visit.id,
        source="urn:bench:his",
        type="prescription.signed.v1",
        time=TIME,
        subject=f"bench|{visit.id}",
        data=data,
    )
