"""The words of the language that come later, and how they are refused.

A rule that uses one is refused with its line and with what to write instead; a word is never
ignored. The schema names them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Later:
    """A word that is refused: where it stands, what it needs, and what to do until then."""

    word: str
    where: frozenset[str]
    """rule or conditions."""
    needs: str
    instead: str

    @property
    def message(self) -> str:
        return f"`{self.word}` is not built yet: {self.needs}"


LATER: Final = (
    Later(
        "indicator",
        frozenset({"rule", "conditions"}),
        "it judges an operating indicator, and this version judges acts",
        "`yijian indicators` shows the figures; remove it from the rule",
    ),
    Later(
        "state",
        frozenset({"conditions"}),
        "`state.*` are facts that are kept of the patient between visits, beside the acts",
        "`history` looks back at the acts; `patient.*` are the facts that the event carries",
    ),
)
"""Every refused word, in the order of the documentation."""


_BY_WORD: Final = {entry.word: entry for entry in LATER}


def later(word: str) -> Later | None:
    """The refusal of a word; None where it is no word of later."""
    return _BY_WORD.get(word)
