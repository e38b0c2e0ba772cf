"""Who made a meter and what it measures: manufacturer letters and device types.

EN 13757-7:2018 section 7.5.2 (letters) and table 13 (device types); the media of fixed
structures are those of EN 1434-3:1997, as in the M-Bus documentation 4.8, section 6.6.
"""

from collections.abc import Mapping

DEVICE_TYPES: Mapping[int, str] = {
    0x00: "other",
    0x01: "oil",
    0x02: "electricity",
    0x03: "gas",
    0x04: "heat",
    0x05: "steam",
    0x06: "warm water",
    0x07: "water",
    0x08: "heat cost allocator",
    0x09: "compressed air",
    0x0A: "cooling, outlet",
    0x0B: "cooling, inlet",
    0x0C: "heat, inlet",
    0x0D: "heat and cooling",
    0x0E: "bus or system component",
    0x0F: "unknown",
    0x10: "irrigation water",
    0x11: "water data logger",
    0x12: "gas data logger",
    0x13: "gas converter",
    0x14: "calorific value",
    0x15: "hot water",
    0x16: "cold water",
    0x17: "hot and cold water",
    0x18: "pressure",
    0x19: "analogue converter",
    0x1A: "smoke detector",
    0x1B: "room sensor",
    0x1C: "gas detector",
    0x20: "circuit breaker",
    0x21: "valve",
    0x25: "customer display",
    0x28: "waste water",
    0x29: "garbage",
    0x2A: "carbon dioxide",
    0x31: "communication controller",
    0x32: "unidirectional repeater",
    0x33: "bidirectional repeater",
    0x36: "radio converter, system side",
    0x37: "radio converter, meter side",
    0x38: "bus converter, meter side",
    0xFF: "any",
}
"""Device type to its name; what is not listed is reserved."""

FIXED_MEDIA: Mapping[int, tuple[str, int]] = {
    0x0: ("other", 0x00),
    0x1: ("oil", 0x01),
    0x2: ("electricity", 0x02),
    0x3: ("gas", 0x03),
    0x4: ("heat", 0x04),
    0x5: ("steam", 0x05),
    0x6: ("hot water", 0x15),
    0x7: ("water", 0x07),
    0x8: ("heat cost allocator", 0x08),
    0xA: ("gas, mode 2", 0x03),
    0xB: ("heat, mode 2", 0x04),
    0xC: ("hot water, mode 2", 0x15),
    0xD: ("water, mode 2", 0x07),
    0xE: ("heat cost allocator, mode 2", 0x08),
}
"""Medium of a fixed structure to its name and the device type nearest to it."""

_LETTER_BASE = 64
_LETTER_BITS = 5
_LETTER_MASK = 0x1F


def device_type_name(code: int) -> str:
    """Return the name of a device type, `reserved XX` for one without."""
    return DEVICE_TYPES.get(code, f"reserved {code:02X}")


def manufacturer_letters(code: int) -> str:
    """Return the three letters; the top bit, which makes the address unique or not, aside."""
    places = (2 * _LETTER_BITS, _LETTER_BITS, 0)
    return "".join(chr((code >> place & _LETTER_MASK) + _LETTER_BASE) for place in places)


def manufacturer_code(letters: str) -> int:
    """Return the 15 bits of three letters `@` to `_`; raise ValueError for anything else."""
    codes = [ord(letter) - _LETTER_BASE for letter in letters.upper()]
    if len(codes) != 3 or any(not 0 <= code <= _LETTER_MASK for code in codes):  # noqa: PLR2004  # three letters
        message = f"{letters!r} are not three letters"
        raise ValueError(message)
    return codes[0] << 2 * _LETTER_BITS | codes[1] << _LETTER_BITS | codes[2]
