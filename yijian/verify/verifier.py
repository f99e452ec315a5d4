"""One decision verified: its conditions by the second engine, its derived facts by other means."""

from __future__ import annotations

from typing import Final

from contracts.decision import Decision
from rules.durable import NAME, Durable
from rules.engine.evaluator import Evaluator
from yijian.verify.derived import recompute
from yijian.verify.model import DERIVED, SKIPPED, Check
from yijian.verify.recheck import Rechecker

VERIFIER: Final = NAME

NOT_CHECKED: Final = (
    "how plain fields were read from the event 事件字段的读取",
    "memberships in big or hierarchical code sets, and other conditions that the second engine is "
    "told instead of deciding them 编码集归属等由主引擎给出的条件",
    "the words of messages, and which facts are named as missing 提示文本与缺失原因",
    "the conversion of amounts that conditions compare 条件比较中的单位换算",
    "derived facts in other units than the verifier's own table knows 其他单位的派生事实",
)
"""What an agreement does not say."""


class Verifier:
    """Verifies decisions of one pack and one knowledge base. For one thread."""

    def __init__(self, evaluator: Evaluator) -> None:
        """Of the evaluator only the rules in force are used, whatever its engine."""
        durable = Durable(evaluator.knowledge)
        self._knowledge = evaluator.knowledge
        self._basis = evaluator.basis
        self._rechecker = Rechecker(evaluator, durable)

    @property
    def basis(self) -> str:
        """What it checks with, for tokens and health."""
        return f"{VERIFIER}:{self._basis.pack}:{self._basis.knowledge}"

    def verify(self, decision: Decision, event: bytes | None = None) -> Check:
        """What was found; derived facts are looked at where the bytes of the event are given."""
        check = self._rechecker.check(decision)
        if check.result == SKIPPED:
            return check
        if event is None:
            check.leave_out("event_not_found")
            return check
        try:
            found = recompute(decision, event, self._knowledge)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            check.leave_out("event_unreadable")
            return check
        check.derived = len(found)
        for one in found:
            if not one.agrees:
                said, again = f"{one.fact} = {one.recorded}", f"{one.fact} = {_shown(one.found)}"
                check.disagree(DERIVED, 0, one.element, said, again)
        return check


def _shown(value: object) -> str:
    return value if isinstance(value, str) else f"{float(value):.12g}"  # type: ignore[arg-type]
