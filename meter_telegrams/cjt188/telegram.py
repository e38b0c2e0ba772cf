"""What one whole CJ/T 188 answer says, for whoever looks at it without a meter."""

from dataclasses import dataclass

from meter_telegrams.cjt188.exchange import Control, Identifier
from meter_telegrams.cjt188.frames import Cjt188Frame, parse_frame
from meter_telegrams.cjt188.layout import PROFILES
from meter_telegrams.cjt188.reading import (
    Cjt188Reading,
    decode_meter_data,
    fitting_profiles,
    unfit_reason,
)
from meter_telegrams.errors import TelegramError
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.quantities import Quantity

_ANSWER = 0x80
_REFUSAL = 0xC0
_PREFIX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Telegram:
    """An answer to a request for the meter data.

    Attributes:
        frame: The frame.
        profile: What it was read with; the data said so themselves.
        reading: What it says.
    """

    frame: Cjt188Frame
    profile: str
    reading: Cjt188Reading


def decode_cjt188(telegram: bytes) -> Cjt188Telegram:
    """Return what an answer with meter data says.

    Raises:
        TelegramError: It is no whole frame, no such answer, or its data prove no profile.
    """
    frame = parse_frame(telegram)
    if frame.control == Control.READ_DATA | _REFUSAL:
        raise TelegramError(f"control: the meter refused, status {frame.data.hex().upper()}")
    if frame.control != Control.READ_DATA | _ANSWER:
        raise TelegramError(f"control: is {frame.control:02X}, no answer with data (81)")
    identifier = Identifier.METER_DATA.value
    if frame.data[:2] not in {identifier, identifier[::-1]}:
        raise TelegramError(f"identifier: is {frame.data[:2].hex().upper()}, not 901F")
    data = frame.data[_PREFIX:]
    references = fitting_profiles(data, frame.meter_type)
    if not references:
        raise TelegramError(unfit_reason(data, frame.meter_type))
    reading = decode_meter_data(data, frame.meter_type, PROFILES[references[0]])
    return Cjt188Telegram(frame=frame, profile=references[0], reading=reading)


def cjt188_json(telegram: Cjt188Telegram) -> JsonObject:
    """Return it as one JSON object (docs/telegrams.md)."""
    frame, reading = telegram.frame, telegram.reading
    local: dict[str, JsonValue] = dict(sorted(reading.local.items()))
    return {
        "bus": "cjt188",
        "meter": {"type": f"{frame.meter_type:02X}", "address": frame.address},
        "profile": telegram.profile,
        "quantities": {str(name): _quantity(reading, name) for name in quantities_of(reading)},
        "events": list(reading.events),
        "local": local,
        "meter_clock": None if reading.clock is None else reading.clock.isoformat(),
    }


def quantities_of(reading: Cjt188Reading) -> tuple[Quantity, ...]:
    """Return every wire quantity that a reading speaks of, sorted."""
    return tuple(sorted({*reading.values, *reading.quality}))


def _quantity(reading: Cjt188Reading, name: Quantity) -> JsonObject:
    return {"value": reading.values.get(name), "quality": reading.quality.get(name, "good")}
