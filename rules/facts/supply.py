"""Facts of drugs and articles on their way: given, dispensed, moved in a store; and their lines.

What lines share with those of prescriptions, orders and bills stands in rules.facts.items.
"""

from __future__ import annotations

from typing import Any, Final

from rules.facts.base import Fact, Type
from rules.facts.fields import Family
from rules.facts.read import ItemField

MOVES: Final = ("in", "out", "adjust", "count")

_ADM: Final = Family("administration")
_DSP: Final = Family("dispense")
_STOCK: Final = Family("stock")


def _item(
    name: str, kind: Type, zh: str, en: str, families: tuple[str, ...], *,
    is_text: bool = False, field: str = "", **more: Any,
) -> Fact:  # fmt: skip
    read = ItemField(field or name, is_text=is_text)
    return Fact(f"item.{name}", kind, zh, en, dict.fromkeys(families, read), of="items", **more)


FACTS: Final = (
    _ADM.text("order_id", "医嘱编号", "Act id of the order that it carries out"),
    _DSP.text("prescription_id", "处方编号", "Act id of the prescription that it fills"),
    _DSP.time("dispensed_at", "发药时间", "When it was handed out"),
    _STOCK.word("kind", "库存变动类别", "In, out, an adjustment or a count", MOVES),
    _STOCK.text("store", "库房", "The store, as its source names it"),
    _STOCK.text("about", "所涉行为的编号", "Act id of what moved it: a dispense, a delivery"),
    _STOCK.time("moved_at", "变动时间", "When it moved, or was counted"),
    _item("given_at", Type.TIME, "给药时间", "When the drug was given", ("administration",)),
    _item("order_line", Type.TEXT, "医嘱明细号", "Line id of the order that it carries out",
          ("administration",), is_text=True),
    _item("prescription_line", Type.TEXT, "处方明细号",
          "Line id of the prescription that it fills", ("dispense",), is_text=True),
    _item("returned", Type.AMOUNT, "已退数量", "How much of the quantity has come back",
          ("dispense",)),
    _item("lot", Type.TEXT, "批号", "Lot of the packs", ("dispense", "stock"), is_text=True),
    _item("expires_on", Type.DATE, "有效期至", "The last day of its shelf life", ("stock",)),
)  # fmt: skip
