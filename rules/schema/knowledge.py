"""The schema of knowledge files: sources, parameters, code sets, pair tables, catalogues."""

from __future__ import annotations

from typing import Final

from contracts.acts import FAMILIES
from knowledge_base.model import (
    CATEGORIES,
    CODESET_KINDS,
    CONTROLS,
    DRUG_KINDS,
    FORMS,
    GRADES,
    LEVELS,
)
from knowledge_base.pairs import MEMBER_KINDS, PAIR_CONTEXTS, PAIR_KINDS, PAIR_SEVERITIES
from rules.facts import CATALOGUE
from rules.facts.promises import can_be_promised
from rules.schema.parts import (
    DAY,
    DIALECT,
    NAMES,
    TEXT,
    Schema,
    list_of,
    mapping,
    one_of,
    ref,
    said,
)

_FLAG: Final[Schema] = {"type": "boolean"}
_NUMBER: Final[Schema] = {"type": "number"}
_CITED: Final[dict[str, Schema]] = {
    "source": said(TEXT, "出处的编号", "id of the source"),
    "locator": said(TEXT, "在出处中的位置", "where in the source: article, table, page"),
}
_DATED: Final[dict[str, Schema]] = {
    "from": said(DAY, "起日(含)", "first day"),
    "to": said(DAY, "止日(不含)", "first day that does not belong to it"),
}


def knowledge_schema() -> Schema:
    """What a knowledge file may hold. What stands at its top holds for all of its entries."""
    sections = {
        "sources": _source(),
        "parameters": _parameter(),
        "codesets": _codeset(),
        "analytes": _analyte(),
        "pair_tables": _pair_table(),
        "source_profiles": _source_profile(),
        "override_reasons": _override_reason(),
        "drugs": _drug(),
        "items": _item(),
        "practitioners": _practitioner(),
        "institutions": _institution(),
        "devices": _device(),
    }
    head = {"notice": TEXT, "from": DAY, "system": TEXT, **_CITED}
    return {
        "$schema": DIALECT,
        "$id": "urn:yijian:schema:knowledge",
        "title": "医监知识 · Knowledge of Yijian",
        **mapping([], {**head, **{name: _many(name) for name in sections}}),
        "$defs": {
            **sections,
            "identifier": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]*$"},
        },
    }


def _many(section: str) -> Schema:
    return {"type": "array", "items": ref(section)}


def _source() -> Schema:
    keys = {"id": ref("identifier"), "title": NAMES, "issuer": TEXT, "number": TEXT,
            "published": DAY, "url": TEXT, "licence": TEXT}  # fmt: skip
    return mapping(["id", "title", "issuer", "licence"], keys)


def _parameter() -> Schema:
    scalar = {"type": ["number", "string", "boolean"]}
    value = mapping(["value"], {
        "value": said(scalar, "数值", "the value"),
        "key": said(list_of(TEXT), "行的键", "the key of the row, a word each for `by`"),
        **_DATED, **_CITED,
    })  # fmt: skip
    return mapping(
        ["id", "title", "unit", "values"],
        {
            "id": ref("identifier"),
            "title": NAMES,
            "unit": said(
                TEXT, "单位(UCUM);d 为 24 小时,days 为日历天",
                "UCUM; `d` is 24 hours, `days` are of the calendar",
            ),
            "by": said(list_of(TEXT), "查表的列", "the columns that a row is looked up by"),
            "values": {"type": "array", "items": value, "minItems": 1},
            **_CITED,
        },
    )  # fmt: skip


def _codeset() -> Schema:
    interval = mapping([], {
        "members": said({"type": "array", "items": TEXT}, "成员", "codes or words"),
        "includes": said(list_of(TEXT), "包含的代码集(子类)", "sets whose members are members too"),
        **_DATED, **_CITED,
    })  # fmt: skip
    keys = {"id": ref("identifier"), "title": NAMES, "of": one_of(CODESET_KINDS),
            "intervals": {"type": "array", "items": interval, "minItems": 1}, **_CITED}  # fmt: skip
    return mapping(["id", "title", "of", "intervals"], keys)


def _override_reason() -> Schema:
    keys = {
        "system": said(TEXT, "编码系统", "code system"),
        "code": TEXT,
        "group": said(TEXT, "所属类别的编码", "code of the reason that it is a kind of"),
        "name": NAMES,
        **_CITED,
    }
    return mapping(["code", "name"], keys)


def _analyte() -> Schema:
    code = mapping(["system", "code"], {"system": TEXT, "code": TEXT})
    factor = mapping(["unit", "factor"], {"unit": TEXT, "factor": _NUMBER})
    keys = {"id": ref("identifier"), "title": NAMES, "unit": TEXT, "codes": list_of(code),
            "factors": list_of(factor, 0), **_CITED}  # fmt: skip
    return mapping(["id", "title", "unit", "codes"], keys)


def _pair_table() -> Schema:
    member = mapping([], dict.fromkeys(MEMBER_KINDS, TEXT), minProperties=1, maxProperties=1)
    gap = said(
        {"anyOf": [TEXT, mapping(["parameter"], {"parameter": TEXT})]},
        "洗脱期", "how long its effect outlasts its use: 14 d, or a parameter",
    )  # fmt: skip
    row = mapping(["id", "a", "b", "severity", "mechanism"], {
        "id": ref("identifier"), "a": member, "b": member, "severity": one_of(PAIR_SEVERITIES),
        "mechanism": NAMES, "context": one_of(PAIR_CONTEXTS), "gap_after_a": gap,
        "gap_after_b": gap, **_DATED, **_CITED,
    })  # fmt: skip
    keys = {"id": ref("identifier"), "title": NAMES, "kind": one_of(PAIR_KINDS),
            "context": one_of(PAIR_CONTEXTS), "pairs": list_of(row)}  # fmt: skip
    return mapping(["id", "title", "kind", "pairs"], keys)


def _source_profile() -> Schema:
    facts = {
        family: list_of({"type": "string", "enum": _promisable(family)}) for family in FAMILIES
    }
    promises = said(
        mapping([], facts, minProperties=1),
        "承诺报送的事实(按事件类别)",
        "the facts that it promises to send, by event family",
    )
    complete = said(
        mapping([], dict.fromkeys(FAMILIES, DAY), minProperties=1),
        "自何日起完整报送(按事件类别)",
        "by event family the day from which it delivers every act",
    )
    parts = {"promises": promises, "complete_from": complete, **_DATED, **_CITED}
    interval = {
        **mapping([], parts),
        "anyOf": [{"required": ["promises"]}, {"required": ["complete_from"]}],
    }
    sender = said(TEXT, "事件的 source", "the `source` of its events")
    keys = {"sender": sender, "title": NAMES, "intervals": list_of(interval)}
    return mapping(["sender", "title", "intervals"], keys)


def _promisable(family: str) -> list[str]:
    return [name for name, fact in CATALOGUE.items() if can_be_promised(fact, family)]


def _drug() -> Schema:
    basis = mapping(["source", "locator"], _CITED)
    usual = mapping(["dose", "unit", "per_day", "days", "route", "usage"], {
        "dose": _NUMBER, "unit": TEXT, "per_day": _NUMBER, "days": _NUMBER, "route": TEXT,
        "usage": TEXT,
    })  # fmt: skip
    keys = {"system": TEXT, "code": TEXT, "name": NAMES, "ingredients": list_of(TEXT),
            "kind": one_of(DRUG_KINDS), "form": one_of(FORMS), "control": one_of(CONTROLS),
            "control_basis": basis, "grade": one_of(GRADES), "skin_test": _FLAG,
            "skin_test_basis": basis, "usual": usual, **_DATED, **_CITED}  # fmt: skip
    return mapping(["code", "name", "ingredients", "kind", "form"], keys)


def _item() -> Schema:
    price = {"type": "string", "pattern": r"^\d+(\.\d+)?$"}
    keys = {"system": TEXT, "code": TEXT, "name": NAMES, "category": one_of(CATEGORIES),
            "unit": TEXT, "price": price, "drug": TEXT, "orderable": _FLAG,
            "requires_udi": _FLAG, "requires_trace_code": _FLAG, **_DATED, **_CITED}  # fmt: skip
    return mapping(["code", "name", "category", "unit"], keys)


def _practitioner() -> Schema:
    post = mapping(["department", "title"], {
        "department": TEXT, "title": TEXT, "grants": list_of(TEXT, 0), "active_payment": _FLAG,
        **_DATED,
    })  # fmt: skip
    keys = {"institution": TEXT, "id": TEXT, "name": NAMES, "licence": list_of(mapping([], _DATED)),
            "posts": list_of(post), **_CITED}  # fmt: skip
    return mapping(["institution", "id", "name", "licence", "posts"], keys)


def _institution() -> Schema:
    department = mapping(["id", "name", "kinds"],
                         {"id": TEXT, "name": NAMES, "kinds": list_of(TEXT, 0)})  # fmt: skip
    keys = {"id": TEXT, "name": NAMES, "level": one_of(LEVELS), "kind": TEXT, "time_zone": TEXT,
            "departments": list_of(department), **_DATED, **_CITED}  # fmt: skip
    return mapping(["id", "name", "level", "kind", "time_zone", "departments"], keys)


def _device() -> Schema:
    keys = {"institution": TEXT, "id": TEXT, "name": NAMES, "licensed": _FLAG, **_DATED, **_CITED}
    return mapping(["institution", "id", "name"], keys)
