"""Bundles of rules and knowledge: packed, signed, put in force, loaded, rolled back."""
