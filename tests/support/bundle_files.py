"""Bundles for tests: small rules and knowledge as texts, and keys in a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from yijian.bundles import packing, signing

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

SOURCES = """\
sources:
  - id: house
    title: {zh: 院内规定, en: House rule}
    issuer: House
    licence: house document
"""
PARAMETERS = """\
parameters:
  - id: house.adult_age
    title: {zh: 成年, en: Adult}
    unit: a
    values:
      - {from: 2000-01-01, value: LIMIT, source: house, locator: section 1}
"""
RULE = """\
id: house.minor
version: 1
title: {zh: 未成年人, en: Minor}
status: shadow
effective: {from: 2000-01-01}
on: [prescription.signed]
when:
  patient.age: {below: {parameter: house.adult_age}}
finding:
  result: reminder
  severity: info
  action: remind
  audience: [prescriber]
  message: {zh: "患者 {patient.age} 岁", en: "patient aged {patient.age}"}
evidence:
  - {source: house, locator: section 1}
limits: For tests.
"""


def files(limit: int = 18, rule: str = RULE) -> dict[str, str]:
    """Bundle path to text; `limit` makes bundles that decide differently."""
    return {
        "knowledge/sources.yaml": SOURCES,
        "knowledge/parameters.yaml": PARAMETERS.replace("LIMIT", str(limit)),
        "rules/house/minor.yaml": rule,
    }


def signer(folder: Path, name: str = "house") -> signing.Signer:
    """A new key in a folder."""
    return signing.read_signer(signing.generate(folder, name).private)


def bundle(
    content: dict[str, str], by: signing.Signer | None, profiles: tuple[str, ...] = ()
) -> bytes:
    """The bytes of a bundle of these files, whether they load or not."""
    about = packing.About(author="tester", created_at=AT, profiles=profiles)
    return packing.pack(content, about, by)
