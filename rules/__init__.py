"""The rule language: its model, its meaning, the compiled engine and the author's workbench.

pack = rules.load_pack([Path("rules/packs")], knowledge)
decision = rules.Evaluator(pack, knowledge).decide(event)
"""

from rules.engine.evaluator import Evaluator
from rules.errors import PackError, RulesError
from rules.pack import PACKS, Pack, load_pack

__all__ = ["PACKS", "Evaluator", "Pack", "PackError", "RulesError", "load_pack"]
