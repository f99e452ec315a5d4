"""What cases are put together from: people, practitioners, medicines and whole drafts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

from msgspec import structs

from contracts.values import Coding, Listing, Measurement, Quantity
from knowledge_base import Drug, Institution, Practitioner, ServiceItem
from simulation.catalogue import Catalogue, Medicine
from simulation.chart import Chart
from simulation.faults.case import DoctorFilter, Draft, Who
from simulation.lines import charged, ordered_drug, prescribed
from simulation.people import Person, adult

Write = Callable[[Chart], Draft]
Choose = Callable[[Catalogue], Medicine]


# ---- people


def someone(**known: Any) -> Who:
    """An unremarkable adult, but for what is said here."""

    def make(subject: str, day: date, catalogue: Catalogue, rng: Random) -> Person:
        return replace(adult(subject, day, rng), **known)

    return make


def measured(analyte_id: str, value: Callable[[Catalogue], float], unit: str | None = None) -> Who:
    """An adult with one reported laboratory value, in the analyte's unit or another one."""

    def make(subject: str, day: date, catalogue: Catalogue, rng: Random) -> Person:
        analyte = next(a for a in catalogue.analytes if a.id == analyte_id)
        reported = Quantity(value(catalogue), unit or analyte.unit)
        coding = Coding(*analyte.codes[0], analyte.title.zh)
        listing = Listing((Measurement(coding, value=reported),), True)
        return replace(adult(subject, day, rng), observations=listing)

    return make


def with_grants(has: str | None = None, lacks: str | None = None) -> DoctorFilter:
    """A licensed practitioner of any hospital that holds one grant and lacks another."""

    def fits(institution: Institution, practitioner: Practitioner) -> bool:
        grants = practitioner.grants or frozenset()
        return (
            practitioner.licensed is True
            and practitioner.active_payment is True
            and (has is None or has in grants)
            and (lacks is None or lacks not in grants)
        )

    return fits


def at_level(level: str, has: str) -> DoctorFilter:
    """A practitioner with a grant, at an institution of a level."""
    granted = with_grants(has=has)
    return lambda institution, practitioner: (
        institution.level == level and granted(institution, practitioner)
    )


def tcm(institution: Institution, practitioner: Practitioner) -> bool:
    return practitioner.department == "tcm" and with_grants()(institution, practitioner)


# ---- medicines


def medicine(what: str, wanted: Callable[[Drug], bool]) -> Choose:
    return lambda catalogue: catalogue.find(what, wanted)


def containing(ingredient: str, form: str | None = None) -> Choose:
    def wanted(drug: Drug) -> bool:
        return ingredient in drug.ingredients and form in (None, drug.form)

    return medicine(f"one that contains {ingredient}", wanted)


def among(codeset_id: str) -> Choose:
    def choose(catalogue: Catalogue) -> Medicine:
        members = catalogue.members(codeset_id)
        return catalogue.find(
            f"one with an ingredient of {codeset_id}",
            lambda drug: not members.isdisjoint(drug.ingredients),
        )

    return choose


def plain(catalogue: Catalogue) -> Medicine:
    """A common medicine of no special kind."""
    return catalogue.plain[0]


# ---- drafts


def prescription(
    choose: Choose, days: float | Callable[[Catalogue], float] = 1.0, **line: Any
) -> Write:
    """A prescription of one medicine; `line` overrides fields of its only line."""

    def write(chart: Chart) -> Draft:
        supply = days(chart.catalogue) if callable(days) else days
        item = prescribed("1", choose(chart.catalogue), supply)
        return Draft((structs.replace(item, **line),))

    return write


def together(*choices: Choose) -> Write:
    """A prescription of several medicines, for one day each."""

    def write(chart: Chart) -> Draft:
        chosen = [choose(chart.catalogue) for choose in choices]
        return Draft(tuple(prescribed(str(n), m, 1.0) for n, m in enumerate(chosen, 1)))

    return write


def ordered_together(*choices: Choose, **line: Any) -> Write:
    """An order of one dose of several medicines; `line` overrides fields of every line."""

    def write(chart: Chart) -> Draft:
        chosen = [choose(chart.catalogue) for choose in choices]
        lines = (ordered_drug(str(n), m) for n, m in enumerate(chosen, 1))
        return Draft(tuple(structs.replace(item, **line) for item in lines))

    return write


def charges(*codes: str) -> Write:
    """A bill of several items of the catalogue, by their codes."""

    def coded(code: str) -> Callable[[ServiceItem], bool]:
        return lambda item: item.code == code

    def write(chart: Chart) -> Draft:
        found = [chart.catalogue.find_item(code, coded(code)) for code in codes]
        return Draft(tuple(charged(str(n), i, chart.rng) for n, i in enumerate(found, 1)))

    return write


def order(choose: Choose, **line: Any) -> Write:
    """An order of one dose of a medicine; `line` overrides fields of its only line."""

    def write(chart: Chart) -> Draft:
        item = ordered_drug("1", choose(chart.catalogue))
        return Draft((structs.replace(item, **line),))

    return write


def charge(
    what: str,
    wanted: Callable[[ServiceItem], bool],
    quantity: float | Callable[[Catalogue], float] = 1.0,
    **line: Any,
) -> Write:
    """A charge of one item; `line` overrides fields of its only line."""

    def write(chart: Chart) -> Draft:
        number = quantity(chart.catalogue) if callable(quantity) else quantity
        item = charged("1", chart.catalogue.find_item(what, wanted), chart.rng, number)
        return Draft((structs.replace(item, **line),))

    return write


def limit(parameter_id: str, *key: str, more: float = 0.0) -> Callable[[Catalogue], float]:
    """A limit of the knowledge base as of the day, or something more than it."""
    return lambda catalogue: catalogue.number(parameter_id, *key) + more
