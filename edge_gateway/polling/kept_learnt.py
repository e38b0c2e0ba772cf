"""What of a driver's knowledge outlasts a restart of the gateway, as JSON and back.

Only what costs values to learn again, and what the meter's first answers can contradict.
"""

from collections.abc import Mapping
from typing import NamedTuple

from edge_gateway.links.learnt import (
    Cjt188Learnt,
    FoundOrder,
    Learnt,
    MbusLearnt,
    ModbusLearnt,
)
from firmware_profiles.byte_order import ByteOrder
from wire_contracts.fields import FieldReader, JsonObject

LONGEST = 1000
"""Characters of a URL, or of anything else in the file."""

_ORDER = "order"
_BELIEVED = "believed"
_SWAPPED = "swapped"


class MeterKey(NamedTuple):
    """Of whom something is known: another line, device or address is another meter.

    Attributes:
        url: The line, as the settings write it.
        serial: Serial number of the device.
        device_address: Where it answers, as the settings write it.
    """

    url: str
    serial: str
    device_address: str


def kept_of(learnt: Learnt) -> Learnt | None:
    """Return the part that is kept over a restart, None when there is none."""
    match learnt:
        case ModbusLearnt(found=FoundOrder() as found):
            return ModbusLearnt(found=found)
        case MbusLearnt(believed=believed) if believed:
            return MbusLearnt(believed=believed)
        case Cjt188Learnt(is_swapped=True):
            return learnt
        case _:
            return None


def kept_json(key: MeterKey, kept: Learnt) -> JsonObject:
    """Return one entry of the file."""
    named = {"url": key.url, "serial": key.serial, "address": key.device_address}
    return {**named, **_content(kept)}


def _content(kept: Learnt) -> JsonObject:
    match kept:
        case ModbusLearnt(found=FoundOrder(profile=profile, order=order, shown=shown)):
            return {_ORDER: {"profile": profile, "is": order.value, "shown": dict(shown)}}
        case MbusLearnt(believed=believed):
            return {_BELIEVED: believed}
        case Cjt188Learnt(is_swapped=is_swapped):
            return {_SWAPPED: is_swapped}
        case _:
            return {}


def parse_kept(entry: FieldReader) -> tuple[MeterKey, Learnt]:
    """Return one entry of the file.

    Raises:
        ContractError: It is something else.
    """
    key = MeterKey(
        url=entry.text("url", longest=LONGEST),
        serial=entry.text("serial", longest=LONGEST),
        device_address=entry.text("address", longest=LONGEST),
    )
    if entry.has(_BELIEVED):
        return key, MbusLearnt(believed=entry.text(_BELIEVED))
    if entry.has(_SWAPPED):
        return key, Cjt188Learnt(is_swapped=entry.boolean(_SWAPPED))
    order = entry.object(_ORDER)
    shown = order.object("shown")
    names = shown.values
    found = FoundOrder(
        profile=order.text("profile"),
        order=order.choice("is", ByteOrder),
        shown={name: shown.text(name, longest=LONGEST) for name in names},
    )
    return key, ModbusLearnt(found=found)


Kept = Mapping[MeterKey, Learnt]
"""What is kept, the meter that was learnt last at the end."""
