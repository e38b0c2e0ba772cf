"""What each VIF means: measure, unit, power of ten, and how its data are to be read.

Tables of EN 13757-3:2018: 10 (primary), 11 (special), 12 (main extension FD), 13 (second level
FD FD), 14 (alternate extension FB); the American units of FB as in EN 13757-3:2004 annex C.
Ranges are written as the standard writes them: first code, how many, power of ten of the first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from meter_telegrams.records.measures import Measure


class Reading(StrEnum):
    """How the data of a VIF are read, when they are not plain signed numbers."""

    NUMBER = "number"
    UNSIGNED = "unsigned"
    BITS = "bits"
    DIGITS = "digits"
    LETTERS = "letters"
    DATE = "date"
    TIME_POINT = "time_point"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Vif:
    """The meaning of one VIF.

    Attributes:
        measure: What is measured.
        unit: Unit of the value after the power of ten.
        exponent: Power of ten that one of the value is worth.
        reading: How the data are read.
    """

    measure: Measure
    unit: str = ""
    exponent: int = 0
    reading: Reading = Reading.NUMBER


CLOCK_UNITS = ("s", "min", "h", "d")
"""Units of `nn` in durations: seconds, minutes, hours, days."""

_LONG_UNITS = ("h", "d", "months", "years")

Row = tuple[int, Vif]


def _decades(first: int, count: int, measure: Measure, unit: str, exponent: int) -> Iterator[Row]:
    for step in range(count):
        yield first + step, Vif(measure, unit, exponent + step)


def _clock(first: int, measure: Measure) -> Iterator[Row]:
    for step, unit in enumerate(CLOCK_UNITS):
        yield first + step, Vif(measure, unit)


def _calendar(first: int, measure: Measure) -> Iterator[Row]:
    for step, unit in enumerate(_LONG_UNITS):
        yield first + step, Vif(measure, unit)


def _one(code: int, measure: Measure, unit: str = "", reading: Reading = Reading.NUMBER) -> Row:
    return code, Vif(measure, unit, 0, reading)


PRIMARY: Mapping[int, Vif] = dict(
    (
        *_decades(0x00, 8, Measure.ENERGY, "Wh", -3),
        *_decades(0x08, 8, Measure.ENERGY, "J", 0),
        *_decades(0x10, 8, Measure.VOLUME, "m3", -6),
        *_decades(0x18, 8, Measure.MASS, "kg", -3),
        *_clock(0x20, Measure.ON_TIME),
        *_clock(0x24, Measure.OPERATING_TIME),
        *_decades(0x28, 8, Measure.POWER, "W", -3),
        *_decades(0x30, 8, Measure.POWER, "J/h", 0),
        *_decades(0x38, 8, Measure.VOLUME_FLOW, "m3/h", -6),
        *_decades(0x40, 8, Measure.VOLUME_FLOW, "m3/min", -7),
        *_decades(0x48, 8, Measure.VOLUME_FLOW, "m3/s", -9),
        *_decades(0x50, 8, Measure.MASS_FLOW, "kg/h", -3),
        *_decades(0x58, 4, Measure.FLOW_TEMPERATURE, "degC", -3),
        *_decades(0x5C, 4, Measure.RETURN_TEMPERATURE, "degC", -3),
        *_decades(0x60, 4, Measure.TEMPERATURE_DIFFERENCE, "K", -3),
        *_decades(0x64, 4, Measure.EXTERNAL_TEMPERATURE, "degC", -3),
        *_decades(0x68, 4, Measure.PRESSURE, "bar", -3),
        _one(0x6C, Measure.DATE, reading=Reading.DATE),
        _one(0x6D, Measure.DATE_TIME, reading=Reading.TIME_POINT),
        _one(0x6E, Measure.HEAT_COST_UNITS, "HCA"),
        *_clock(0x70, Measure.AVERAGING_DURATION),
        *_clock(0x74, Measure.ACTUALITY_DURATION),
        _one(0x78, Measure.FABRICATION_NUMBER, reading=Reading.DIGITS),
        _one(0x79, Measure.ENHANCED_IDENTIFICATION, reading=Reading.DIGITS),
        _one(0x7A, Measure.BUS_ADDRESS, reading=Reading.UNSIGNED),
        _one(0x7E, Measure.ANY),
    )
)
"""Seven bits of the VIF; 7B, 7D and EF lead to other tables, 7C to a text, 7F to the maker."""

MAIN_EXTENSION: Mapping[int, Vif] = dict(
    (
        *_decades(0x00, 4, Measure.CREDIT, "currency", -3),
        *_decades(0x04, 4, Measure.DEBIT, "currency", -3),
        _one(0x08, Measure.MESSAGE_NUMBER, reading=Reading.UNSIGNED),
        _one(0x09, Measure.DEVICE_TYPE, reading=Reading.UNSIGNED),
        _one(0x0A, Measure.MANUFACTURER, reading=Reading.LETTERS),
        _one(0x0B, Measure.PARAMETER_SET, reading=Reading.UNSIGNED),
        _one(0x0C, Measure.MODEL_VERSION, reading=Reading.UNSIGNED),
        _one(0x0D, Measure.HARDWARE_VERSION, reading=Reading.UNSIGNED),
        _one(0x0E, Measure.FIRMWARE_VERSION, reading=Reading.UNSIGNED),
        _one(0x0F, Measure.SOFTWARE_VERSION, reading=Reading.UNSIGNED),
        _one(0x10, Measure.CUSTOMER_LOCATION, reading=Reading.DIGITS),
        _one(0x11, Measure.CUSTOMER, reading=Reading.DIGITS),
        _one(0x12, Measure.ACCESS_CODE_USER, reading=Reading.UNSIGNED),
        _one(0x13, Measure.ACCESS_CODE_OPERATOR, reading=Reading.UNSIGNED),
        _one(0x14, Measure.ACCESS_CODE_SYSTEM_OPERATOR, reading=Reading.UNSIGNED),
        _one(0x15, Measure.ACCESS_CODE_DEVELOPER, reading=Reading.UNSIGNED),
        _one(0x16, Measure.PASSWORD, reading=Reading.UNSIGNED),
        _one(0x17, Measure.ERROR_FLAGS, reading=Reading.BITS),
        _one(0x18, Measure.ERROR_MASK, reading=Reading.BITS),
        _one(0x19, Measure.SECURITY_KEY, reading=Reading.RAW),
        _one(0x1A, Measure.DIGITAL_OUTPUT, reading=Reading.BITS),
        _one(0x1B, Measure.DIGITAL_INPUT, reading=Reading.BITS),
        _one(0x1C, Measure.BAUD_RATE, "baud", Reading.UNSIGNED),
        _one(0x1D, Measure.RESPONSE_DELAY, "bit times", Reading.UNSIGNED),
        _one(0x1E, Measure.RETRY, reading=Reading.UNSIGNED),
        _one(0x1F, Measure.REMOTE_CONTROL, reading=Reading.BITS),
        _one(0x20, Measure.FIRST_STORAGE, reading=Reading.UNSIGNED),
        _one(0x21, Measure.LAST_STORAGE, reading=Reading.UNSIGNED),
        _one(0x22, Measure.STORAGE_BLOCK_SIZE, reading=Reading.UNSIGNED),
        _one(0x23, Measure.TARIFF_DESCRIPTOR, reading=Reading.BITS),
        *_clock(0x24, Measure.STORAGE_INTERVAL),
        _one(0x28, Measure.STORAGE_INTERVAL, "months"),
        _one(0x29, Measure.STORAGE_INTERVAL, "years"),
        _one(0x2A, Measure.OPERATOR_DATA, reading=Reading.UNSIGNED),
        _one(0x2B, Measure.SECOND_OF_MINUTE, "s", Reading.UNSIGNED),
        *_clock(0x2C, Measure.SINCE_READOUT),
        _one(0x30, Measure.TARIFF_START, reading=Reading.TIME_POINT),
        *((code, Vif(Measure.TARIFF_DURATION, CLOCK_UNITS[code & 3])) for code in (49, 50, 51)),
        *_clock(0x34, Measure.TARIFF_PERIOD),
        _one(0x38, Measure.TARIFF_PERIOD, "months"),
        _one(0x39, Measure.TARIFF_PERIOD, "years"),
        _one(0x3A, Measure.DIMENSIONLESS),
        _one(0x3B, Measure.WMBUS_CONTAINER, reading=Reading.RAW),
        *_clock(0x3C, Measure.TRANSMISSION_PERIOD),
        *_decades(0x40, 16, Measure.VOLTAGE, "V", -9),
        *_decades(0x50, 16, Measure.CURRENT, "A", -12),
        _one(0x60, Measure.RESET_COUNTER, reading=Reading.UNSIGNED),
        _one(0x61, Measure.CUMULATION_COUNTER, reading=Reading.UNSIGNED),
        _one(0x62, Measure.CONTROL_SIGNAL, reading=Reading.BITS),
        _one(0x63, Measure.DAY_OF_WEEK, reading=Reading.UNSIGNED),
        _one(0x64, Measure.WEEK_NUMBER, reading=Reading.UNSIGNED),
        _one(0x65, Measure.DAY_CHANGE, reading=Reading.UNSIGNED),
        _one(0x66, Measure.PARAMETER_STATE, reading=Reading.BITS),
        _one(0x67, Measure.SUPPLIER_INFORMATION, reading=Reading.BITS),
        *_calendar(0x68, Measure.SINCE_CUMULATION),
        *_calendar(0x6C, Measure.BATTERY_TIME),
        _one(0x70, Measure.BATTERY_CHANGE, reading=Reading.TIME_POINT),
        _one(0x71, Measure.RF_LEVEL, "dBm"),
        _one(0x72, Measure.DAYLIGHT_SAVING, reading=Reading.RAW),
        _one(0x73, Measure.LISTENING_WINDOW, reading=Reading.RAW),
        _one(0x74, Measure.BATTERY_LEFT, "d"),
        _one(0x75, Measure.STOP_COUNT, reading=Reading.UNSIGNED),
        _one(0x76, Measure.MANUFACTURER_CONTAINER, reading=Reading.RAW),
    )
)
"""The VIFE after FD."""

SECOND_LEVEL: Mapping[int, Vif] = dict(
    (
        _one(0x00, Measure.SELECTED_APPLICATION, reading=Reading.UNSIGNED),
        _one(0x02, Measure.BATTERY_LEFT, "months"),
        _one(0x03, Measure.BATTERY_LEFT, "years"),
    )
)
"""The VIFE after FD FD."""

ALTERNATE_EXTENSION: Mapping[int, Vif] = dict(
    (
        *_decades(0x00, 2, Measure.ENERGY, "Wh", 5),
        *_decades(0x02, 2, Measure.REACTIVE_ENERGY, "varh", 3),
        *_decades(0x04, 2, Measure.APPARENT_ENERGY, "VAh", 3),
        *_decades(0x08, 2, Measure.ENERGY, "J", 8),
        *_decades(0x0C, 4, Measure.ENERGY, "cal", 5),
        *_decades(0x10, 2, Measure.VOLUME, "m3", 2),
        *_decades(0x14, 4, Measure.REACTIVE_POWER, "var", 0),
        *_decades(0x18, 2, Measure.MASS, "kg", 5),
        *_decades(0x1A, 2, Measure.RELATIVE_HUMIDITY, "%", -1),
        (0x20, Vif(Measure.VOLUME, "ft3")),
        (0x21, Vif(Measure.VOLUME, "ft3", -1)),
        (0x22, Vif(Measure.VOLUME, "gal", -1)),
        (0x23, Vif(Measure.VOLUME, "gal")),
        (0x24, Vif(Measure.VOLUME_FLOW, "gal/min", -3)),
        (0x25, Vif(Measure.VOLUME_FLOW, "gal/min")),
        (0x26, Vif(Measure.VOLUME_FLOW, "gal/h")),
        *_decades(0x28, 2, Measure.POWER, "W", 5),
        (0x2A, Vif(Measure.PHASE_VOLTAGE_VOLTAGE, "deg", -1)),
        (0x2B, Vif(Measure.PHASE_VOLTAGE_CURRENT, "deg", -1)),
        *_decades(0x2C, 4, Measure.FREQUENCY, "Hz", -3),
        *_decades(0x30, 2, Measure.POWER, "J/h", 8),
        *_decades(0x34, 4, Measure.APPARENT_POWER, "VA", 0),
        *_decades(0x58, 4, Measure.FLOW_TEMPERATURE, "degF", -3),
        *_decades(0x5C, 4, Measure.RETURN_TEMPERATURE, "degF", -3),
        *_decades(0x60, 4, Measure.TEMPERATURE_DIFFERENCE, "degF", -3),
        *_decades(0x64, 4, Measure.EXTERNAL_TEMPERATURE, "degF", -3),
        *_decades(0x70, 4, Measure.TEMPERATURE_LIMIT, "degF", -3),
        *_decades(0x74, 4, Measure.TEMPERATURE_LIMIT, "degC", -3),
        *_decades(0x78, 8, Measure.MAXIMUM_POWER_CUMULATED, "W", -3),
    )
)
"""The VIFE after FB."""

RESERVED = Vif(Measure.RESERVED, reading=Reading.NUMBER)
"""A code that no table has: the number is shown, without a unit."""
