"""A rule about practitioners, to be run by a real worker, and events for it."""

from __future__ import annotations

import msgspec

from rules import Evaluator
from rules.memory.groups import Attendants
from rules.pack import Pack
from spec.rules.world import knowledge, make_rule
from support.streams_fakes import prescription

RULE = "spec.two_places"


def evaluator() -> Evaluator:
    """Of a rule that finds a practitioner who signs in two institutions within 72 h."""
    base = knowledge()
    history = {
        "of": "prescription.signed", "within": {"parameter": "stay.hours"}, "including": "this",
        "distinct": {"of": "event.institution", "at_least": {"parameter": "count.limit"}},
    }  # fmt: skip
    rule = make_rule(
        base, id=RULE, on=["prescription.signed"], group_by=["practitioner.id"],
        when={"history": history},
        finding={
            "result": "suspected", "severity": "warning", "action": "remind",
            "audience": ["regulator"], "message": {"zh": "{history}", "en": "{history}"},
        },
    )  # fmt: skip
    return Evaluator(Pack.of([rule]), base)


def attendants(of: Evaluator) -> Attendants:
    return Attendants(of)


def signed(
    number: int, patient: int, practitioner: str, institution: str = "h1", *,
    verb: str = "signed", revision: int = 1, act: str = "",
) -> bytes:  # fmt: skip
    """A prescription as a hospital sends it."""
    event = msgspec.json.decode(prescription(number, patient, 1))
    event["type"] = f"prescription.{verb}.v1"
    event["time"] = f"2026-11-20T08:30:{number % 60:02d}+08:00"
    event["data"] |= {
        "act_id": act or f"rx{number}", "revision": revision, "institution": institution,
        "practitioner": {"id": practitioner},
    }  # fmt: skip
    return msgspec.json.encode(event)
