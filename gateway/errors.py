"""Errors of the gateway.

    GatewayError
    ├── UnreadableInput   a file that was named cannot be read
    └── SettingError      a setting of an import makes no sense

What is wrong with a resource is not an exception: it is a `Skipped` with its reason and path.
"""

from __future__ import annotations


class GatewayError(Exception):
    """Base of what the gateway raises at its edges."""


class UnreadableInput(GatewayError):
    """A named input cannot be opened or read."""


class SettingError(GatewayError):
    """A setting of an import is not usable."""
