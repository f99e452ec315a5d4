"""Facts of one item: of a prescription, an order, a bill, a result and what else has lines."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import UNSET

from contracts.acts import (
    AdministrationItem,
    ChargeItem,
    DispenseItem,
    OrderItem,
    PrescriptionItem,
    StockItem,
)
from contracts.values import Amount, Coding
from rules.facts.base import (
    NO_ELEMENTS,
    NOT_IN_KNOWLEDGE,
    NOT_REPORTED,
    STATED_ABSENT,
    UNRECOGNISED,
    Context,
    Element,
    Fact,
    Type,
    Value,
    partial,
)
from rules.facts.event import WITH_DRUGS, WITH_ITEMS, lacks_items
from rules.facts.read import (
    ItemField,
    WordField,
    absent,
    as_of,
    key_of,
    local_day,
    note,
    text,
    word_of,
    words,
)
from rules.units import tidy

ROUTES: Final = (
    "oral", "sublingual", "buccal", "intravenous", "intramuscular", "subcutaneous", "intradermal",
    "intrathecal", "epidural", "intraarticular", "inhalation", "nasal", "ophthalmic", "otic",
    "topical", "transdermal", "rectal", "vaginal",
)  # fmt: skip
"""Words for routes; codes of other vocabularies (SNOMED CT, a hospital's) are unrecognised."""
SKIN_TESTS: Final = ("negative", "positive", "exempt")
CONTROLS: Final = ("narcotic", "psychotropic_1", "psychotropic_2", "none")
GRADES: Final = ("unrestricted", "restricted", "special", "none")
KINDS: Final = ("western", "patent", "herbal")
FORMS: Final = ("injection", "controlled_release", "other")
CATEGORIES: Final = ("drug", "consumable", "service")


_DRUGS: Final = frozenset({PrescriptionItem, AdministrationItem, DispenseItem})
"""Lines that are always a drug."""
_MAY_NAME_DRUGS: Final = frozenset({OrderItem, StockItem})
"""Lines that say themselves if they are one."""


def find_drug(c: Context, item: Any) -> Any:
    """The drug of an item as of the day, or why there is none (absent: it is not a drug)."""
    found = c.drugs.get(id(item))
    if found is None:
        found = c.drugs[id(item)] = _look_up_drug(c, item)
    return found


def _look_up_drug(c: Context, item: Any) -> Any:
    coding: Any
    if type(item) in _DRUGS:
        coding = item.drug
    else:
        coding = item.drug if type(item) in _MAY_NAME_DRUGS else None
        if type(coding) is not Coding:
            return _drug_of_entry(c, find_entry(c, item))
    drug = c.knowledge.drug(coding.system, coding.code, c.day)
    return NOT_IN_KNOWLEDGE if drug is None else drug


def _drug_of_entry(c: Context, entry: Any) -> Any:
    """The drug that an entry of the services catalogue stands for."""
    if type(entry) is dict:
        return entry
    if entry.drug is None:
        return STATED_ABSENT if entry.category != "drug" else NOT_IN_KNOWLEDGE
    system, _, code = entry.drug.rpartition("|")
    drug = c.knowledge.drug(system, code, c.day)
    return NOT_IN_KNOWLEDGE if drug is None else drug


def find_entry(c: Context, item: Any) -> Any:
    """The item's entry in the catalogue of services, or why there is none."""
    found = c.entries.get(id(item))
    if found is None:
        coding = item.item if type(item) is ChargeItem else item.code
        if type(coding) is not Coding:
            return absent(coding)
        entry = c.knowledge.item(coding.system, coding.code, c.day)
        found = c.entries[id(item)] = NOT_IN_KNOWLEDGE if entry is None else entry
    return found


def drug_kinds(c: Context) -> Value:
    """The kinds of the items' drugs; partial where a drug is not in the knowledge base."""
    if lacks_items(c):
        return NOT_REPORTED
    kinds: set[str] = set()
    complete = True
    for item in c.data.items:
        drug = find_drug(c, item)
        if type(drug) is not dict:
            kinds.add(drug.kind)
        elif drug is not STATED_ABSENT:
            complete = False
    values = tuple(sorted(kinds)) if len(kinds) > 1 else tuple(kinds)
    return values if complete else partial(values)


def western_items(c: Context) -> Value:
    """How many items are western or patent drugs; unknown where one drug is unknown."""
    if lacks_items(c):
        return NOT_REPORTED
    count = 0
    for item in c.data.items:
        drug = c.drugs.get(id(item)) or find_drug(c, item)
        if type(drug) is not dict:
            count += drug.kind in _WESTERN
        elif drug is not STATED_ABSENT:
            return drug
    return count


_WESTERN: Final = frozenset({"western", "patent"})


class DrugField:
    """Reads a field of the item's drug; compiled code reads it in place.

    `not_a_drug` is the value for an item that is known to be no drug.
    """

    def __init__(self, name: str, not_a_drug: Value = STATED_ABSENT) -> None:
        self.name = name
        self.not_a_drug = not_a_drug

    def __call__(self, c: Context, x: Element) -> Value:
        drug = find_drug(c, x.of)
        return self.without(drug) if type(drug) is dict else getattr(drug, self.name)

    def without(self, why: Value) -> Value:
        """The value where there is no drug to read it of."""
        return self.not_a_drug if why is STATED_ABSENT else why


def _drug_name(language: str) -> Any:
    def extract(c: Context, x: Element) -> Value:
        drug = find_drug(c, x.of)
        return drug if type(drug) is dict else getattr(drug.name, language)

    return extract


def _prescribed(c: Context, x: Element) -> Value:
    return key_of(x.of.drug)


def _drug_key(c: Context, x: Element) -> Value:
    if type(x.of) in _MAY_NAME_DRUGS and type(x.of.drug) is Coding:
        return key_of(x.of.drug)
    drug = find_drug(c, x.of)
    return drug if type(drug) is dict else drug.key


class EntryField:
    """Reads a field of the item's entry in the catalogue; compiled code reads it in place."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, c: Context, x: Element) -> Value:
        entry = find_entry(c, x.of)
        if type(entry) is dict:
            return entry
        value = getattr(entry, self.name)
        return NOT_IN_KNOWLEDGE if value is None else value


def _item_name(language: str) -> Any:
    def extract(c: Context, x: Element) -> Value:
        entry = find_entry(c, x.of)
        if type(entry) is not dict:
            return getattr(entry.name, language)
        coding = x.of.item if type(x.of) is ChargeItem else x.of.code
        display = text(coding.display) if type(coding) is Coding else entry
        return entry if type(display) is dict else display

    return extract


def _category(c: Context, x: Element) -> Value:
    """As reported; else as the catalogue says."""
    category = x.of.category
    if type(category) is str:
        return category if category in CATEGORIES else UNRECOGNISED
    return EntryField("category")(c, x)


def _service_date(c: Context, x: Element) -> Value:
    """The day of its own time. An item without one is judged on the day of the act."""
    at = getattr(x.of, "service_time", None)
    if type(at) is datetime:
        try:
            return local_day(at, c.zone)
        except OverflowError:  # at the very ends of the calendar
            return c.day
    # Only where `some` goes through the items can a context be of the day of another item.
    return c.day if c.records is None else local_day(as_of(c, x), c.zone)


def _of(name: str, read: Any) -> Any:
    def extract(c: Context, x: Element) -> Value:
        return read(getattr(x.of, name))

    return extract


def is_known_drug(c: Context, x: Element) -> bool:
    return type(find_drug(c, x.of)) is not dict


def _is_known_code(c: Context, x: Element) -> bool:
    """Whether the code stands in any catalogue: of services, of drugs, of analytes."""
    coding = x.of.item if type(x.of) is ChargeItem else x.of.code
    if type(coding) is not Coding:
        return False
    system, code, base = coding.system, coding.code, c.knowledge
    return (
        base.item(system, code, c.day) is not None
        or base.drug(system, code, c.day) is not None
        or base.analyte(system, code) is not None
    )


def _daily_dose(c: Context, x: Element) -> Value:
    """Dose times doses a day, in the dose's unit a day."""
    dose, times = x.of.dose, x.of.doses_per_day
    for part in (dose, times):
        if part is None or part is UNSET:
            return absent(part)
    return Amount(value=tidy(dose.value * times), unit=f"{dose.unit}/d")


def _observed_at(c: Context, x: Element) -> Value:
    """The time of the value; else when the specimen was taken, else when it was reported."""
    for at in (x.of.at, c.data.collected_at, c.data.reported_at):
        if type(at) is datetime:
            return at
    return absent(x.of.at)


def _route(c: Context, x: Element) -> Value:
    return word_of(x.of.route, ROUTES)


def _unit(c: Context, x: Element) -> Value:
    quantity = x.of.quantity
    return absent(quantity) if quantity is None or quantity is UNSET else quantity.unit


def _same(families: tuple[str, ...], extract: Any) -> dict[str, Any]:
    return dict.fromkeys(families, extract)


RX, ORD, RES = ("prescription",), ("order",), ("result",)
BIL: Final = ("billing", "settlement")
PRESCRIBED: Final = ("prescription", "administration", "dispense")
"""Whose lines are always drugs."""
GIVEN: Final = ("prescription", "order", "administration")
LISTED: Final = ("order", *BIL, "stock")
"""Whose lines are codes of the catalogue of services."""
COUNTED: Final = ("prescription", "order", *BIL, "dispense", "stock")
TRACED: Final = ("prescription", *BIL, "administration", "dispense", "stock")


def _item(name: str, kind: Type, zh: str, en: str, extractors: Any, **more: Any) -> Fact:
    return Fact(f"item.{name}", kind, zh, en, extractors, of="items", **more)


FACTS: Final = (
    Fact("event.drug_kinds", Type.LIST, "药品类别", "Kinds of the drugs among the items",
         _same(WITH_DRUGS, drug_kinds), words=KINDS),
    Fact("event.western_item_count", Type.NUMBER, "西药和中成药条数",
         "Number of items that are western or Chinese patent medicines",
         _same(WITH_DRUGS, western_items), unit="1"),
    _item("line_id", Type.TEXT, "明细号", "Id of the line", _same(WITH_ITEMS, lambda c, x: x.id),
          always_known=True),
    _item("drug", Type.TEXT, "药品编码", "Code of the drug, as system|code",
          {**_same(PRESCRIBED, _prescribed), **_same(LISTED, _drug_key)}, coding="drug",
          in_knowledge=is_known_drug),
    _item("drug.name", Type.TEXT, "药品名称", "Name of the drug in the catalogue",
          _same(WITH_DRUGS, _drug_name("zh")), english=_drug_name("en")),
    _item("drug.ingredients", Type.LIST, "药品成分", "Ingredients of the drug (INN)",
          _same(WITH_DRUGS, DrugField("ingredients", NO_ELEMENTS)), coding="ingredient"),
    _item("drug.kind", Type.TEXT, "药品类别(西药、中成药、饮片)", "Western, patent or herbal",
          _same(WITH_DRUGS, DrugField("kind")), words=KINDS),
    _item("drug.form", Type.TEXT, "剂型", "Form, as limits distinguish it",
          _same(WITH_DRUGS, DrugField("form")), words=FORMS),
    _item("drug.control", Type.TEXT, "管制类别", "Control class of the drug",
          _same(WITH_DRUGS, DrugField("control", "none")), words=CONTROLS),
    _item("drug.antimicrobial_grade", Type.TEXT, "抗菌药物分级", "Grade of the antimicrobial",
          _same(WITH_DRUGS, DrugField("antimicrobial_grade", "none")), words=GRADES),
    _item("drug.requires_skin_test", Type.BOOLEAN, "是否需皮试",
          "Whether a skin test is asked for before use",
          _same(WITH_DRUGS, DrugField("requires_skin_test", False))),
    _item("dose", Type.AMOUNT, "单次剂量", "Single dose with its unit",
          _same(GIVEN, ItemField("dose"))),
    _item("doses_per_day", Type.NUMBER, "每日次数", "Doses a day",
          _same(RX, ItemField("doses_per_day")), unit="1/d"),
    _item("daily_dose", Type.AMOUNT, "日剂量", "Dose times doses a day, e.g. in g/d",
          _same(RX, _daily_dose)),
    _item("route", Type.TEXT, "给药途径", "Route of administration",
          _same(GIVEN, _route), words=ROUTES),
    _item("days_supply", Type.NUMBER, "用药天数", "Days for which the item suffices",
          _same(("prescription", "dispense"), ItemField("days_supply")), unit="d"),
    _item("usage", Type.TEXT, "用法", "Directions as printed for the patient",
          _same(RX, ItemField("usage", is_text=True))),
    _item("skin_test", Type.TEXT, "皮试结果", "Result of the skin test",
          _same(("prescription", "order"), WordField("skin_test", SKIN_TESTS)),
          words=SKIN_TESTS),
    _item("reason", Type.NOTE, "理由",
          "Why a limit is exceeded on purpose, or a drug was not given",
          _same(("prescription", "administration"), _of("reason", note))),
    _item("infusion_group", Type.TEXT, "成组号",
          "Lines of one group are given in one bag or syringe",
          _same(GIVEN, ItemField("infusion_group", is_text=True))),
    _item("quantity", Type.AMOUNT, "数量", "Quantity with its unit",
          _same(COUNTED, ItemField("quantity"))),
    _item("quantity.unit", Type.TEXT, "数量单位", "Unit of the quantity",
          _same(COUNTED, _unit)),
    _item("trace_codes", Type.LIST, "药品追溯码", "Trace codes of the packs",
          _same(TRACED, _of("trace_codes", words))),
    _item("service_time", Type.TIME, "服务时间", "When the item is or was rendered",
          _same(WITH_ITEMS, as_of), always_known=True),
    _item("service_date", Type.DATE, "服务日期", "Its date in the institution's time zone",
          _same(WITH_ITEMS, _service_date), always_known=True),
    _item("code", Type.TEXT, "项目编码", "Code of the item, as system|code",
          {**_same((*ORD, *RES, "stock"), _of("code", key_of)),
           **_same(BIL, _of("item", key_of))}, coding="item", in_knowledge=_is_known_code),
    _item("name", Type.TEXT, "项目名称", "Name of the item in the catalogue",
          _same(LISTED, _item_name("zh")), english=_item_name("en")),
    _item("consultation", Type.TEXT, "会诊编号", "Id of the specialist consultation",
          _same(ORD, ItemField("consultation", is_text=True))),
    _item("category", Type.TEXT, "费用类别", "Category of the charge",
          _same(BIL, _category), words=CATEGORIES),
    _item("catalogue_category", Type.TEXT, "目录费用类别", "Category of the item in the catalogue",
          _same(BIL, EntryField("category")), words=CATEGORIES),
    _item("amount", Type.MONEY, "金额", "Charged amount",
          _same(BIL, ItemField("amount")), unit="CNY", always_known=True),
    _item("refunded", Type.MONEY, "已退金额", "How much of it was given back",
          _same(BIL, ItemField("refunded")), unit="CNY", always_known=True),
    _item("fund_paid", Type.MONEY, "基金支付金额", "How much of the amount the insurance fund pays",
          _same(BIL, ItemField("fund_paid")), unit="CNY"),
    _item("unit_price", Type.MONEY, "单价", "Price of one unit",
          _same(BIL, ItemField("unit_price")), unit="CNY"),
    _item("udi", Type.TEXT, "唯一器械标识", "Unique device identification",
          _same(BIL, ItemField("udi", is_text=True))),
    _item("requires_udi", Type.BOOLEAN, "是否须录唯一器械标识",
          "Whether the catalogue asks for a unique device identification",
          _same(BIL, EntryField("requires_udi"))),
    _item("requires_trace_code", Type.BOOLEAN, "是否须录追溯码",
          "Whether the catalogue asks for a trace code",
          _same(BIL, EntryField("requires_trace_code"))),
    _item("value", Type.AMOUNT, "结果值", "Reported value with its unit",
          _same(RES, ItemField("value")), time="item.observed_at"),
    _item("observed_at", Type.TIME, "采样或报告时间",
          "When the value was observed: its own time, else the specimen's, else the report's",
          _same(RES, _observed_at)),
    _item("critical", Type.BOOLEAN, "是否危急值", "Whether the laboratory flags it as critical",
          _same(RES, ItemField("critical"))),
)  # fmt: skip
