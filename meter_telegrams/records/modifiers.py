"""What each VIFE behind the true VIF changes; EN 13757-3:2018 tables 15, 16 and 18."""

from collections.abc import Iterator, Mapping

from meter_telegrams.records.telegram import Modifier, ModifierKind, RecordError
from meter_telegrams.records.units import CLOCK_UNITS

EXTENSION = 0x7C
"""VIFE that leads to the extension of the combinable table."""

MANUFACTURER = 0x7F
"""VIFE after which VIFEs and data are the maker's own."""

RECORD_ERRORS: Mapping[int, RecordError] = {
    0x01: RecordError.TOO_MANY_DIFES,
    0x02: RecordError.STORAGE,
    0x03: RecordError.SUBUNIT,
    0x04: RecordError.TARIFF,
    0x05: RecordError.FUNCTION,
    0x06: RecordError.DATA_CLASS,
    0x07: RecordError.DATA_SIZE,
    0x08: RecordError.RESERVED,
    0x09: RecordError.RESERVED,
    0x0A: RecordError.RESERVED,
    0x0B: RecordError.TOO_MANY_VIFES,
    0x0C: RecordError.VIF_GROUP,
    0x0D: RecordError.VIF_EXPONENT,
    0x0E: RecordError.VIF_DIF_MISMATCH,
    0x0F: RecordError.ACTION,
    0x10: RecordError.RESERVED,
    0x11: RecordError.RESERVED,
    0x15: RecordError.NOT_AVAILABLE,
    0x16: RecordError.OVERFLOW,
    0x17: RecordError.UNDERFLOW,
    0x18: RecordError.DATA_ERROR,
    0x19: RecordError.RESERVED,
    0x1A: RecordError.RESERVED,
    0x1B: RecordError.RESERVED,
    0x1C: RecordError.PREMATURE_END,
}
"""VIFE 00..1C from meter to reader: why the data of the record are not to be used."""

_PER = ("s", "min", "h", "d", "week", "month", "year", "revolution")
_PER_UNIT = ("L", "m3", "kg", "K", "kWh", "GJ", "kW", "K*L", "V", "A")
_TIMES = ("s", "s/V", "s/A")
_PULSES = ("input 0", "input 1", "output 0", "output 1")
_PHASES = ("L1", "L2", "L3", "N", "L1-L2", "L2-L3", "L3-L1")

Row = tuple[int, Modifier]


def _row(code: int, kind: ModifierKind, detail: str = "") -> Row:
    return code, Modifier(kind=kind, code=code, detail=detail)


def _run(first: int, kind: ModifierKind, details: tuple[str, ...]) -> Iterator[Row]:
    for step, detail in enumerate(details):
        yield _row(first + step, kind, detail)


def _limits() -> Iterator[Row]:
    """E100 0000 to E101 1111: limits, how often, when and how long they were exceeded."""
    for is_upper, side in enumerate(("lower", "upper")):
        base = 0x40 | is_upper << 3
        yield _row(base, ModifierKind.LIMIT, side)
        yield _row(base | 1, ModifierKind.EXCEED_COUNT, side)
        for is_last, which in enumerate(("first", "last")):
            for is_end, edge in enumerate(("begin", "end")):
                code = base | 2 | is_last << 2 | is_end
                yield _row(code, ModifierKind.EXCEED_TIME, f"{side} {which} {edge}")
            for step, unit in enumerate(CLOCK_UNITS):
                code = 0x50 | is_upper << 3 | is_last << 2 | step
                yield _row(code, ModifierKind.EXCEED_DURATION, unit)


def _durations() -> Iterator[Row]:
    """E110 0fnn and E110 1f1b: how long and when something was."""
    for is_last, which in enumerate(("first", "last")):
        yield from _run(0x60 | is_last << 2, ModifierKind.DURATION_OF, CLOCK_UNITS)
        for is_end, edge in enumerate(("begin", "end")):
            yield _row(0x6A | is_last << 2 | is_end, ModifierKind.TIME_OF, f"{which} {edge}")


COMBINABLE: Mapping[int, Modifier] = dict(
    (
        *(_row(code, ModifierKind.ERROR, str(error)) for code, error in RECORD_ERRORS.items()),
        _row(0x12, ModifierKind.AVERAGE),
        _row(0x13, ModifierKind.PROFILE, "inverse"),
        _row(0x14, ModifierKind.RELATIVE_DEVIATION),
        _row(0x1D, ModifierKind.STANDARD_CONTENT),
        _row(0x1E, ModifierKind.PROFILE, "with registers"),
        _row(0x1F, ModifierKind.PROFILE, "without registers"),
        *_run(0x20, ModifierKind.PER, _PER),
        *_run(0x28, ModifierKind.PULSE_INCREMENT, _PULSES),
        *_run(0x2C, ModifierKind.PER, _PER_UNIT),
        *_run(0x36, ModifierKind.TIMES, _TIMES),
        _row(0x39, ModifierKind.START_OF),
        _row(0x3A, ModifierKind.UNCORRECTED),
        _row(0x3B, ModifierKind.FORWARD),
        _row(0x3C, ModifierKind.BACKWARD),
        _row(0x3D, ModifierKind.NON_METRIC),
        _row(0x3E, ModifierKind.BASE_CONDITIONS),
        _row(0x3F, ModifierKind.OBIS),
        *_limits(),
        *_durations(),
        _row(0x68, ModifierKind.DURING_EXCEED, "lower"),
        _row(0x69, ModifierKind.LEAKAGE),
        _row(0x6C, ModifierKind.DURING_EXCEED, "upper"),
        _row(0x6D, ModifierKind.OVERFLOW),
        *(_row(0x70 | step, ModifierKind.FACTOR, f"1e{step - 6}") for step in range(8)),
        *(_row(0x78 | step, ModifierKind.OFFSET, f"1e{step - 3}") for step in range(4)),
        _row(0x7D, ModifierKind.FACTOR, "1e3"),
        _row(0x7E, ModifierKind.FUTURE),
    )
)
"""Seven bits of a VIFE to what it does; 00 says only that there is no error."""

COMBINABLE_EXTENSION: Mapping[int, Modifier] = {
    code: Modifier(kind=kind, code=EXTENSION << 8 | code, detail=detail)
    for code, kind, detail in (
        *((0x01 + step, ModifierKind.PHASE, each) for step, each in enumerate(_PHASES)),
        *((0x08 + step, ModifierKind.QUADRANT, f"Q{step + 1}") for step in range(4)),
        (0x0C, ModifierKind.IMPORT_EXPORT_DELTA, ""),
        (0x10, ModifierKind.ABSOLUTE_COUNT, ""),
        (0x11, ModifierKind.TYPE_C, ""),
        (0x12, ModifierKind.TYPE_D, ""),
        (0x13, ModifierKind.DIRECTION, "to meter"),
        (0x14, ModifierKind.DIRECTION, "from meter"),
    )
}
"""Seven bits of the VIFE behind 7C to what it does."""


def modifiers_of(vifes: bytes) -> Iterator[Modifier]:
    """Yield what the VIFEs behind the true VIF do, in order; 00 (no error) is left out."""
    codes = iter(byte & 0x7F for byte in vifes)
    for code in codes:
        if code == MANUFACTURER:
            yield Modifier(kind=ModifierKind.MANUFACTURER, code=code)
            yield from (Modifier(kind=ModifierKind.MANUFACTURER, code=each) for each in codes)
        elif code == EXTENSION:
            yield _extended(next(codes, 0))
        elif code:
            yield COMBINABLE.get(code, Modifier(kind=ModifierKind.RESERVED, code=code))


def _extended(code: int) -> Modifier:
    unknown = Modifier(kind=ModifierKind.RESERVED, code=EXTENSION << 8 | code)
    return COMBINABLE_EXTENSION.get(code, unknown)
