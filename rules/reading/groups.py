"""From `group_by` to the facts whose values name a group of acts."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge_base.strict_yaml import Node
from rules.expect_model import Expect
from rules.facts import Type
from rules.model import Condition, histories_of
from rules.reading.fields import Fields
from rules.reading.scope import Scope


def read_group_by(
    fields: Fields, scope: Scope, conditions: Iterable[Condition], expect: Expect | None, *,
    is_awaiting: bool,
) -> tuple[str, ...]:  # fmt: skip
    """The facts; each must be known of the rule's own act, of past ones and of expected ones."""
    node = fields.get("group_by")
    if node is None:
        return ()
    names = fields.texts("group_by")

    def report(message: str, fix: str) -> None:
        fields.report(node, message, fix)

    if not names and node.is_list:
        report("`group_by` names no fact", "name one, e.g. practitioner.id, or remove it")
    histories = [one for tree in conditions for one in histories_of(tree)]
    if not histories and not is_awaiting and not fields.problems:
        report("nothing looks at the group", "ask for its acts with `history`, or remove it")
    others = [one.of for one in histories]
    if expect is not None:
        others += [expect.event, *expect.until]
        others += [expect.extend[0]] if expect.extend is not None else []
    places = [scope, *(scope.past(name.partition(".")[0]) for name in others)]
    for child in node if node.is_list else ():
        if child.raw in names:
            _check(child, places, fields)
    return names


def _check(node: Node, places: Iterable[Scope], fields: Fields) -> None:
    """Report a fact that does not name a group in every place."""

    def report(message: str, fix: str) -> None:
        fields.report(node, message, fix)

    for place in places:
        fact = place.fact(node.raw, report)
        if fact is None:
            return
        if fact.type not in (Type.TEXT, Type.LIST):
            report(f"`{node.raw}` ({fact.type}) names no group", "name an id or a code")
            return
