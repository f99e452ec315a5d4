"""One decision verified: its conditions by the second engine, its derived facts by other means."""

from __future__ import annotations

from typing import Final

from contracts.decision import Decision
from rules.durable import NAME, Durable
from rules.engine.asked import EVENT
from rules.engine.evaluator import Evaluator
from rules.engine.past import PREFIX as HISTORY
from yijian.verify.derived import from_memory, is_about, recompute
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
    "facts of the patient that were remembered from earlier events 由既往事件记忆的患者信息",
    "counts, sums and latest values of the past: conditions on them are decided from the recorded "
    "value 历史计数与历史值本身（仅核查其比较）",
    "whether an expected event came, and when it was due 预期事件是否发生及其期限",
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
        _leave_out_the_past(check, decision)
        if event is None:
            check.leave_out("event_not_found" if decision.cause == EVENT else "event_not_named")
            return check
        try:
            if not is_about(decision, event):
                check.leave_out("event_not_named")  # another event led to it, or a tick
                return check
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


def _leave_out_the_past(check: Check, decision: Decision) -> None:
    """What was read of the past is recorded by its value alone: its members are not."""
    facts = (*decision.facts, *(name for own in decision.elements.values() for name in own))
    histories = sum(name.startswith(HISTORY) for name in facts)
    if histories:
        check.leave_out("history", histories)
    remembered = len(from_memory(decision))
    if remembered:
        check.leave_out("remembered", remembered)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else f"{float(value):.12g}"  # type: ignore[arg-type]
