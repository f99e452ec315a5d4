"""The second engine: durable_rules (Rete) behind the interface of the compiled one.

Importing it needs durable_rules, and raises EngineError where that is not installed.
"""

from rules.durable.engine import NAME, Decider, Durable

__all__ = ["NAME", "Decider", "Durable"]
