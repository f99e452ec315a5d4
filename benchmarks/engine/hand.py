"""The limit: what somebody would write by hand in Python for exactly these rules.

Rules lie under the words of their scope, sorted by what they compare, and each comparison is
written out. There are no unknown values, no dates, no record of what was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from benchmarks.engine.neutral import Rule, Visit

Limits: TypeAlias = list[tuple[Any, str]]
"""Limits with their rules."""


class _Sheet:
    """The rules under one word, by what they compare."""

    __slots__ = ("age", "contra", "days", "doses", "frequency", "pregnancy", "routes")

    def __init__(self) -> None:
        self.doses: Limits = []
        self.days: dict[str, Limits] = {}
        self.routes: Limits = []
        self.age: list[tuple[float, frozenset[str], str]] = []
        self.frequency: Limits = []
        self.pregnancy: list[str] = []
        self.contra: Limits = []

    def add(self, rule: Rule) -> None:
        value: Any = rule.when[0].value
        if rule.topic == "dose":
            self.doses.append((value, rule.id))
        elif rule.topic == "days":
            self.days.setdefault(str(rule.scope[1].value), []).append((value, rule.id))
        elif rule.topic == "route":
            self.routes.append((frozenset(value), rule.id))
        elif rule.topic == "age":
            self.age.append((value, frozenset(rule.unless[0].words), rule.id))
        elif rule.topic == "frequency":
            self.frequency.append((value, rule.id))
        elif rule.topic == "pregnancy":
            self.pregnancy.append(rule.id)
        else:
            self.contra.append((frozenset(value), rule.id))


class HandIndexed:
    """Finds what fires, with an index over drugs, ingredients and diagnoses."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._drugs: dict[str, _Sheet] = {}
        self._ingredients: dict[str, _Sheet] = {}
        self._diagnoses: dict[str, Limits] = {}
        self._general: dict[tuple[str, str], dict[str, Limits]] = {
            ("encounter", "item_count"): {}, ("encounter", "age"): {}, ("department", "age"): {},
            ("encounter", "days_supply"): {}, ("route", "doses_per_day"): {},
            ("sex", "days_supply"): {},
        }  # fmt: skip
        for rule in rules:
            first = rule.scope[0]
            if rule.topic == "general":
                limits = self._general[first.field, rule.when[0].field]
                limits.setdefault(str(first.value), []).append((rule.when[0].value, rule.id))
            elif rule.topic == "diagnosis":
                for word in first.words:
                    limit = (rule.when[0].value, rule.id)
                    self._diagnoses.setdefault(word, []).append(limit)
            else:
                sheets = self._drugs if first.field == "drug" else self._ingredients
                for word in first.words:
                    sheets.setdefault(word, _Sheet()).add(rule)

    def fire(self, visit: Visit) -> list[tuple[str, str]]:
        """Rule and element of everything that fires."""
        found: list[tuple[str, str]] = []
        age, encounter, diagnoses = visit.age, visit.encounter, visit.diagnoses
        drugs, ingredients = self._drugs, self._ingredients
        (count_by_encounter, age_by_encounter, age_by_department, days_by_encounter,
         frequency_by_route, days_by_sex) = self._general.values()  # fmt: skip
        for line in visit.lines:
            element = line.id
            if (sheet := drugs.get(line.drug)) is not None:
                dose, days, route = line.dose_mg, line.days_supply, line.route
                for limit, rule in sheet.doses:
                    if dose > limit:
                        found.append((rule, element))
                for limit, rule in sheet.days.get(encounter, ()):
                    if days > limit:
                        found.append((rule, element))
                for allowed, rule in sheet.routes:
                    if route not in allowed:
                        found.append((rule, element))
            if (sheet := ingredients.get(line.ingredient)) is not None:
                for limit, exempt, rule in sheet.age:
                    if age < limit and exempt.isdisjoint(diagnoses):
                        found.append((rule, element))
                frequency = line.doses_per_day
                for limit, rule in sheet.frequency:
                    if frequency > limit:
                        found.append((rule, element))
                if visit.pregnant and visit.sex == "female":
                    found += [(rule, element) for rule in sheet.pregnancy]
                if not visit.is_rescue:
                    for codes, rule in sheet.contra:
                        if not codes.isdisjoint(diagnoses):
                            found.append((rule, element))
            for limit, rule in days_by_encounter.get(encounter, ()):
                if line.days_supply > limit:
                    found.append((rule, element))
            for limit, rule in frequency_by_route.get(line.route, ()):
                if line.doses_per_day > limit:
                    found.append((rule, element))
            for limit, rule in days_by_sex.get(visit.sex, ()):
                if line.days_supply > limit:
                    found.append((rule, element))
        for code in diagnoses:
            for limit, rule in self._diagnoses.get(code, ()):
                if age > limit:
                    found.append((rule, code))
        for limit, rule in count_by_encounter.get(encounter, ()):
            if len(visit.lines) > limit:
                found.append((rule, ""))
        for limit, rule in age_by_encounter.get(encounter, ()):
            if age > limit:
                found.append((rule, ""))
        for limit, rule in age_by_department.get(visit.department, ()):
            if age > limit:
                found.append((rule, ""))
        return found
