"""Readers of an institution's catalogue and registry: drugs, items, people, places, devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from knowledge_base.fields import Context, Defaults, Fields, is_code
from knowledge_base.histories import build
from knowledge_base.model import (
    CATEGORIES,
    CONTROLS,
    DRUG_KINDS,
    FORMS,
    GRADES,
    LEVELS,
    Basis,
    Dated,
    Department,
    Device,
    Drug,
    Institution,
    Names,
    Practitioner,
    ServiceItem,
    Usual,
)
from knowledge_base.strict_yaml import Node

_DATED = ("from", "to", "source", "locator")


def drug(node: Node, context: Context, defaults: Defaults) -> Dated[Drug]:
    keys = ("system", "code", "name", "ingredients", "kind", "form", "control", "grade")
    more = ("control_basis", "skin_test", "skin_test_basis", "usual", *_DATED)
    f = Fields(node, context, (*keys, *more), defaults)
    f.basis()
    start, end = f.interval()
    system, code = f.system(), f.text("code")
    control, skin_test = f.choice("control", CONTROLS, "none"), bool(f.flag("skin_test"))
    for needed, name in ((control != "none", "control_basis"), (skin_test, "skin_test_basis")):
        if needed:
            _cited(f, name)
    ingredients = f.texts("ingredients", required=True)
    for name in ingredients:
        is_code(name, "ingredient", f.get("ingredients") or node, context)
    found = Drug(
        key=f"{system}|{code}",
        system=system,
        code=code,
        name=f.names("name"),
        ingredients=ingredients,
        kind=f.choice("kind", DRUG_KINDS),
        form=f.choice("form", FORMS),
        control=control,
        antimicrobial_grade=f.choice("grade", GRADES, "none"),
        requires_skin_test=skin_test,
        usual=_usual(f),
    )
    return Dated(found, start, end)


def _cited(f: Fields, name: str) -> Basis:
    """The citation that a statement about a real substance needs."""
    node = f.get(name)
    if node is None:
        f.context.report(f.node, f"`{name}` is missing", "cite where this is laid down")
        return Basis("", "")
    return Fields(node, f.context, ("source", "locator")).basis()


def _usual(f: Fields) -> Usual | None:
    node = f.get("usual")
    if node is None:
        return None
    keys = ("dose", "unit", "per_day", "days", "route", "usage")
    u = Fields(node, f.context, keys)
    return Usual(
        dose=u.number("dose"),
        dose_unit=u.text("unit"),
        doses_per_day=u.number("per_day"),
        days=int(u.number("days")),
        route=u.text("route"),
        usage=u.text("usage"),
    )


def item(node: Node, context: Context, defaults: Defaults) -> Dated[ServiceItem]:
    keys = ("system", "code", "name", "category", "unit", "price", "drug", "orderable")
    f = Fields(node, context, (*keys, "requires_udi", "requires_trace_code", *_DATED), defaults)
    f.basis()
    start, end = f.interval()
    system, code = f.system(), f.text("code")
    found = ServiceItem(
        key=f"{system}|{code}",
        system=system,
        code=code,
        name=f.names("name"),
        category=f.choice("category", CATEGORIES),
        unit=f.text("unit"),
        price=f.money("price"),
        drug=f.text("drug", required=False) or None,
        orderable=bool(f.flag("orderable")),
        requires_udi=f.flag("requires_udi"),
        requires_trace_code=f.flag("requires_trace_code"),
    )
    return Dated(found, start, end)


def institution(node: Node, context: Context, defaults: Defaults) -> Dated[Institution]:
    keys = ("id", "name", "level", "kind", "time_zone", "departments")
    f = Fields(node, context, (*keys, *_DATED), defaults)
    f.basis()
    start, end = f.interval()
    zone = f.text("time_zone")
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        where = f.get("time_zone") or node
        context.report(where, f"`{zone}` is not a time zone", "write an IANA name: Asia/Shanghai")
    departments = []
    for child in f.elements("departments", required=True):
        d = Fields(child, context, ("id", "name", "kinds"))
        departments.append(Department(d.text("id"), d.names("name"), d.texts("kinds")))
    found = Institution(
        id=f.text("id"),
        name=f.names("name"),
        level=f.choice("level", LEVELS),
        kind=f.text("kind"),
        time_zone=zone,
        departments=tuple(departments),
    )
    return Dated(found, start, end)


def device(node: Node, context: Context, defaults: Defaults) -> Dated[Device]:
    keys = ("institution", "id", "name", "licensed")
    f = Fields(node, context, (*keys, *_DATED), defaults)
    f.basis()
    start, end = f.interval()
    found = Device(f.text("institution"), f.text("id"), f.names("name"), f.flag("licensed"))
    return Dated(found, start, end)


_POST_KEYS = ("from", "to", "department", "title", "grants", "active_payment")


@dataclass(frozen=True)
class _Post:
    department: str
    title: str
    grants: frozenset[str]
    active_payment: bool | None


@dataclass(frozen=True)
class _Person:
    institution: str
    id: str
    name: Names


def practitioner(node: Node, context: Context, defaults: Defaults) -> list[Dated[Practitioner]]:
    """The entry of each stretch of days in which post and licence stay the same."""
    keys = ("institution", "id", "name", "licence", "posts", "source", "locator")
    f = Fields(node, context, keys, defaults)
    f.basis()
    person = _Person(f.text("institution"), f.text("id"), f.names("name"))
    posts = []
    for child in f.elements("posts", required=True):
        p = Fields(child, context, _POST_KEYS)
        start, end = p.interval()
        post = _Post(
            department=p.text("department"),
            title=p.text("title"),
            grants=frozenset(p.texts("grants")),
            active_payment=p.flag("active_payment"),
        )
        posts.append((Dated(post, start, end), child))
    licences = []
    for child in f.elements("licence", required=True):
        start, end = Fields(child, context, ("from", "to")).interval()
        licences.append((Dated(True, start, end), child))
    what = f"practitioner {person.id}"
    held = build(licences, context, f"{what}, licence").entries
    found: list[Dated[Practitioner]] = []
    for post_entry in build(posts, context, f"{what}, posts"):
        found.extend(_stretches(person, post_entry, held))
    return found


def _stretches(
    person: _Person, post: Dated[_Post], licences: Sequence[Dated[bool]]
) -> list[Dated[Practitioner]]:
    last = post.valid_to or date.max
    edges = {post.valid_from, last}
    for licence in licences:
        edges.update(
            day
            for day in (licence.valid_from, licence.valid_to)
            if day is not None and post.valid_from < day < last
        )
    days = sorted(edges)
    found = []
    for start, end in pairwise(days):
        entry = Practitioner(
            institution=person.institution,
            id=person.id,
            name=person.name,
            department=post.value.department,
            title=post.value.title,
            grants=post.value.grants,
            licensed=any(licence.covers(start) for licence in licences),
            active_payment=post.value.active_payment,
        )
        found.append(Dated(entry, start, None if end == date.max else end))
    return found
