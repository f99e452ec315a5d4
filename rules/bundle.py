"""What a bundle must say of the rules in it."""

from __future__ import annotations

from typing import Final

LANGUAGE: Final = 1
"""The version of the rule language that this program understands.

It grows with every word that an older program does not know: a bundle says which version it needs,
and a worker that is older refuses it instead of misreading it.
"""
