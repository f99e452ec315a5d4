"""Clinical and regulatory knowledge: dated values with unit, source and locator.

knowledge = knowledge_base.load(knowledge_base.default_paths())
knowledge.parameter("prescription.max_items").at(day).value
"""

from knowledge_base.base import KnowledgeBase
from knowledge_base.errors import KnowledgeError
from knowledge_base.loader import DATA, default_paths, load
from knowledge_base.model import (
    Analyte,
    CodeSet,
    Department,
    Drug,
    Institution,
    Names,
    Parameter,
    ParameterValue,
    Practitioner,
    ServiceItem,
    Source,
    Usual,
)

__all__ = [
    "DATA",
    "Analyte",
    "CodeSet",
    "Department",
    "Drug",
    "Institution",
    "KnowledgeBase",
    "KnowledgeError",
    "Names",
    "Parameter",
    "ParameterValue",
    "Practitioner",
    "ServiceItem",
    "Source",
    "Usual",
    "default_paths",
    "load",
]
