"""Surgery, anaesthesia and interventions."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from contracts.acts.base import Act
from contracts.values import Actor, Coding, Instant, Reported, Word


class Procedure(Act, frozen=True, kw_only=True):
    """A surgery, an anaesthesia or an intervention, from its plan to its end.

    It is signed when it is decided; until then it is a draft.
    """

    kind: Reported[Word] = UNSET
    """`surgery`, `anaesthesia`, `intervention`, `endoscopy`; another word is unrecognised."""
    code: Reported[Coding] = UNSET
    level: Reported[Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]] = UNSET
    """Grade of the procedure (手术分级), 1 to 4; another number is unrecognised."""
    incision: Reported[Word] = UNSET
    """Class of the incision (切口类别): `0`, `I`, `II`, `III`."""
    planned: Reported[bool] = UNSET
    """False where it was not planned beforehand: an emergency."""
    returns_to: Reported[Word] = UNSET
    """The act id of the earlier procedure that this one repairs."""
    unplanned_return: Reported[bool] = UNSET
    """Whether the patient came back to the theatre without a plan (非计划再次手术)."""
    order_id: Reported[Word] = UNSET
    planned_at: Reported[Instant] = UNSET
    started_at: Reported[Instant] = UNSET
    incision_at: Reported[Instant] = UNSET
    ended_at: Reported[Instant] = UNSET
    actors: Reported[tuple[Actor, ...]] = UNSET
    """Who takes part, by role: `surgeon`, `first_assistant`, `anaesthetist` …"""
    devices: Reported[tuple[Word, ...]] = UNSET
    """Unique device identifications of what was used or implanted."""
    device: Reported[Word] = UNSET
    """Id in the registry of the device that it is done with (设备编号)."""
