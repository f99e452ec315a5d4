"""What an event's words and codes mean: known vocabularies and systems, and nothing guessed."""

from __future__ import annotations

from datetime import date

import pytest

import knowledge_base
from contracts.values import is_icd10
from rules.facts import CATALOGUE
from rules.facts.read import WordField


@pytest.mark.parametrize(
    "system",
    [
        "http://hl7.org/fhir/sid/icd-10",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "urn:oid:2.16.840.1.113883.6.3",
        "urn:oid:2.16.840.1.113883.6.3.1",
        "2.16.156.10011.2.3.3.11",
        "urn:oid:2.16.156.10011.2.3.3.11.3",
        "urn:hospital:ICD10",
        "ICD-10 国家临床版 2.0",
        "urn:gb-t-14396-2016",
        "GB/T 14396",
    ],
)
def test_editions_of_icd_10_are_icd_10(system: str) -> None:
    assert is_icd10(system)


@pytest.mark.parametrize(
    "system",
    [
        "",
        "http://snomed.info/sct",
        "urn:gb-t-15657-2021",
        "http://hl7.org/fhir/sid/icd-9-cm",
        "http://hl7.org/fhir/sid/icd-11",
        "http://hl7.org/fhir/sid/icd-10-pcs",
        "http://www.cms.gov/Medicare/Coding/ICD10",
        "urn:oid:2.16.840.1.113883.6.35",
        "urn:oid:2.16.156.10011.2.3.3.12",
    ],
)
def test_other_systems_are_not(system: str) -> None:
    assert not is_icd10(system)


def test_the_words_of_a_closed_fact_are_those_that_it_reads() -> None:
    closed = [fact for fact in CATALOGUE.values() if fact.words]
    read = [e for fact in closed for e in fact.extractors.values() if isinstance(e, WordField)]
    assert read
    for fact in closed:
        for extract in fact.extractors.values():
            if isinstance(extract, WordField):
                assert extract.vocabulary == fact.words


def test_every_route_of_the_shipped_catalogue_is_a_known_word() -> None:
    base = knowledge_base.load(knowledge_base.default_paths())
    routes = {drug.usual.route for drug in base.drugs(date(2026, 3, 2)) if drug.usual is not None}
    assert routes
    assert routes <= set(CATALOGUE["item.route"].words)
