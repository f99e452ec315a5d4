"""The time of a visit, of a drug's use, of whatever lasts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Interval(
    msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}, gc=False
):  # fmt: skip
    """The time from `start` up to `end`. None is an open end; an unknown one is `unknown(why)`."""

    start: Any
    end: Any

    @property
    def is_reversed(self) -> bool:
        ends = (self.start, self.end)
        return all(isinstance(at, datetime) for at in ends) and self.end < self.start
