"""What the simulated hospitals can choose from, drawn from the knowledge base of one day.

Ordinary traffic takes only what no rule can object to: drugs and items that stand in no code set
and under no special control, used as they usually are. Everything remarkable comes as a labelled
case. So "no false alert" needs no copy of any rule's condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from contracts.values import Amount, Coding
from knowledge_base import (
    Department,
    Drug,
    Institution,
    KnowledgeBase,
    Practitioner,
    ServiceItem,
    Usual,
)
from simulation.errors import NothingToSimulate

T = TypeVar("T")

KINDS: Final = ("outpatient", "emergency", "inpatient")
ROUTES: Final = "urn:yijian:demo:route"
FALLBACK_PRICE: Final = Decimal("10.00")


@dataclass(frozen=True, slots=True)
class Desk:
    """One place where patients of one kind are seen, with the people who see them."""

    institution: Institution
    department: Department
    practitioners: tuple[Practitioner, ...]


@dataclass(frozen=True, slots=True)
class Medicine:
    """A drug with what a prescription line of it is usually made of."""

    drug: Drug
    coding: Coding
    usual: Usual
    dose: Amount
    route: Coding
    sold_as: ServiceItem | None


def drug_coding(drug: Drug) -> Coding:
    return Coding(drug.system, drug.code, drug.name.zh)


def item_coding(item: ServiceItem) -> Coding:
    return Coding(item.system, item.code, item.name.zh)


def medicine(drug: Drug, sold_as: ServiceItem | None) -> Medicine:
    """The drug as it is usually prescribed. Raises NothingToSimulate where that is not known."""
    usual = drug.usual
    if usual is None:
        raise NothingToSimulate(
            f"drug {drug.key} has no usual dose; add `usual:` to its entry in the demo catalogue"
        )
    return Medicine(
        drug=drug,
        coding=drug_coding(drug),
        usual=usual,
        dose=Amount(usual.dose, usual.dose_unit),
        route=Coding(ROUTES, usual.route),
        sold_as=sold_as,
    )


class Catalogue:
    """The choices of one day. Raises NothingToSimulate where one of them is empty."""

    def __init__(self, knowledge: KnowledgeBase, day: date) -> None:
        self.knowledge = knowledge
        self.day = day
        self.items: Final = knowledge.items(day)
        self._sold: Final = {i.drug: i for i in self.items if i.drug is not None}
        self.medicines: Final = tuple(
            medicine(d, self._sold.get(d.key)) for d in knowledge.drugs(day) if d.usual is not None
        )
        listed = _listed(knowledge)
        plain = [m for m in self.medicines if _is_plain(m.drug, listed)]
        self.plain: Final = _some(
            "drugs of no special control and grade that stand in no code set, with a usual dose",
            (m for m in plain if m.drug.antimicrobial_grade == "none"),
        )
        self.herbs: Final = tuple(
            m for m in self.medicines if m.drug.kind == "herbal" and m.drug.key not in listed
        )
        self._by_grants: Final = {
            p.grants: (*self.plain, *(m for m in plain if _grant(m.drug) in (p.grants or ())))
            for p in knowledge.practitioners(day)
        }
        services = [i for i in self.items if i.category == "service" and i.key not in listed]
        self.tests: Final = _some(
            "orderable items counted by the piece that stand in no code set",
            (i for i in services if i.orderable and i.unit == "1"),
        )
        self._fees: Final = _some(
            "service items that are not ordered and stand in no code set",
            (i for i in services if not i.orderable),
        )
        self.consumables: Final = _some(
            "items of category consumable without a required UDI",
            (
                i
                for i in self.items
                if i.category == "consumable" and i.requires_udi is False and i.key not in listed
            ),
        )
        self.analytes: Final = tuple(a for a in knowledge.analytes() if a.codes)
        self.desks: Final = {
            kind: _some(
                f"departments for {kind} visits with a licensed practitioner",
                _desks(knowledge, day, kind),
            )
            for kind in KINDS
        }

    def medicines_for(self, practitioner: Practitioner) -> tuple[Medicine, ...]:
        """What this practitioner prescribes on an ordinary day: antimicrobials within the grant."""
        return self._by_grants[practitioner.grants]

    def fees(self, kind: str) -> tuple[ServiceItem, ...]:
        """What a visit of this kind is charged for without an order."""
        word = "in-patient" if kind == "inpatient" else kind
        named = tuple(i for i in self._fees if word in i.name.en.lower())
        return named or self._fees

    def find(self, what: str, wanted: Callable[[Drug], bool]) -> Medicine:
        """The first drug (by key) that is wanted; `what` names it in the error."""
        return _some(f"a drug: {what}", (m for m in self.medicines if wanted(m.drug)))[0]

    def find_item(self, what: str, wanted: Callable[[ServiceItem], bool]) -> ServiceItem:
        """The first item (by key) that is wanted; `what` names it in the error."""
        return _some(f"an item: {what}", (i for i in self.items if wanted(i)))[0]

    def number(self, parameter_id: str, *key: str) -> float:
        """A limit as of the day. Raises NothingToSimulate where it is not known."""
        parameter = self.knowledge.parameter(parameter_id)
        value = parameter.at(self.day, key) if parameter is not None else None
        if value is None or isinstance(value.value, str):
            row = f" for {', '.join(key)}" if key else ""
            raise NothingToSimulate(
                f"the knowledge base has no number {parameter_id}{row} on {self.day}; "
                "load the shipped data or choose another --date"
            )
        return float(value.value)

    def members(self, codeset_id: str) -> frozenset[str]:
        """The members of a code set as of the day; empty where there is no such set."""
        codeset = self.knowledge.codeset(codeset_id)
        return codeset.at(self.day) if codeset is not None else frozenset()


def _some(what: str, found: Iterable[T]) -> tuple[T, ...]:
    chosen = tuple(found)
    if not chosen:
        raise NothingToSimulate(
            f"the knowledge base holds no {what}; load its demo catalogue as well"
        )
    return chosen


def _listed(knowledge: KnowledgeBase) -> frozenset[str]:
    """Everything that some code set of drugs, ingredients or items names on any day."""
    return frozenset().union(
        *(s.ever() for s in knowledge.codesets.values() if s.of in ("ingredient", "drug", "item"))
    )


def _is_plain(drug: Drug, listed: frozenset[str]) -> bool:
    return (
        drug.kind in ("western", "patent")
        and drug.control == "none"
        and drug.antimicrobial_grade != "special"
        and not drug.requires_skin_test
        and drug.key not in listed
        and listed.isdisjoint(drug.ingredients)
    )


def _grant(drug: Drug) -> str:
    """The grant that a practitioner needs for an antimicrobial of this drug's grade."""
    return f"antimicrobial_{drug.antimicrobial_grade}"


def _desks(knowledge: KnowledgeBase, day: date, kind: str) -> Iterable[Desk]:
    staff = [p for p in knowledge.practitioners(day) if p.licensed and p.active_payment is True]
    for institution in knowledge.institutions(day):
        for department in institution.departments:
            people = tuple(
                p
                for p in staff
                if p.institution == institution.id and p.department == department.id
            )
            if kind in department.kinds and people:
                yield Desk(institution, department, people)
