"""What the acts of courses say: records, medicines, charges, results and cards."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from contracts.acts import AdministrationItem, DispenseItem, ResultItem
from contracts.values import Actor, Amount, Coding, Diagnosis, Measurement, Quantity
from simulation import lines
from simulation.blocks import vital_signs
from simulation.catalogue import item_coding
from simulation.chart import Chart
from simulation.faults.course import Fields, Lives
from simulation.faults.parts import Choose, plain
from simulation.people import LOINC

ICD10: Final = "http://hl7.org/fhir/sid/icd-10"


def given(**fields: Any) -> Fields:
    return lambda chart, lives: fields


def now_in(*names: str, **fields: Any) -> Fields:
    """These fields, and the present time in the named ones."""
    return lambda chart, lives: {**fields, **dict.fromkeys(names, chart.now())}


def signed(kind: str, about: str = "", level: str = "attending") -> Fields:
    """A record that is signed now; `about`: the act of the course that it documents."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        subject = {"about": lives[about].act.act_id} if about else {}
        now = chart.now()
        return {
            "kind": kind, "signed_at": now, "signed_at_trusted": True, "signer_level": level,
            **subject,
        }  # fmt: skip

    return write


def about_act(name: str, field: str = "about", **fields: Any) -> Fields:
    """These fields, and the id of another act of the course."""
    return lambda chart, lives: {field: lives[name].act.act_id, **fields}


def prescribed(choose: Choose, days: float) -> Fields:
    return lambda chart, lives: {
        "items": (lines.prescribed("1", choose(chart.catalogue), days),),
        "diagnoses": chart.diagnoses,
        "signed_at": chart.now(),
    }


def ordered(choose: Choose, **line: Any) -> Fields:
    return lambda chart, lives: {
        "items": (replace(lines.ordered_drug("1", choose(chart.catalogue)), **line),),
        "diagnoses": chart.diagnoses,
    }


def _item(chart: Chart, code: str) -> Any:
    return chart.catalogue.find_item(code, lambda item: item.code == code)


def ordered_item(code: str) -> Fields:
    return lambda chart, lives: {
        "items": (lines.ordered("1", _item(chart, code)),),
        "diagnoses": chart.diagnoses,
    }


def charged(code: str) -> Fields:
    return lambda chart, lives: {
        "items": (lines.charged("1", _item(chart, code), chart.rng),),
        "charged_at": chart.now(),
    }


def dose(choose: Choose) -> Fields:
    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        medicine = choose(chart.catalogue)
        line = AdministrationItem(
            line_id="1", drug=medicine.coding, dose=medicine.dose, route=medicine.route,
            given_at=chart.now(),
        )  # fmt: skip
        return {"items": (line,), "checked_by": None}

    return write


def potassium(value: float, is_critical: bool) -> Fields:
    """A result of potassium, reported now."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        analyte = next(a for a in chart.catalogue.analytes if a.id == "potassium")
        line = ResultItem(
            code=Coding(*analyte.codes[0], analyte.title.zh),
            value=Quantity(value, analyte.unit), at=chart.now(), line_id="1", critical=is_critical,
        )  # fmt: skip
        return {"items": (line,), "reported_at": chart.now()}

    return write


def examined(code: str, is_recognised: bool) -> Fields:
    return lambda chart, lives: {
        "code": item_coding(_item(chart, code)),
        "mutually_recognised": is_recognised,
        "reported_at": chart.now(),
    }


def diagnosed(code: str, text: str) -> Fields:
    return given(diagnosis=Diagnosis(Coding(ICD10, code, text)))


def reported(code: str) -> Fields:
    return about_act("condition", "condition", disease=Coding(ICD10, code), case_class="confirmed")


def observed(**changed: float) -> Fields:
    """A whole set of vital signs, of somebody who is well but for what is changed."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        now = chart.now()
        warm = Measurement(
            code=Coding(LOINC, "8310-5", "体温"), value=Quantity(36.8, "Cel"), at=now, line_id="1"
        )
        return {"items": (warm, *vital_signs(now, chart.rng, **changed))}

    return write


def dispensed(*codes: str) -> Fields:
    """A pack with the trace code of this visit, and of the word."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        found = tuple(f"8{zlib.crc32(f'{chart.ref.id}{code}'.encode()):019d}" for code in codes)
        line = DispenseItem(
            line_id="1", drug=plain(chart.catalogue).coding, quantity=Amount(1.0, "1"),
            trace_codes=found,
        )  # fmt: skip
        return {"items": (line,), "dispensed_at": chart.now()}

    return write


def card(chart: Chart, lives: Lives) -> Mapping[str, Any]:
    """A card of a disease that nobody else has."""
    disease = Coding("urn:yijian:simulation:disease", chart.ref.id)
    return {"disease": disease, "reported_at": chart.now()}


def elsewhere(institution: str) -> Fields:
    """A prescription of somebody who is no other visit's physician, at an institution."""

    def write(chart: Chart, lives: Lives) -> Mapping[str, Any]:
        who = Actor(f"{chart.ref.id}-physician", "attending")
        usual = prescribed(plain, 1)(chart, lives)
        return {**usual, "institution": institution, "practitioner": who}

    return write
