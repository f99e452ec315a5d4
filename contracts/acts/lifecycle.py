"""The families of acts, and what can happen to an act of each: the verbs and their phases."""

from __future__ import annotations

from typing import Final

from contracts.acts.medication import Administration, Dispense, Prescription
from contracts.acts.money import Charge, Settlement
from contracts.acts.operations import Feedback, StockMovement, Upload
from contracts.acts.orders import Order, Result
from contracts.acts.people import AllergyStatement, Condition, Observation, Patient
from contracts.acts.procedures import Procedure
from contracts.acts.records import Acknowledgement, Document, InfectionReport
from contracts.acts.visits import Consultation, Encounter

AnyAct = (
    Patient
    | AllergyStatement
    | Condition
    | Observation
    | Encounter
    | Prescription
    | Order
    | Result
    | Charge
    | Document
    | Procedure
    | Consultation
    | Administration
    | Dispense
    | Settlement
    | StockMovement
    | Upload
    | InfectionReport
    | Acknowledgement
    | Feedback
)

FAMILIES: Final[dict[str, type[AnyAct]]] = {
    "patient": Patient,
    "allergy": AllergyStatement,
    "condition": Condition,
    "observation": Observation,
    "encounter": Encounter,
    "prescription": Prescription,
    "order": Order,
    "result": Result,
    "billing": Charge,
    "document": Document,
    "procedure": Procedure,
    "consultation": Consultation,
    "administration": Administration,
    "dispense": Dispense,
    "settlement": Settlement,
    "stock": StockMovement,
    "upload": Upload,
    "infection_report": InfectionReport,
    "acknowledgement": Acknowledgement,
    "feedback": Feedback,
}
"""Family (the first word of an event's type) to the class of its data."""

VERBS: Final[dict[str, tuple[str, ...]]] = {
    "patient": ("registered", "updated", "linked", "merged", "unlinked"),
    "allergy": ("recorded", "amended", "entered_in_error"),
    "condition": ("recorded", "amended", "resolved", "entered_in_error"),
    "observation": ("recorded", "amended", "entered_in_error"),
    "encounter": (
        "started",
        "admitted",
        "transferred",
        "updated",
        "discharged",
        "ended",
        "cancelled",
        "entered_in_error",
    ),
    "prescription": (
        "draft",
        "signed",
        "amended",
        "dispensed",
        "stopped",
        "returned",
        "cancelled",
        "entered_in_error",
    ),
    "order": ("draft", "signed", "amended", "executed", "stopped", "cancelled", "entered_in_error"),
    "result": ("reported", "amended", "cancelled", "entered_in_error"),
    "billing": ("draft", "charged", "amended", "refunded", "cancelled", "entered_in_error"),
    "document": ("draft", "signed", "amended", "cancelled", "entered_in_error"),
    "procedure": (
        "draft",
        "signed",
        "started",
        "ended",
        "amended",
        "cancelled",
        "entered_in_error",
    ),
    "consultation": (
        "requested",
        "arrived",
        "answered",
        "amended",
        "cancelled",
        "entered_in_error",
    ),
    "administration": ("administered", "not_given", "amended", "entered_in_error"),
    "dispense": ("dispensed", "returned", "amended", "entered_in_error"),
    "settlement": ("settled", "amended", "cancelled", "entered_in_error"),
    "stock": ("moved", "amended", "entered_in_error"),
    "upload": ("received",),
    "infection_report": ("reported", "amended", "refuted", "entered_in_error"),
    "acknowledgement": ("acknowledged", "entered_in_error"),
    "feedback": ("recorded", "entered_in_error"),
}
"""Family to the verbs its events may carry: the life cycle of the act."""

VOIDING: Final = frozenset({"cancelled", "entered_in_error"})
"""Verbs after which an act no longer counts."""

_PRE = frozenset({"draft"})
_POST = frozenset({"returned", "refunded", "discharged", "ended"})
_POST_FAMILIES = frozenset({"settlement", "upload", "feedback"})
"""What they tell of is over, whatever the verb."""


def phase_of(verb: str, family: str = "") -> str:
    """`pre`, `during` or `post`: where in the life of an act an event with this verb stands.

    A draft is pre-event (事前); from signature until the act is carried out, its execution,
    dispensing and charging included, is during-event (事中); what was given back, and what follows
    the end of a visit (discharge, settlement), is post-event (事后).
    """
    if verb in _POST or family in _POST_FAMILIES:
        return "post"
    return "pre" if verb in _PRE else "during"
