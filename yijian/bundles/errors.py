"""What can go wrong with bundles, outside a worker.

BundleError
├── KeyFault        a key file that is missing, unreadable, of another kind, or open to everybody
├── PackingFault    files that do not make a bundle
├── RefusedBundle   a bundle that workers would refuse; carries the Refusal
└── PublishFault    the topic: no such bundle, or somebody else published meanwhile
"""

from __future__ import annotations

from contracts.bundle import Refusal


class BundleError(Exception):
    """Base of what this package raises; the message says what to do next."""


class KeyFault(BundleError):
    """A key file cannot be used. Never quotes the file's content."""


class PackingFault(BundleError):
    """The files do not make a bundle."""


class PublishFault(BundleError):
    """The bundles topic does not allow what was asked."""


class RefusedBundle(BundleError):
    """Workers would refuse it."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))
