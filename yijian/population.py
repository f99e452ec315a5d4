"""Events that came from other standards, ready to be fed."""

from __future__ import annotations

import builtins
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from contracts.event import Event, family_of
from gateway.fhir import Imported, import_bundles
from knowledge_base import KnowledgeBase
from simulation.catalogue import Catalogue
from simulation.fhir_population import fhir_bundles, hospital_of

_SOURCE = "urn:fhir:demo"
_PEOPLE = 8


@dataclass(frozen=True, slots=True)
class Received:
    """An event with the bytes to send for it."""

    event: Event
    bytes: builtins.bytes

    @property
    def topic_family(self) -> str:
        return family_of(self.event.type)

    @property
    def key(self) -> builtins.bytes:
        return self.event.subject.encode()


def fhir_population(knowledge: KnowledgeBase, now: datetime, seed: int = 1) -> list[Received]:
    """Events of a small invented FHIR population of the day, through the real importer."""
    institution = hospital_of(Catalogue(knowledge, now.date()))
    with tempfile.TemporaryDirectory(prefix="yijian-fhir-") as folder:
        paths = []
        people = fhir_bundles(knowledge, now.date(), seed=seed, patients=_PEOPLE, until=now)
        for n, bundle in enumerate(people):
            path = Path(folder) / f"{n}.json"
            path.write_bytes(msgspec.json.encode(bundle))
            paths.append(path)
        source = f"{_SOURCE}:{now:%Y%m%d%H%M%S}"
        outcomes = import_bundles(paths, source, "Asia/Shanghai", institution)
        return [Received(o.event, o.value) for o in outcomes if isinstance(o, Imported)]
