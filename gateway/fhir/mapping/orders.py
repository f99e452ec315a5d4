"""ServiceRequest → order.*: what was ordered, where on the body, and for when."""

from __future__ import annotations

from msgspec import UNSET

from contracts.acts import Order, OrderItem
from contracts.values import Diagnosis, Reported
from gateway.fhir.case import Case, Draft
from gateway.fhir.index import EncounterFacts
from gateway.fhir.mapping.requests import life_of
from gateway.fhir.values import amount, child, children, text


def events(case: Case) -> list[Draft]:
    """Signed when authored, then stopped (revoked) where the status says so."""
    resource = case.resource
    life = life_of(case)
    patient, encounter = case.patient(), case.encounter()
    period = child(resource, "occurrencePeriod")
    starts = case.time(resource, "occurrenceDateTime") or case.time(
        period, "start", "$.occurrencePeriod"
    )
    sites = children(resource, "bodySite")
    item = OrderItem(
        line_id="1",
        code=case.required_coding(child(resource, "code"), "$.code"),
        quantity=amount(child(resource, "quantityQuantity"), "$.quantityQuantity") or UNSET,
        body_site=(case.coding(sites[0]) or UNSET) if sites else UNSET,
    )
    actor = case.actor(child(resource, "requester"))
    drafts = []
    for verb, at, revision in life:
        data = Order(
            **case.shared(revision, at, encounter, actor, patient),
            service_time=starts or UNSET,
            items=(item,),
            diagnoses=_diagnoses(case, encounter),
            starts_at=starts or UNSET,
            ends_at=case.time(period, "end", "$.occurrencePeriod") or UNSET,
        )
        drafts.append(Draft(f"order.{verb}.v1", at, data))
    return drafts


def _diagnoses(case: Case, encounter: EncounterFacts | None) -> Reported[tuple[Diagnosis, ...]]:
    """The conditions that the order refers to, else its encounter's diagnoses.

    The reason of an order is often an aim ("monitoring"), so its codes are not taken for one.
    """
    references = [text(r, "reference") for r in children(case.resource, "reasonReference")]
    stated = [case.diagnosis(r) for r in references]
    found = [d for d in stated if d is not None]
    return tuple(found) or case.known_diagnoses(encounter) or UNSET
