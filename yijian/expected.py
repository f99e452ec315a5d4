"""What must be in the tables, and who decides a record again: whatever had decided it.

A decision names the rules and knowledge that it was computed with (`basis`): the site's files, or
a signed bundle. What it names has the word, not what is in force now. A decision whose basis
cannot be had is not recomputed, and counted as that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.decision import Basis, Decision, encode_record
from contracts.identity import EventKey
from streams.supervision import Supervisor
from yijian.bundles.by_basis import BUNDLE_NOT_FOUND, ByBasis, LoadBundle, difference
from yijian.composition import Core, supervisor_of
from yijian.kafka_log import Origin
from yijian.registry import REGISTRY_NOT_FOUND, FindRegistry, nothing_registered
from yijian.settings import Settings


class Supervisors:
    """Decides records again as they were decided."""

    def __init__(
        self,
        settings: Settings,
        files: Core,
        load_bundle: LoadBundle,
        find_registry: FindRegistry = nothing_registered,
    ) -> None:
        self._find_registry = find_registry
        self._found = ByBasis(files, load_bundle, lambda core: supervisor_of(settings, core))

    @property
    def files(self) -> Supervisor:
        return self._found.files

    def find(self, basis: Basis) -> Supervisor | str:
        """The supervisor of a basis, or why there is none, e.g. `other_pack`."""
        found = self._found.find(basis)
        if found is None:
            return BUNDLE_NOT_FOUND
        mine = found.basis
        assert mine is not None  # evaluators of packs always tell
        if basis.profile != mine.profile:
            return "other_profile"
        other = difference(basis, mine)
        if other:
            return other
        if basis.registry != mine.registry:
            registry = self._find_registry(basis.registry)
            if registry is None:
                return REGISTRY_NOT_FOUND
            found.use(registry)
        return found


@dataclass
class Expected:
    """What the tables must hold of the intake's records, as the last decisions say."""

    records: int = 0
    accepted: dict[Origin, EventKey] = field(default_factory=dict)
    refused: dict[Origin, str] = field(default_factory=dict)
    _alerts: dict[str, tuple[EventKey, bytes]] = field(default_factory=dict)
    _by_decision: dict[str, frozenset[str]] = field(default_factory=dict)
    _generations: dict[str, int] = field(default_factory=dict)
    """Of decisions of persons that moved: partition numbers are gone through in no order of time,
    so the generation says which of two stands."""
    _unknown: dict[str, tuple[EventKey, str]] = field(default_factory=dict)

    @property
    def not_recomputed(self) -> dict[EventKey, str]:
        """Events about which a decision could not be made again, and why."""
        return dict(self._unknown.values())

    @property
    def alerts(self) -> dict[str, bytes]:
        """The alerts that stand in the end, of events of which everything was decided again."""
        unknown = self.not_recomputed
        return {name: raw for name, (key, raw) in self._alerts.items() if key not in unknown}

    def decided(self, decision: Decision, generation: int = 0) -> None:
        """A decision's alerts; of several decisions of an identity the last one counts."""
        name = decision.decision_id
        if not self.withdrawn(name, generation):
            return
        findings = decision.findings
        if not findings:
            return
        key = EventKey(decision.event.source, decision.event.id)
        self._by_decision[name] = frozenset(f.alert_id for f in findings)
        for finding in findings:
            self._alerts[finding.alert_id] = (key, encode_record(finding))

    def unknown(self, decision_id: str, key: EventKey, why: str, generation: int = 0) -> None:
        """Nothing can be said of an event's alerts."""
        if self.withdrawn(decision_id, generation):
            self._unknown[decision_id] = (key, why)

    def withdrawn(self, decision_id: str, generation: int = 0) -> bool:
        """Nothing that was decided under this name stands; False where a later one does."""
        if generation < self._generations.get(decision_id, 0):
            return False
        if generation:
            self._generations[decision_id] = generation
        self._unknown.pop(decision_id, None)
        for stale in self._by_decision.pop(decision_id, ()):
            self._alerts.pop(stale, None)
        return True
