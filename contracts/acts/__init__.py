"""The medical acts and statements that an event can carry, one class a family.

Each act has an id and a revision; a revision is a full snapshot of the act, never a difference.
What happened to the act (signed, dispensed, refunded …) is the verb of the event's type.
"""

from contracts.acts.base import Act, Revision
from contracts.acts.lifecycle import FAMILIES, VERBS, VOIDING, AnyAct, phase_of
from contracts.acts.medication import (
    Administration,
    AdministrationItem,
    Dispense,
    DispenseItem,
    Prescription,
    PrescriptionItem,
)
from contracts.acts.money import Charge, ChargeItem, SettledProcedure, Settlement
from contracts.acts.operations import Feedback, StockItem, StockMovement, Upload
from contracts.acts.orders import Order, OrderItem, Result, ResultItem
from contracts.acts.people import AllergyStatement, Condition, Observation, Patient
from contracts.acts.procedures import Procedure
from contracts.acts.records import Acknowledgement, Document, InfectionReport
from contracts.acts.visits import Consultation, Encounter

__all__ = [
    "FAMILIES",
    "VERBS",
    "VOIDING",
    "Acknowledgement",
    "Act",
    "Administration",
    "AdministrationItem",
    "AllergyStatement",
    "AnyAct",
    "Charge",
    "ChargeItem",
    "Condition",
    "Consultation",
    "Dispense",
    "DispenseItem",
    "Document",
    "Encounter",
    "Feedback",
    "InfectionReport",
    "Observation",
    "Order",
    "OrderItem",
    "Patient",
    "Prescription",
    "PrescriptionItem",
    "Procedure",
    "Result",
    "ResultItem",
    "Revision",
    "SettledProcedure",
    "Settlement",
    "StockItem",
    "StockMovement",
    "Upload",
    "phase_of",
]
