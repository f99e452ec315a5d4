"""Which facts a source of events can promise to send."""

from __future__ import annotations

from typing import Final

from rules.facts.base import Fact

_LOOKED_UP: Final = ("item.drug.", "institution.", "practitioner.", "pair.")
"""Facts that are read of a catalogue, a registry or a table: no event sends them."""
_SIGNER: Final = "practitioner.id"


def can_be_promised(fact: Fact, family: str) -> bool:
    """Whether events of a family have the fact, may lack it, and are what says it."""
    is_sent = fact.name == _SIGNER or not fact.name.startswith(_LOOKED_UP)
    return is_sent and family in fact.extractors and not fact.always_known
