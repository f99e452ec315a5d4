"""A small population as FHIR R4 transaction bundles, one a patient, for demonstrations and tests.

Made from the demonstration catalogue of one day, so rules can judge it once it is imported. Every
fifth patient gets a drug in another hospital's code: what no catalogue knows must come out as
"not checked". Nobody has a name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from contracts.values import Coding
from knowledge_base import KnowledgeBase
from simulation.catalogue import Catalogue, Desk, Medicine, item_coding
from simulation.day import Frame, arrival_offset
from simulation.diagnoses import Complaints
from simulation.errors import NothingToSimulate

Resource = dict[str, Any]

_IDS: Final = UUID("a3d0f2c1-6f5b-5d0e-9a53-5b1c2f7e8d40")
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
_UCUM: Final = "http://unitsofmeasure.org"
_LOINC: Final = "http://loinc.org"
_SNOMED: Final = "http://snomed.info/sct"
_CLASSES: Final = {"outpatient": "AMB", "emergency": "EMER", "inpatient": "IMP"}
_KINDS: Final = ("outpatient", "emergency", "inpatient", "inpatient")
_STAY: Final = timedelta(days=3)
_FOREIGN: Final = Coding("urn:oid:2.999.1", "LOCAL-17", "另一家医院的院内编码药品")


def fhir_bundles(
    knowledge: KnowledgeBase,
    day: date,
    *,
    seed: int = 1,
    patients: int = 12,
    until: datetime | None = None,
    institution: str | None = None,
) -> Iterator[Resource]:
    """One transaction bundle a patient, visited on `day` and before `until`.

    The same arguments give the same bundles. `institution` is the id of the hospital whose
    departments they visit; by default the first that sees out-patients, emergencies and
    in-patients. Raises NothingToSimulate where the knowledge base lacks what a visit needs.
    """
    catalogue = Catalogue(knowledge, day)
    place = institution or hospital_of(catalogue)
    complaints = Complaints(knowledge, day)
    for number in range(patients):
        yield _Chart(catalogue, complaints, place, day, until, seed, number).bundle()


def hospital_of(catalogue: Catalogue) -> str:
    """The id of the first hospital that sees patients of every kind."""
    every = [{d.institution.id for d in desks} for desks in catalogue.desks.values()]
    common = sorted(set.intersection(*every))
    if not common:
        raise NothingToSimulate(
            "the knowledge base holds no hospital with licensed practitioners for out-patients, "
            "emergencies and in-patients; load its demo catalogue as well"
        )
    return common[0]


def write_bundles(bundles: Iterable[Resource], folder: Path) -> list[Path]:
    """The files written, one a bundle, in a folder that exists."""
    paths = []
    for number, bundle in enumerate(bundles):
        path = folder / f"patient-{number:05}.json"
        path.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
        paths.append(path)
    return paths


class _Chart:
    """One patient's visit, written as resources that refer to each other."""

    def __init__(
        self,
        catalogue: Catalogue,
        complaints: Complaints,
        institution: str,
        day: date,
        until: datetime | None,
        seed: int,
        number: int,
    ) -> None:
        self._catalogue = catalogue
        self._seed, self._number, self._day = seed, number, day
        self._rng = Random(f"fhir/{seed}/{number}")
        self._kind = _KINDS[number % len(_KINDS)]
        self._is_open = number % len(_KINDS) == 3
        self._desk = self._draw_desk(institution)
        self._complaint = complaints.draw(self._rng)[0].code
        zone = self._desk.institution.time_zone
        self._zone = ZoneInfo(zone)
        self._frame = Frame.of(day, zone, until)
        self._arrival_s = min(arrival_offset(self._kind, self._rng), 72_000.0)
        self._entries: list[Resource] = []

    def bundle(self) -> Resource:
        patient = self._add(self._patient())
        self._subject = {"reference": patient}
        self._by = {"reference": self._add(self._practitioner())}
        self._condition = {"reference": self._name(2)}
        self._visit = {"reference": self._name(3)}
        self._add(self._condition_resource())
        self._add(self._encounter())
        self._add(self._allergy())
        self._add(self._blood_pressure())
        self._add(self._laboratory())
        self._add(self._order())
        medicine = self._rng.choice(self._catalogue.plain)
        if self._number % 3 == 2:  # by reference, as many systems do
            drug = {"resourceType": "Medication", "code": _concept(medicine.coding)}
            prescribed = {"medicationReference": {"reference": self._add(drug)}}
        else:
            coding = _FOREIGN if self._number % 5 == 4 else medicine.coding
            prescribed = {"medicationCodeableConcept": _concept(coding)}
        prescription = self._add(self._prescription(medicine, prescribed))
        self._add(self._drug_claim(medicine, prescription))
        self._add(self._service_claim())
        return {"resourceType": "Bundle", "type": "transaction", "entry": self._entries}

    # resources -------------------------------------------------------------------------------

    def _patient(self) -> Resource:
        born = self._day - timedelta(days=365 * self._rng.randint(30, 59) + 40)
        sex = self._rng.choice(("female", "male"))
        return {"resourceType": "Patient", "gender": sex, "birthDate": born.isoformat()}

    def _practitioner(self) -> Resource:
        person = self._rng.choice(self._desk.practitioners)
        # The registry's id is the resource's: it is what rules look practitioners up by.
        return {"resourceType": "Practitioner", "id": person.id, "active": True}

    def _condition_resource(self) -> Resource:
        return {
            "resourceType": "Condition",
            "clinicalStatus": _code(f"{_TERMINOLOGY}/condition-clinical", "active"),
            "verificationStatus": _code(f"{_TERMINOLOGY}/condition-ver-status", "confirmed"),
            "code": _concept(self._complaint),
            "subject": self._subject,
            "encounter": self._visit,
            "recordedDate": self._at(6, admitted=True),
        }

    def _encounter(self) -> Resource:
        period = {"start": self._at(0, admitted=True)}
        if not self._is_open:
            period["end"] = self._at(90)
        department = {"coding": [{"code": self._desk.department.id}]}
        return {
            "resourceType": "Encounter",
            "status": "in-progress" if self._is_open else "finished",
            "class": {"system": f"{_TERMINOLOGY}/v3-ActCode", "code": _CLASSES[self._kind]},
            "serviceType": department,
            "subject": self._subject,
            "participant": [{"individual": self._by}],
            "period": period,
            "diagnosis": [
                {
                    "condition": self._condition,
                    "use": _code(f"{_TERMINOLOGY}/diagnosis-role", "AD"),
                    "rank": 1,
                }
            ],
        }

    def _allergy(self) -> Resource:
        code = {"system": _SNOMED, "code": "716186003", "display": "No known allergy"}
        if self._number % 4 == 1:
            code = {"system": _SNOMED, "code": "735029006", "display": "Wheat"}
        status = f"{_TERMINOLOGY}/allergyintolerance"
        return {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": _code(f"{status}-clinical", "active"),
            "verificationStatus": _code(f"{status}-verification", "confirmed"),
            "code": {"coding": [code]},
            "patient": self._subject,
            "recordedDate": self._at(5, admitted=True),
        }

    def _blood_pressure(self) -> Resource:
        parts = (("8480-6", self._rng.randint(105, 135)), ("8462-4", self._rng.randint(65, 85)))
        return {
            **self._observation("vital-signs", "85354-9", "Blood pressure panel", 10),
            "component": [
                {"code": _code(_LOINC, code), "valueQuantity": _quantity(value, "mm[Hg]")}
                for code, value in parts
            ],
        }

    def _laboratory(self) -> Resource:
        value = round(self._rng.uniform(3.7, 4.9), 1)
        return {
            **self._observation("laboratory", "2823-3", "Potassium in serum or plasma", 40),
            "issued": self._at(50),
            "valueQuantity": _quantity(value, "mmol/L"),
            "referenceRange": [{"low": _quantity(3.5, "mmol/L"), "high": _quantity(5.3, "mmol/L")}],
            "interpretation": [_code(f"{_TERMINOLOGY}/v3-ObservationInterpretation", "N")],
        }

    def _observation(self, category: str, code: str, display: str, minutes: int) -> Resource:
        return {
            "resourceType": "Observation",
            "status": "final",
            "category": [_code(f"{_TERMINOLOGY}/observation-category", category)],
            "code": _concept(Coding(_LOINC, code, display)),
            "subject": self._subject,
            "encounter": self._visit,
            "effectiveDateTime": self._at(minutes),
            "performer": [self._by],
        }

    def _order(self) -> Resource:
        item = self._rng.choice(self._catalogue.tests)
        return {
            "resourceType": "ServiceRequest",
            "status": "completed",
            "intent": "order",
            "code": _concept(item_coding(item)),
            "subject": self._subject,
            "encounter": self._visit,
            "authoredOn": self._at(20),
            "requester": self._by,
            "reasonReference": [self._condition],
        }

    def _prescription(self, medicine: Medicine, prescribed: Resource) -> Resource:
        usual = medicine.usual
        repeat = {"frequency": round(usual.doses_per_day), "period": 1, "periodUnit": "d"}
        dose = _quantity(medicine.dose.value, medicine.dose.unit)
        return {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            **prescribed,
            "subject": self._subject,
            "encounter": self._visit,
            "authoredOn": self._at(60),
            "requester": self._by,
            "reasonReference": [self._condition],
            "dosageInstruction": [
                {
                    "text": usual.usage,
                    "timing": {"repeat": repeat},
                    "route": _concept(medicine.route),
                    "doseAndRate": [{"doseQuantity": dose}],
                }
            ],
            "dispenseRequest": {"expectedSupplyDuration": _quantity(usual.days, "d")},
        }

    def _drug_claim(self, medicine: Medicine, prescription: str) -> Resource:
        item = medicine.sold_as
        coding = medicine.coding if item is None else item_coding(item)
        price = float(item.price) if item is not None and item.price is not None else 10.0
        return {
            **self._claim("pharmacy", coding, price, 70),
            "prescription": {"reference": prescription},
        }

    def _service_claim(self) -> Resource:
        item = self._rng.choice(self._catalogue.fees(self._kind))
        price = float(item.price) if item.price is not None else 10.0
        return self._claim("professional", item_coding(item), price, 75)

    def _claim(self, kind: str, coding: Coding, price: float, minutes: int) -> Resource:
        money = {"value": price, "currency": "CNY"}
        line = {
            "sequence": 1,
            "productOrService": _concept(coding),
            "quantity": {"value": 1},
            "unitPrice": money,
            "net": money,
            "encounter": [self._visit],
        }
        return {
            "resourceType": "Claim",
            "status": "active",
            "use": "claim",
            "type": _code(f"{_TERMINOLOGY}/claim-type", kind),
            "patient": self._subject,
            "created": self._at(minutes),
            "provider": {"display": self._desk.institution.id},
            "priority": _code(f"{_TERMINOLOGY}/processpriority", "normal"),
            "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "none"}}],
            "item": [line],
            "total": money,
        }

    # parts -----------------------------------------------------------------------------------

    def _draw_desk(self, institution: str) -> Desk:
        desks = [d for d in self._catalogue.desks[self._kind] if d.institution.id == institution]
        if not desks:
            raise NothingToSimulate(
                f"institution {institution} sees no {self._kind} patients; choose another"
            )
        return self._rng.choice(desks)

    def _at(self, minutes: int, admitted: bool = False) -> str:
        """So many minutes into the visit; of a stay its admission, three days before, counts."""
        at = self._frame.instant(self._arrival_s + 60.0 * minutes, self._zone)
        if admitted and self._kind == "inpatient":
            at -= _STAY
        return at.isoformat(timespec="milliseconds")

    def _name(self, position: int) -> str:
        """The urn: of the entry at a position, which may still be to come."""
        return f"urn:uuid:{uuid5(_IDS, f'{self._seed}/{self._number}/{position}')}"

    def _add(self, resource: Resource) -> str:
        url = self._name(len(self._entries))
        identified = {"id": url.rpartition(":")[2], **resource}
        request = {"method": "POST", "url": resource["resourceType"]}
        self._entries.append({"fullUrl": url, "resource": identified, "request": request})
        return url


def _code(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _concept(coding: Coding) -> Resource:
    shown = {"display": coding.display} if isinstance(coding.display, str) else {}
    return {"coding": [{"system": coding.system, "code": coding.code, **shown}]}


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}
