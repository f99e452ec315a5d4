"""FHIR R4 resources become events: `import_bundles` streams them, `ImportReport` counts them."""

from gateway.fhir.importer import import_bundles
from gateway.fhir.outcome import NOTES, REASONS, Imported, Note, Outcome, Skip, Skipped
from gateway.fhir.report import ImportReport, ReportRow

__all__ = [
    "NOTES",
    "REASONS",
    "ImportReport",
    "Imported",
    "Note",
    "Outcome",
    "ReportRow",
    "Skip",
    "Skipped",
    "import_bundles",
]
