"""Write the reference page and the schemas anew: `python -m rules.language`."""

from rules import schema
from rules.language.reference import REFERENCE, reference

REFERENCE.write_text(reference(), encoding="utf-8")
schema.write()
