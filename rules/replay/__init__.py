"""What another pack, or other knowledge, would have decided about past events.

    changed = changed_rules(baseline, candidate)
    comparer = Comparer(baseline, candidate, changed)
    for event in events:
        for change in comparer.compare(event):
            ...
    comparer.tally          # sums by rule, institution and department

Where a changed rule looks back or waits, `Remembering` takes the place of `compare`: it takes the
events of a patient in order, with what each side remembers.

Rules that are equal on both sides, with equal knowledge, cannot answer differently: only the
others are evaluated.
"""

from rules.replay.changed import CATALOGUES, ChangedRule, Side, changed_rules
from rules.replay.compare import Change, Comparer, Kind
from rules.replay.remembering import Numbered, Remembering, ToGroups, needs_past
from rules.replay.tally import Group, Row, Tally

__all__ = [
    "CATALOGUES",
    "Change",
    "ChangedRule",
    "Comparer",
    "Group",
    "Kind",
    "Numbered",
    "Remembering",
    "Row",
    "Side",
    "Tally",
    "ToGroups",
    "changed_rules",
    "needs_past",
]
