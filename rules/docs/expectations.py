"""What a rule expects to follow, in words, as nested lists."""

from __future__ import annotations

from collections.abc import Iterator

from rules.authoring.operand_values import said_operand
from rules.docs.conditions import conditions_in_words
from rules.docs.markdown import code, codes
from rules.model import Expect


def expected_in_words(expect: Expect) -> Iterator[str]:
    """The event and its limit; what ends or extends it; who is told when."""
    start = code(expect.start or "event.time")
    yield (
        f"- expect 应发生: {code(expect.event)} within 时限 {said_operand(expect.within)} "
        f"from {start}, with the same 同一 {codes(expect.match)}"
    )
    for line in conditions_in_words(expect.where):
        yield f"  {line}"
    if expect.until:
        yield f"  - no longer after 终止于 {codes(expect.until)}"
    if expect.extend is not None:
        to = said_operand(expect.extend.to)
        yield f"  - after 顺延 {code(expect.extend.after)}: {to} from then"
    if expect.every is not None:
        yield f"  - again 反复到期: every {said_operand(expect.every)}, until it comes"
    if expect.remind_before is not None:
        yield f"  - reminder 提醒: {said_operand(expect.remind_before)} before it is due"
    for step in expect.escalate:
        told = ", ".join(step.audience)
        yield f"  - escalation 升级: {said_operand(step.after)} after it was due, to {told}"
    if expect.grace is not None:
        yield f"  - late data are waited for 等待迟到数据: {said_operand(expect.grace)}"
