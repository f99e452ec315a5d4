"""Who may act at all: licence, and the insurer's payment qualification."""

from __future__ import annotations

from typing import Final

from knowledge_base import Institution, Practitioner
from simulation.faults.case import Case
from simulation.faults.parts import charge, order, plain, prescription

LICENCE: Final = "qualification.licence_not_valid"
PAYMENT: Final = "qualification.payment_suspended"


def _unlicensed(institution: Institution, practitioner: Practitioner) -> bool:
    return not practitioner.licensed and practitioner.active_payment is True


def _suspended(institution: Institution, practitioner: Practitioner) -> bool:
    return practitioner.licensed is True and practitioner.active_payment is False


CASES: Final = (
    Case(LICENCE, "prescribed after the licence ended", "alert", prescription(plain),
         doctor=_unlicensed),
    Case(LICENCE, "ordered after the licence ended", "alert", order(plain), "order", "inpatient",
         doctor=_unlicensed),
    Case(LICENCE, "with a licence", "silent", prescription(plain)),
    Case(PAYMENT, "prescribed while suspended", "alert", prescription(plain), doctor=_suspended,
         alone=True),
    Case(PAYMENT, "charged while suspended", "alert",
         charge("a simple service", lambda i: i.category == "service" and i.requires_udi is False),
         "billing", doctor=_suspended, alone=True),
    Case(PAYMENT, "prescribed in an emergency", "silent", prescription(plain), kind="emergency",
         doctor=_suspended, alone=True),
    Case(PAYMENT, "with the qualification", "silent", order(plain), "order", "inpatient"),
)  # fmt: skip
