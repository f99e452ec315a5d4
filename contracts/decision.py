"""What the worker answers: a decision with its findings in full, and the alert for listeners.

These are internal records of the product. They carry a schema version; a reader accepts fields
that it does not know, so that an older reader can read newer records.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import msgspec

SCHEMA: Final = 1

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """Base of internal records: immutable, tolerant of fields a later version adds."""


class Words(Record, frozen=True, kw_only=True):
    """A text that a person reads, in both languages."""

    zh: str
    en: str


class Threshold(Record, frozen=True, kw_only=True):
    """A number or list that a finding was measured against, with where it comes from."""

    parameter: str
    value: Any
    unit: str = ""
    source: str = ""
    locator: str = ""
    valid_from: str = ""


class Citation(Record, frozen=True, kw_only=True):
    source: str
    locator: str


class FoundLine(Record, frozen=True, kw_only=True):
    """What a finding covers of one charge line, less what was given back."""

    line: str
    """The charge line's id: money of findings on one line is counted once, by it."""
    total: Decimal
    fund: Decimal | None = None
    """The part that the insurance fund paid; None where the event does not report it."""
    covered_by: str = ""
    """The alert id of the finding by which the line's money is counted, where it is another."""


class FoundAmount(Record, frozen=True, kw_only=True):
    """The money that a finding is about: sums of its lines.

    A sum is None where a line's part is not known; `missing` says what was not reported.
    """

    total: Decimal | None = None
    fund: Decimal | None = None
    currency: str = "CNY"
    lines: tuple[FoundLine, ...] = ()
    missing: tuple[str, ...] = ()
    """Facts that were needed for a sum and not there: `item.fund_paid`, `item.quantity` …"""


class FoundPair(Record, frozen=True, kw_only=True):
    """The row of a pair table that a finding is about, and its two lines."""

    id: str
    table: str
    item: str
    """The line id of the later line; of a pair with another act, of the act's own line."""
    partner: str
    """The line id of the earlier line; of another act's `ACT/LINE`."""


class Release(Record, frozen=True, kw_only=True):
    """How a blocked act goes on in an emergency. Every block has one, and its use is audited."""

    how: str
    """`emergency`."""
    needs: str
    """`reason`: it is given only with one."""


EMERGENCY: Final = Release(how="emergency", needs="reason")


class Delivery(Record, frozen=True, kw_only=True):
    """How often the audience is told, of a rule that tells the same only once in a while."""

    suppressed: bool = False
    """Whether its audience was told the same before, and is not told again."""
    by: str = ""
    """The alert id of what they were told."""
    until: str
    """In event time: before then the same is not told again."""


class Finding(Record, frozen=True, kw_only=True):
    """One alert, complete in itself: it can be shown and judged without looking anything up."""

    alert_id: str
    rule_id: str
    rule_version: int
    rule_status: str
    """`shadow` or `active` as the engine treated it; shown to its audience only when active."""
    element: str
    """The line id of the element judged, or "" for the event as a whole."""
    result: str
    """`violation`, `suspected` or `reminder`."""
    severity: str
    """`critical`, `warning` or `info`."""
    action: str
    """`block`, `require_second_signature`, `require_reason` or `remind`."""
    audience: tuple[str, ...]
    key: str
    title: Words
    message: Words
    facts: dict[str, Any]
    thresholds: tuple[Threshold, ...] = ()
    evidence: tuple[Citation, ...] = ()
    suggest: tuple[dict[str, str], ...] = ()
    """Things to do: a verb with its object (`reduce: item.quantity`), `to` or `with` what, and
    `zh` and `en` where the rule words it."""
    exemption_unverified: tuple[str, ...] = ()
    release: Release | None = None
    """Present where the action is `block`."""
    amount: FoundAmount | None = None
    """Present where the rule is about money."""
    pair: FoundPair | None = None
    """Present where the element is a pair of lines."""
    overridden_by: str = ""
    """The alert id of the finding on the same element that stands for this one: this one is no
    violation of its own, and is told to nobody."""
    delivery: Delivery | None = None
    """Present where the rule limits how often the same is told; absent: its audience is told."""


class Missing(Record, frozen=True, kw_only=True):
    """A fact that was needed and not there."""

    fact: str
    why: str
    """`not_reported`, `stated_absent`, `not_in_knowledge`, `unrecognised`, `partial_list` …"""
    age: str = ""
    """How old a `stale` value is: `75.5 h`; how much later than the service a `future` one; of a
    history, since when the past is known."""


class NotEvaluable(Record, frozen=True, kw_only=True):
    """A rule that applied and could not be decided for an element."""

    rule_id: str
    rule_version: int
    element: str
    missing: tuple[Missing, ...]
    audience: tuple[str, ...] = ()
    """Whom the rule wants to be told of it; empty: it is only counted."""


class Undetermined(Record, frozen=True, kw_only=True):
    """Rules of which it is not even known whether they apply, by the fact that is missing."""

    element: str
    fact: str
    why: str
    rules: tuple[str, ...]


class Waiting(Record, frozen=True, kw_only=True):
    """A rule that is decided later: when late data had time to arrive, or a duty is due."""

    rule_id: str
    rule_version: int
    element: str = ""
    why: str
    """`late_data`, or `duty`: an event is expected."""
    until: str
    """In event time."""


class Retraction(Record, frozen=True, kw_only=True):
    """Why an earlier decision of the same identity no longer stands."""

    why: str
    """`in_time` (what was expected had happened in time), `late` (it had happened, or the duty had
    ended, before more people were told), `extended` (the limit was a later one), `ended` (the duty
    had ended before), `voided` (the act was taken back), `revised` (it was changed) or
    `interrupted` (the run that decided was interrupted before it could remember)."""
    source: str = ""
    id: str = ""
    """The key of the event that brought it."""


class Repeat(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The answer to an event that came before: the name of its decision."""

    schema: int = SCHEMA
    kind: str = "repeat"
    decision_id: str
    source: str
    id: str


class Coverage(Record, frozen=True, kw_only=True):
    """How many (rule, element) pairs were looked at, and how each ended."""

    applicable: int
    """Pairs in scope: the sum of the four outcomes below."""
    alerts: int = 0
    """Those that gave way to another alert too, see `overridden`."""
    silent: int = 0
    exempt: int = 0
    not_evaluable: int = 0
    undetermined: int = 0
    """Pairs whose scope could not be decided; not part of `applicable`."""
    waiting: int = 0
    """Pairs that are decided later; not part of `applicable`."""
    overridden: int = 0
    """Of the alerts those that gave way to another: they count as no violation of their own."""
    suppressed: int = 0
    """Of the alerts those that are not told again: their audience was told the same before."""


class EventRef(Record, frozen=True, kw_only=True):
    """The event a decision is about."""

    source: str
    id: str
    type: str
    time: str
    act_id: str = ""
    revision: int = 0
    institution: str = ""
    department: str = ""
    digest: str = ""
    """Of the event's bytes, so that the same key with other content is noticed."""


class Basis(Record, frozen=True, kw_only=True):
    """What a decision was computed with."""

    pack: str
    """Digest of the rules."""
    knowledge: str
    """Digest of the knowledge base."""
    engine: str
    profile: str
    bundle: str = ""
    """Digest of the signed bundle that rules and knowledge came in; "" for files."""
    registry: str = ""
    """Digest of the registry that lay over the knowledge's; "" for none."""


class Decision(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The answer to one event. Nothing in it depends on when or where it was computed."""

    schema: int = SCHEMA
    decision_id: str
    event: EventRef
    scope: str
    cause: str
    subject: str
    phase: str
    as_of: str
    verdict: str
    """`findings` (something was found), `incomplete` (nothing found, not everything could be
    checked), `clean` (all that applied was checked) or `no_rules` (nothing applied)."""
    coverage: Coverage
    findings: tuple[Finding, ...] = ()
    not_evaluable: tuple[NotEvaluable, ...] = ()
    undetermined: tuple[Undetermined, ...] = ()
    facts: dict[str, Any] = {}
    """Facts of the event that conditions used, by name; {"unknown": why} where unknown."""
    elements: dict[str, dict[str, Any]] = {}
    """The same for each element, by line id."""
    rules: dict[str, int] = {}
    """Id and version of each rule that was in scope or undetermined."""
    versions: dict[str, dict[str, int]] = {}
    """By element of another service date: rules of which another version decided about it."""
    waiting: tuple[Waiting, ...] = ()
    """Rules that will decide about this event later."""
    remembered: tuple[str, ...] = ()
    """Fields of the patient that the event did not report and that were remembered."""
    retracted: Retraction | None = None
    basis: Basis
    cut: str = ""
    """Why parts are left out (`too_large`), where the full decision did not fit a record."""


class Alert(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One finding of a decision, as a record of its own for live listeners."""

    schema: int = SCHEMA
    decision_id: str
    event: EventRef
    subject: str
    phase: str
    finding: Finding


class DeadLetterHeaders:
    """Header names of a dead letter. Its value is the refused bytes, its key theirs."""

    TOPIC: Final = "yijian-topic"
    PARTITION: Final = "yijian-partition"
    OFFSET: Final = "yijian-offset"
    REASON: Final = "yijian-reason"
    PATH: Final = "yijian-path"
    DETAIL: Final = "yijian-detail"
    RECEIVED_MS: Final = "yijian-received-ms"


class OriginHeaders:
    """Headers on outputs and re-keyed records: which intake record they come from."""

    TOPIC: Final = "yijian-origin-topic"
    PARTITION: Final = "yijian-origin-partition"
    OFFSET: Final = "yijian-origin-offset"
    RECEIVED_MS: Final = "yijian-origin-received-ms"
    KIND: Final = "yijian-kind"
    """`repeat` on the record that answers an event which came before; absent on decisions."""
    TIMER: Final = "yijian-timer"
    """On a decision that a timer led to: the timer's id."""
    CLOCK_US: Final = "yijian-clock-us"
    """On the same: the clock of the timer's source when it fired."""


class ActivityHeaders:
    """Headers of the activities topic, beside those of the origin."""

    SUPERSEDED: Final = "yijian-superseded"
    """A later revision of the act, which came before this one, does not name the group."""
    MESSAGE: Final = "yijian-message"
    """On what is for a subject and no group: `join`, `go`, `moved` or `forward` (contracts.tie)."""
    CLOCKS: Final = "yijian-clocks"
    """On `moved`: how late it is for each source, as JSON: the time of its latest event, and of
    the broker when that came, in microseconds."""


class KindHeaders:
    """Headers that tell records of the decisions topic apart. A decision about an event has none.

    `yijian-kind: repeat` is a `Repeat` and no decision; `interrupted` withdraws a decision of a
    run that ended before it was remembered; `backfill` (contracts.backfill), `forward` and `tie`
    (contracts.tie) and `lapse` (contracts.lapse) are no decisions either. A decision that a timer
    led to names it, and the clock of the event's source when it fired.
    """

    KIND: Final = "yijian-kind"
    REPEAT: Final = b"repeat"
    INTERRUPTED: Final = b"interrupted"
    BACKFILL: Final = b"backfill"
    FORWARD: Final = b"forward"
    TIE: Final = b"tie"
    LAPSE: Final = b"lapse"
    NO_DECISION: Final = frozenset({REPEAT, BACKFILL, FORWARD, TIE, LAPSE})
    """Kinds of records that whoever reads decisions passes over."""
    GENERATION: Final = "yijian-generation"
    """On decisions about a person with several identities: how often what is remembered moved. Of
    two decisions of one identity the one of the higher generation stands, wherever it is."""
    TIMER: Final = "yijian-timer"
    CLOCK_US: Final = "yijian-clock-us"


class Reader(Generic[T]):
    """Decodes one kind of internal record from its JSON bytes; raises msgspec.DecodeError."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def __call__(self, raw: bytes) -> T:
        return self._decoder.decode(raw)


_encode = msgspec.json.Encoder(decimal_format="string").encode


def encode_record(record: Record) -> bytes:
    """The record as JSON, UTF-8; equal records give equal bytes."""
    return _encode(record)
