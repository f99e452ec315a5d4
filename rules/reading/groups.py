"""From `group_by` to the facts whose values name a group of acts."""

from __future__ import annotations

from collections.abc import Iterable

from rules.facts import Type
from rules.model import Condition, histories_of
from rules.reading.fields import Fields
from rules.reading.scope import Scope


def read_group_by(
    fields: Fields, scope: Scope, conditions: Iterable[Condition], *, is_awaiting: bool
) -> tuple[str, ...]:
    """The facts; each must be known of the rule's own act and of the past ones."""
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
    places = [scope, *(scope.past(one.of.partition(".")[0]) for one in histories)]
    for name in names:
        for place in places:
            fact = place.fact(name, report)
            if fact is None:
                break
            if fact.type is not Type.TEXT:
                report(f"`{name}` ({fact.type}) names no group", "name an id or a code")
                break
    return names
