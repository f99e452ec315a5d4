"""Why a measurement is worth nothing.

BenchmarkError
├── NotTranslatable    a rule cannot be said to durable_rules
├── ProcessFailed      a measured process ended, or answered nothing
├── Stalled            what was waited for did not come in time
└── FiringsDiffer      two engines did not find the same
"""

from __future__ import annotations


class BenchmarkError(Exception):
    """A figure cannot be given; the message says why."""


class NotTranslatable(BenchmarkError):
    """A rule asks for more than one durable_rules ruleset can hold."""


class ProcessFailed(BenchmarkError):
    """A process ended by itself, or with another exit code than 0."""


class Stalled(BenchmarkError):
    """The time ran out before everything was answered."""


class FiringsDiffer(BenchmarkError):
    """Two engines fired different rules on the same events: no ratio means anything."""
