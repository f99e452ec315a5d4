"""What a worker is told about bundles: whom to trust, how to load, and what to start with."""

from __future__ import annotations

from contracts.bundle import (
    ACTIVATION_TYPE,
    Activation,
    Refusal,
    Why,
    activation_key,
    read_activation,
    read_signed,
)
from contracts.clock import Clock, SystemClock
from streams.bundles import BundledRules, BundleSource, FixedRules, Rules
from streams.bundles.topic import TopicAddress
from streams.registry import RegisteredRules, RegistryFollower
from streams.supervision import Supervisor
from yijian import registry
from yijian.bundles.loading import load, warm_up
from yijian.bundles.signing import Trusted, read_trusted
from yijian.composition import load_core, supervisor_of
from yijian.settings import Settings


def worker_rules(settings: Settings) -> Rules:
    """The rules of a worker: bundles where trusted keys are set, else files; with the registry.

    Raises KeyFault for the keys, and what loading files or reading the topic raises.
    """
    follower = RegistryFollower(registry.address(settings).open)
    return RegisteredRules(_bundled_or_fixed(settings), follower)


def _bundled_or_fixed(settings: Settings) -> Rules:
    if not settings.bundle_keys:
        return FixedRules(_of_files(settings))
    judge = SiteJudge(settings, read_trusted(settings.bundle_keys), SystemClock())
    source = BundleSource(address(settings).open, settings.bundle_channel)
    return BundledRules(source, judge, lambda: _of_files(settings))


def address(settings: Settings) -> TopicAddress:
    """Where the installation's bundles are."""
    return TopicAddress(settings.kafka_bootstrap, settings.topics.bundles, settings.kafka_options)


def _of_files(settings: Settings) -> Supervisor:
    return supervisor_of(settings, load_core(settings))


class SiteJudge:
    """Follows what a trusted key signed, and loads it with the site's settings."""

    def __init__(self, settings: Settings, trusted: Trusted, clock: Clock) -> None:
        self._settings = settings
        self._trusted = trusted
        self._clock = clock

    def activation(self, key: bytes, value: bytes) -> Activation | Refusal:
        return checked_activation(key, value, self._trusted)

    def load(self, raw: bytes) -> Supervisor | Refusal:
        loaded = load(raw, self._settings, self._trusted)
        if isinstance(loaded, Refusal):
            return loaded
        warm_up(loaded.core, self._clock.now().date())
        return supervisor_of(self._settings, loaded.core)


def checked_activation(key: bytes, value: bytes, trusted: Trusted | None) -> Activation | Refusal:
    """What a trusted key signed, if it stands under the key it belongs to.

    Without `trusted` nobody's signature is asked for.
    """
    signed = read_signed(value)
    if isinstance(signed, Refusal):
        return signed
    refusal = trusted.check(ACTIVATION_TYPE, signed) if trusted is not None else None
    if refusal is not None:
        return refusal
    activation = read_activation(signed.payload)
    if isinstance(activation, Refusal):
        return activation
    if activation_key(activation.channel, activation.sequence) != key:
        return Refusal(Why.WRONG_PLACE, "it was signed for another channel or sequence")
    return activation
