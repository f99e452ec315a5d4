"""Names of the topics, in one place. Public: hospitals and other tools use them."""

from __future__ import annotations

from typing import Final, NamedTuple

INTAKE_FAMILIES: Final[dict[str, str]] = {
    "patient": "patients",
    "allergy": "allergies",
    "condition": "conditions",
    "observation": "observations",
    "encounter": "encounters",
    "prescription": "prescriptions",
    "order": "orders",
    "result": "results",
    "billing": "billing",
    "document": "documents",
    "procedure": "procedures",
    "consultation": "consultations",
    "administration": "administrations",
    "dispense": "dispenses",
    "settlement": "settlements",
    "stock": "stock",
    "upload": "uploads",
    "infection_report": "infection-reports",
    "acknowledgement": "acknowledgements",
    "feedback": "feedback",
}
"""Family (as in an event's type) to its word in a topic's name."""


class Topics(NamedTuple):
    """All topics of one installation.

    `prefix` separates installations on one broker; `systems` are the source systems, each of
    which owns an intake topic a family.
    """

    prefix: str = "yijian"
    systems: tuple[str, ...] = ("his",)

    def intake(self, family: str, system: str) -> str:
        return f"{self.prefix}.in.{INTAKE_FAMILIES[family]}.{system}.v1"

    @property
    def all_intake(self) -> tuple[str, ...]:
        return tuple(self.intake(f, s) for s in self.systems for f in INTAKE_FAMILIES)

    @property
    def rekeyed(self) -> str:
        """Intake records that stood in another partition than their key's."""
        return f"{self.prefix}.rekeyed.v1"

    @property
    def activities(self) -> str:
        """Events for the groups that they belong to: keyed by practitioner, institution …"""
        return f"{self.prefix}.activities.v1"

    @property
    def decisions(self) -> str:
        return f"{self.prefix}.decisions.v1"

    @property
    def alerts(self) -> str:
        return f"{self.prefix}.alerts.v1"

    @property
    def dead_letters(self) -> str:
        return f"{self.prefix}.dead-letters.v1"

    @property
    def registry(self) -> str:
        """What is registered: institutions, people, devices, beds; compacted, one partition."""
        return f"{self.prefix}.registry.v1"

    @property
    def bundles(self) -> str:
        """Signed rules and knowledge, and which of them is in force; compacted, one partition."""
        return f"{self.prefix}.bundles.v1"

    @property
    def state(self) -> str:
        """What is remembered of each subject, as of its last event; compacted."""
        return f"{self.prefix}.state.v1"

    @property
    def ticks(self) -> str:
        """The broker's time, told to each partition by its worker: what lets deadlines pass."""
        return f"{self.prefix}.ticks.v1"
