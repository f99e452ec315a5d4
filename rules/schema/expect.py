"""The schema of `expect`: what must follow, until when, and who is told."""

from __future__ import annotations

from rules import words
from rules.reading.history import PAST
from rules.schema.parts import Schema, list_of, mapping, one_of, ref, said


def expect_schema() -> Schema:
    """What `expect` may hold."""
    event, span = one_of(PAST), ref("span")
    audience = list_of(one_of(words.AUDIENCES))
    extend = mapping(["after", "to"], {"after": event, "to": span})
    step = mapping(["after", "audience"], {"after": span, "audience": audience})
    keys: dict[str, Schema] = {
        "event": said(event, "应发生的事件", "the event that must follow"),
        "match": said(list_of(ref("fact_name")), "两者相同的事实", "what the two agree in"),
        "within": said(span, "时限", "within what time"),
        "where": said(ref("past"), "该事件须满足", "what must hold of that event"),
        "from": said(ref("fact_name"), "时限的起点", "from when; else the event's time"),
        "until": said(list_of(event), "终止义务的事件", "events that end the duty"),
        "extend": said(extend, "顺延", "another limit, counted from a later event"),
        "every": said(span, "逾期后反复到期", "after it was missed: due again so much later"),
        "remind_before": said(span, "到期前提醒", "how long before it is due to remind"),
        "escalate": said(list_of(step), "逾期升级", "who is told as well, and when"),
        "grace": said(span, "等待迟到数据", "how long late data are waited for"),
    }
    return mapping(words.EXPECT_REQUIRED, keys)
