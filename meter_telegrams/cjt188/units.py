"""What the unit byte of a CJ/T 188 value means.

Sources, all agreeing on these sixteen codes: the table of a reader for water, gas and heat meters
(codes 02 05 08 0A 01 0B 0E 11 13 14 17 1A 29 2C 32 35), two independent libraries in C and C++,
and a gateway's script, which also names the decades between (2D = m3 x 10). For 2E another reader
says m3 x 0.01 and the script m3 x 100: codes on which not all agree are no unit here, because a
value with a guessed unit is worse than none. The standard's own table was not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Unit:
    """A unit and how many of it one of the value is: `MWh` and 100 for code 0A."""

    name: str
    times: int = 1


UNITS: Mapping[int, Cjt188Unit] = {
    0x01: Cjt188Unit(name="J"),
    0x02: Cjt188Unit(name="Wh"),
    0x05: Cjt188Unit(name="kWh"),
    0x08: Cjt188Unit(name="MWh"),
    0x0A: Cjt188Unit(name="MWh", times=100),
    0x0B: Cjt188Unit(name="kJ"),
    0x0E: Cjt188Unit(name="MJ"),
    0x11: Cjt188Unit(name="GJ"),
    0x13: Cjt188Unit(name="GJ", times=100),
    0x14: Cjt188Unit(name="W"),
    0x17: Cjt188Unit(name="kW"),
    0x1A: Cjt188Unit(name="MW"),
    0x29: Cjt188Unit(name="L"),
    0x2C: Cjt188Unit(name="m3"),
    0x32: Cjt188Unit(name="L/h"),
    0x35: Cjt188Unit(name="m3/h"),
}
"""Unit byte to unit; the names are those of `wire_contracts.quantities.UNITS`."""
