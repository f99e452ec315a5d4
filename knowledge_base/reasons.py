"""Coded reasons for which somebody does not follow an alert.

A code travels in events and is compared; its words are shown to those who choose among them.
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge_base.fields import Context, Defaults, Fields
from knowledge_base.model import Basis, Names
from knowledge_base.strict_yaml import Node


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """One reason. `group` is the code of the reason that it is a kind of, "" where it is none."""

    key: str
    system: str
    code: str
    group: str
    name: Names
    basis: Basis


def override_reason(node: Node, context: Context, defaults: Defaults) -> OverrideReason:
    keys = ("system", "code", "group", "name", "source", "locator")
    f = Fields(node, context, keys, defaults)
    system, code = f.system(), f.text("code")
    return OverrideReason(
        key=f"{system}|{code}",
        system=system,
        code=code,
        group=f.text("group", required=False),
        name=f.names("name"),
        basis=f.basis(),
    )


def check(found: dict[str, OverrideReason], nodes: dict[str, Node], context: Context) -> None:
    """A group must be a reason of the same system, and no kind of another one."""
    for key, reason in found.items():
        if not reason.group:
            continue
        above = found.get(f"{reason.system}|{reason.group}")
        if above is None or above.group:
            fix = "write the code of a reason without a `group`, of the same system"
            context.report(nodes[key], f"`{reason.group}` is no group of reasons", fix)
