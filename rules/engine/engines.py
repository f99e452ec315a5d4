"""Two engines behind one interface: an evaluator by the name of its engine.

`compiled` turns rules into functions and is what workers use unless a setting says otherwise;
`durable` lets durable_rules, a Rete engine, decide. The decisions of both are equal but for
`basis.engine`.
"""

from __future__ import annotations

from typing import Final

from knowledge_base import KnowledgeBase
from rules.engine.evaluator import Evaluator
from rules.errors import EngineError
from rules.pack import Pack
from rules.words import listing

ENGINES: Final = ("compiled", "durable")


def make_evaluator(
    engine: str,
    pack: Pack,
    knowledge: KnowledgeBase,
    profile: str = "site",
    *,
    waits_for_late: bool = False,
) -> Evaluator:
    """An evaluator over the pack whose rules are decided by an engine.

    Raises EngineError for an engine that does not exist or is not installed, and for rules that
    it cannot decide.
    """
    if engine == "compiled":
        return Evaluator(pack, knowledge, profile, waits_for_late=waits_for_late)
    if engine == "durable":
        # Only who asks for durable_rules loads it: it is not installed everywhere.
        from rules.durable import Durable

        durable = Durable(knowledge)
        durable.check(rule for rule in pack.rules if rule.is_evaluated)
        return Evaluator(pack, knowledge, profile, deciders=durable, waits_for_late=waits_for_late)
    raise EngineError(f"there is no engine {engine!r}; expected {listing(ENGINES)}")
