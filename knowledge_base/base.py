"""The loaded knowledge base: lookups by id, code and day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from knowledge_base.model import (
    Analyte,
    CodeSet,
    Device,
    Drug,
    History,
    Institution,
    Parameter,
    Practitioner,
    ServiceItem,
    Source,
)
from knowledge_base.pairs import PairBook
from knowledge_base.profiles import Promises, SourceProfile
from knowledge_base.reasons import OverrideReason

T = TypeVar("T")
Pair = tuple[str, str]
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KnowledgeBase:
    """Everything that was loaded, and the digest that names this content.

    A lookup is a dict hit and, where the thing changed over time, a binary search. None means
    that the knowledge base does not know: it is never a "no".
    """

    digest: str
    """The first 16 hex digits of the SHA-256 over the canonical content."""
    sources: Mapping[str, Source]
    parameters: Mapping[str, Parameter]
    codesets: Mapping[str, CodeSet]
    _analytes: Mapping[Pair, Analyte]
    _drugs: Mapping[Pair, History[Drug]]
    _items: Mapping[Pair, History[ServiceItem]]
    _practitioners: Mapping[Pair, History[Practitioner]]
    _institutions: Mapping[str, History[Institution]]
    _devices: Mapping[Pair, History[Device]]
    pairs: PairBook = field(default_factory=PairBook)
    """What must not, or not without thought, be used or charged together."""
    profiles: Mapping[str, SourceProfile] = field(default_factory=dict)
    """What source systems promise to send, by the `source` of their events."""
    registry: str = ""
    """Digest of the registry that lies over the files' (knowledge_base.registry); "": none."""
    _approved_beds: Mapping[str, History[int]] = field(default_factory=dict)
    override_reasons: Mapping[str, OverrideReason] = field(default_factory=dict)
    """Why alerts are not followed, by `system|code`, in the order in which they are offered."""

    def __repr__(self) -> str:
        return f"KnowledgeBase(digest={self.digest!r})"

    def parameter(self, parameter_id: str) -> Parameter | None:
        return self.parameters.get(parameter_id)

    def codeset(self, codeset_id: str) -> CodeSet | None:
        return self.codesets.get(codeset_id)

    def source(self, source_id: str) -> Source | None:
        return self.sources.get(source_id)

    def analyte(self, system: str, code: str) -> Analyte | None:
        """What an observation's code measures."""
        return self._analytes.get((system, code))

    def drug(self, system: str, code: str, day: date) -> Drug | None:
        """The drug as of a day."""
        history = self._drugs.get((system, code))
        return history.at(day) if history is not None else None

    def item(self, system: str, code: str, day: date) -> ServiceItem | None:
        """The item that can be ordered or charged, as of a day."""
        history = self._items.get((system, code))
        return history.at(day) if history is not None else None

    def practitioner(
        self, institution: str, practitioner_id: str, day: date
    ) -> Practitioner | None:
        """The registry's entry of a day; None for a person who holds no post there that day."""
        history = self._practitioners.get((institution, practitioner_id))
        return history.at(day) if history is not None else None

    def institution(self, institution_id: str, day: date) -> Institution | None:
        history = self._institutions.get(institution_id)
        return history.at(day) if history is not None else None

    def approved_beds(self, institution_id: str, day: date) -> int | None:
        """How many beds the institution's licence allows (核准床位)."""
        history = self._approved_beds.get(institution_id)
        return history.at(day) if history is not None else None

    def is_licensed_device(self, institution: str, device_id: str, day: date) -> bool | None:
        """Whether a permit for the device covers the day; None for one that is not registered.

        A registered device has its whole history here: on a day outside of it none was in force.
        """
        history = self._devices.get((institution, device_id))
        if not history:
            return None
        entry = history.at(day)
        return entry.licensed if entry is not None else False

    def promises(self, sender: str, day: date) -> Promises | None:
        """What a source promises on a day; None for one without a profile of that day."""
        profile = self.profiles.get(sender)
        return profile.history.at(day) if profile is not None else None

    def promised(self, sender: str, family: str, day: date) -> frozenset[str]:
        """The facts that a source promises to send with events of a family."""
        promises = self.promises(sender, day)
        return _NOTHING if promises is None else promises.facts.get(family, _NOTHING)

    def complete_from(self, family: str, day: date) -> Mapping[str, date]:
        """By source since when it delivers every act of a family, as a site states on a day."""
        found: dict[str, date] = {}
        for sender, profile in self.profiles.items():
            promises = profile.history.at(day)
            if promises is not None and family in promises.complete_from:
                found[sender] = promises.complete_from[family]
        return found

    def analytes(self) -> tuple[Analyte, ...]:
        """Every analyte once, by id."""
        unique = {analyte.id: analyte for analyte in self._analytes.values()}
        return tuple(unique[key] for key in sorted(unique))

    def drugs(self, day: date | None = None) -> tuple[Drug, ...]:
        """The drugs of a day by system and code; without a day the last entry of each."""
        return _listing(self._drugs, day)

    def items(self, day: date | None = None) -> tuple[ServiceItem, ...]:
        """The orderable and chargeable items of a day, by system and code."""
        return _listing(self._items, day)

    def every_drug(self) -> tuple[Drug, ...]:
        """The drugs as they were and are: each entry of each."""
        return tuple(e.value for history in self._drugs.values() for e in history)

    def every_item(self) -> tuple[ServiceItem, ...]:
        """The same of the orderable and chargeable items."""
        return tuple(e.value for history in self._items.values() for e in history)

    def practitioners(self, day: date | None = None) -> tuple[Practitioner, ...]:
        """The people with a post on that day, licensed or not, by institution and id."""
        return _listing(self._practitioners, day)

    def institutions(self, day: date | None = None) -> tuple[Institution, ...]:
        """The institutions of a day with their departments, by id."""
        return _listing({(key, ""): value for key, value in self._institutions.items()}, day)


def _listing(histories: Mapping[Pair, History[T]], day: date | None) -> tuple[T, ...]:
    found: list[T] = []
    for key in sorted(histories):
        history = histories[key]
        entry = history.entries[-1].value if day is None else history.at(day)
        if entry is not None:
            found.append(entry)
    return tuple(found)
