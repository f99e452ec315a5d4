"""The shipped knowledge, loaded once."""

from __future__ import annotations

import pytest

import knowledge_base
from knowledge_base import KnowledgeBase


@pytest.fixture(scope="session")
def knowledge() -> KnowledgeBase:
    return knowledge_base.load(knowledge_base.default_paths())
