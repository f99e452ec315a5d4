"""Rules and events of any size with any number of firings an event; equal seeds give equal ones.

The bigger the pack, the more drugs it speaks of: each item is in the scope of about twelve rules
whatever the size, as packs grow by covering more. A few rules are about no drug and are looked at
for every event. Limits are quantiles of what the events hold, and one number, the share of
elements beyond a limit, is searched for until the wanted firings come out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.engine.hand import HandIndexed
from benchmarks.engine.neutral import DIAGNOSIS, EVENT, ITEM, Condition, Line, Rule, Visit

ROUTES: Final = ("oral", "intravenous", "intramuscular", "subcutaneous", "inhalation", "topical",
                 "nasal", "rectal")  # fmt: skip
ENCOUNTERS: Final = ("outpatient", "emergency", "inpatient", "internet")
DEPARTMENTS: Final = tuple(f"dept-{n:02d}" for n in range(20))
CATEGORIES: Final = tuple(f"{a}{n:02d}" for a in "ABCDEFGHIJ" for n in range(100))
"""As many ICD-10 categories as a county hospital uses."""
_RULES_AN_ITEM: Final = 6.0
"""Of each of two kinds: about its drug, and about its ingredient."""
_SET_SIZES: Final = (1, 1, 1, 1, 1, 1, 2, 2, 3, 6)
_MEAN_SET: Final = sum(_SET_SIZES) / len(_SET_SIZES)
_OF_DIAGNOSES: Final = 0.08
_SEARCH_STEPS: Final = 12
_MOST: Final = 0.98

ABOUT_DRUGS: Final = ("dose", "dose", "dose", "days", "days", "route")
ABOUT_INGREDIENTS: Final = ("age", "age", "age", "frequency", "pregnancy", "contraindication")


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug of the catalogue, as it is usually prescribed."""

    code: str
    ingredient: str
    dose_mg: float
    route: str


@dataclass(frozen=True, slots=True)
class Workload:
    rules: tuple[Rule, ...]
    visits: tuple[Visit, ...]
    drugs: tuple[Drug, ...]
    firings: float
    """An event, on average over the visits."""


def generate(size: int, firings: float, visits: int, seed: int) -> Workload:
    """So many rules and events with about so many firings an event."""
    rng = Random(f"{seed} {size}")  # the same rules for all numbers of firings, but for limits
    drafts = _Drafts(rng, size)
    made = tuple(_visit(rng, number, drafts.drugs) for number in range(visits))
    limits = Limits(made)
    low, high, rules, found = 0.0, 1.0, drafts.rules(limits, 0.0), 0.0
    for _ in range(_SEARCH_STEPS):
        share = (low + high) / 2
        rules = drafts.rules(limits, share)
        found = _count(rules, made)
        low, high = (share, high) if found < firings else (low, share)
    return Workload(rules, made, drafts.drugs, found)


def _count(rules: Sequence[Rule], visits: Sequence[Visit]) -> float:
    hand = HandIndexed(rules)
    return sum(len(hand.fire(visit)) for visit in visits) / len(visits)


class Limits:
    """What share of the events' values lies beyond a limit, read backwards."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        lines = [line for visit in visits for line in visit.lines]
        values: dict[str, list[float]] = {
            "age": [visit.age for visit in visits],
            "item_count": [len(visit.lines) for visit in visits],
            "dose_share": [line.dose_mg / _usual_dose(line.drug) for line in lines],
            "days_supply": [line.days_supply for line in lines],
            "doses_per_day": [line.doses_per_day for line in lines],
        }
        self._sorted = {name: sorted(found) for name, found in values.items()}

    def above(self, name: str, share: float) -> float:
        """The limit that about this share of the values is above; above 0.0 is nothing."""
        found = self._sorted[name]
        return found[max(len(found) - 1 - int(share * len(found)), 0)]

    def below(self, name: str, share: float) -> float:
        """The limit that about this share of the values is below; below 0.0 is nothing."""
        found = self._sorted[name]
        return found[min(int(share * len(found)), len(found) - 1)]


def _usual_dose(drug: str) -> float:
    return float(5 * (1 + int(drug.rpartition("-")[2]) % 40))


Draft = Callable[[Limits, float], Rule]
"""From the limits and the share of elements that fire to the rule."""


class _Drafts:
    """Rules without their limits."""

    def __init__(self, rng: Random, size: int) -> None:
        of_diagnoses = int(size * _OF_DIAGNOSES)
        of_items = size - of_diagnoses - len(_GENERAL)
        of_drugs = of_items // 2
        drugs = max(round(of_drugs * _MEAN_SET / _RULES_AN_ITEM), 4)
        ingredients = max(round((of_items - of_drugs) * _MEAN_SET / _RULES_AN_ITEM), 4)
        self._ingredients = tuple(f"ingredient-{n:05d}" for n in range(ingredients))
        self.drugs = tuple(self._drug(rng, number) for number in range(drugs))
        self._drafts: list[Draft] = [_general(number) for number in range(len(_GENERAL))]
        for number in range(of_drugs):
            self._drafts.append(self._about_drugs(rng, number))
        for number in range(of_items - of_drugs):
            self._drafts.append(self._about_ingredients(rng, number))
        for number in range(of_diagnoses):
            self._drafts.append(_about_diagnoses(rng, number))

    def rules(self, limits: Limits, share: float) -> tuple[Rule, ...]:
        return tuple(draft(limits, share) for draft in self._drafts)

    def _drug(self, rng: Random, number: int) -> Drug:
        code = f"drug-{number:05d}"
        return Drug(code, rng.choice(self._ingredients), _usual_dose(code), rng.choice(ROUTES))

    def _about_drugs(self, rng: Random, number: int) -> Draft:
        topic = rng.choice(ABOUT_DRUGS)
        chosen = _some(rng, [drug.code for drug in self.drugs])
        usual = max(_usual_dose(code) for code in chosen)
        weight = _weight(rng)
        rule_id = f"bench.{topic}_{number:05d}"
        scope = [Condition("drug", "in", chosen)]
        if topic == "days":
            scope.append(Condition("encounter", "is", rng.choice(ENCOUNTERS)))

        def draft(limits: Limits, share: float) -> Rule:
            share = min(share * weight, _MOST)
            if topic == "dose":
                when = Condition(
                    "dose_mg", "above", round(usual * limits.above("dose_share", share), 3)
                )
            elif topic == "days":
                when = Condition("days_supply", "above", limits.above("days_supply", share))
            else:
                allowed = ROUTES[: max(len(ROUTES) - int(share * len(ROUTES)), 1)]
                when = Condition("route", "not_in", allowed)
            return Rule(rule_id, topic, ITEM, tuple(scope), (when,))

        return draft

    def _about_ingredients(self, rng: Random, number: int) -> Draft:
        topic = rng.choice(ABOUT_INGREDIENTS)
        scope = [Condition("ingredient", "in", _some(rng, self._ingredients))]
        exempt = tuple(sorted(rng.sample(CATEGORIES, 3)))
        contra = rng.sample(CATEGORIES, 30)
        weight = _weight(rng)
        rule_id = f"bench.{topic}_{number:05d}"
        if topic == "pregnancy":
            scope.append(Condition("sex", "is", "female"))

        def draft(limits: Limits, share: float) -> Rule:
            share = min(share * weight, _MOST)
            unless: tuple[Condition, ...] = ()
            if topic == "age":
                when = Condition("age", "below", limits.below("age", share))
                unless = (Condition("diagnoses", "any_in", exempt),)
            elif topic == "frequency":
                when = Condition("doses_per_day", "above", limits.above("doses_per_day", share))
            elif topic == "pregnancy":
                when = Condition("pregnant", "is", True)
            else:
                codes = tuple(sorted(contra[: max(1, int(share * len(contra)))]))
                when = Condition("diagnoses", "any_in", codes)
                unless = (Condition("is_rescue", "is", True),)
            return Rule(rule_id, topic, ITEM, tuple(scope), (when,), unless)

        return draft


def _some(rng: Random, of: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(rng.sample(of, min(rng.choice(_SET_SIZES), len(of)))))


def _weight(rng: Random) -> float:
    return rng.uniform(0.25, 1.75)


def _about_diagnoses(rng: Random, number: int) -> Draft:
    scope = (Condition("diagnosis", "in", _some(rng, CATEGORIES)),)
    weight = _weight(rng)
    rule_id = f"bench.diagnosis_{number:05d}"

    def draft(limits: Limits, share: float) -> Rule:
        limit = limits.above("age", min(share * weight, _MOST))
        return Rule(rule_id, "diagnosis", DIAGNOSIS, scope, (Condition("age", "above", limit),))

    return draft


_GENERAL: Final = (
    (EVENT, ("encounter", "outpatient"), "item_count"),
    (EVENT, ("department", DEPARTMENTS[3]), "age"),
    (EVENT, ("encounter", "internet"), "age"),
    (ITEM, ("encounter", "emergency"), "days_supply"),
    (ITEM, ("route", "intravenous"), "doses_per_day"),
    (ITEM, ("sex", "male"), "days_supply"),
)
"""Rules about no drug: what they look at, their scope, and what may not be above a limit."""


def _general(number: int) -> Draft:
    of, (field, word), limited = _GENERAL[number]
    rule_id = f"bench.general_{number}"
    scope = (Condition(field, "is", word),)

    def draft(limits: Limits, share: float) -> Rule:
        when = (Condition(limited, "above", limits.above(limited, min(share, _MOST))),)
        return Rule(rule_id, "general", of, scope, when)

    return draft


def _visit(rng: Random, number: int, drugs: Sequence[Drug]) -> Visit:
    sex = rng.choice(("female", "male"))
    age = min(int(rng.betavariate(1.6, 1.6) * 97), 96)
    # A few drugs make up most of what is prescribed.
    chosen = {drugs[int(len(drugs) * rng.random() ** 2)] for _ in range(_lines(rng))}
    ordered = sorted(chosen, key=lambda drug: drug.code)
    return Visit(
        id=f"rx-{number:06d}",
        age=age,
        sex=sex,
        pregnant=sex == "female" and 18 <= age <= 45 and rng.random() < 0.01,
        encounter=rng.choice(ENCOUNTERS),
        is_rescue=rng.random() < 0.01,
        department=rng.choice(DEPARTMENTS),
        diagnoses=tuple(sorted(set(rng.choices(CATEGORIES, k=rng.choice((1, 1, 2, 3)))))),
        lines=tuple(_line(rng, f"{n + 1}", drug) for n, drug in enumerate(ordered)),
    )


def _lines(rng: Random) -> int:
    return rng.choice((1, 1, 2, 2, 2, 3, 4))


def _line(rng: Random, line_id: str, drug: Drug) -> Line:
    return Line(
        id=line_id,
        drug=drug.code,
        ingredient=drug.ingredient,
        dose_mg=round(drug.dose_mg * rng.lognormvariate(0.0, 0.4), 3),
        doses_per_day=rng.choice((1, 1, 2, 2, 3, 3, 4, 6)),
        days_supply=min(1 + int(rng.expovariate(0.12)), 365),
        route=drug.route if rng.random() < 0.9 else rng.choice(ROUTES),
    )
