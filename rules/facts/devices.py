"""Facts of the registered device that an act was done with: a scanner, a surgical robot.

A result and a procedure name one device, a charge names one in each line.
"""

from __future__ import annotations

from typing import Any, Final

from rules.facts.base import NOT_IN_REGISTRY, Context, Element, Fact, Type, Value
from rules.facts.fields import worded
from rules.facts.read import ItemField

ACTS: Final = ("result", "procedure")
CHARGES: Final = ("billing", "settlement")

_of_act: Final = worded("device")
_of_line: Final = ItemField("device", is_text=True)


def _is_licensed(c: Context, device: Value) -> Value:
    """Whether a permit covers the day; what names no device, or none that is known, is unknown."""
    if type(device) is not str:
        return device
    found = c.knowledge.is_licensed_device(c.data.institution, device, c.day)
    return NOT_IN_REGISTRY if found is None else found


def _same(families: tuple[str, ...], extract: Any) -> dict[str, Any]:
    return dict.fromkeys(families, extract)


def _act_is_licensed(c: Context) -> Value:
    return _is_licensed(c, _of_act(c))


def _line_is_licensed(c: Context, x: Element) -> Value:
    return _is_licensed(c, _of_line(c, x))


_PERMIT: Final = ("设备配置许可有效", "Whether the registry has a permit for the device that day")

FACTS: Final = (
    Fact("device.id", Type.TEXT, "设备编号", "Id of the device that was used, in the registry",
         _same(ACTS, _of_act)),
    Fact("device.is_licensed", Type.BOOLEAN, *_PERMIT, _same(ACTS, _act_is_licensed)),
    Fact("item.device", Type.TEXT, "设备编号", "Id of the device that was used, in the registry",
         _same(CHARGES, _of_line), of="items"),
    Fact("item.device.is_licensed", Type.BOOLEAN, *_PERMIT, _same(CHARGES, _line_is_licensed),
         of="items"),
)  # fmt: skip
