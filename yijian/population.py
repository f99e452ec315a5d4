"""The FHIR population of the demonstration."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

import msgspec

from gateway.fhir import Imported, import_bundles
from knowledge_base import KnowledgeBase
from simulation.catalogue import Catalogue
from simulation.fhir_population import fhir_bundles, hospital_of

_SOURCE = "urn:fhir:demo"
_PEOPLE = 8


def fhir_population(knowledge: KnowledgeBase, now: datetime, seed: int = 1) -> list[Imported]:
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
        return [outcome for outcome in outcomes if isinstance(outcome, Imported)]
