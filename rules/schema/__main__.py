"""Write the published schemas anew: `python -m rules.schema`."""

from rules import schema

schema.write()
