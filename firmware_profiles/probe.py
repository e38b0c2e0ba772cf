"""How a meter shows which one it is: before it is polled, and with every read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from firmware_profiles.codings import Coding
from firmware_profiles.conditions import Condition
from firmware_profiles.words import Span


class ProbeMethod(StrEnum):
    """How a meter is recognised."""

    REGISTERS = "registers"
    DEVICE_IDENTIFICATION = "fc2b_0e"
    MBUS = "mbus"
    PLAUSIBILITY = "plausibility"
    WORD_ORDER = "word_order_probe"
    NOTE = "note"


class Expectation(StrEnum):
    """What a value is compared with that no profile can know beforehand."""

    UNIT_ID = "unit_id"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One way to recognise the meter; see `identify` for how it is judged.

    Attributes:
        method: Which of the ways.
        span: The words to read, where the row states them.
        coding: How they are read.
        condition: What they must be; an empty one proves nothing.
        expectation: What they must equal beside that.
        fact: Name under which the value is reported: model, firmware, serial.
        object_id: Object of Read Device Identification.
        register: A register of the file, judged in its printed unit.
        addends: Registers whose sum it must equal, each added (1) or subtracted (-1).
        tolerance: How far the sum may be off, as a share of the larger of the two.
        manufacturer: Of an M-Bus telegram, three letters.
        versions: Version bytes of an M-Bus telegram; empty is any.
        is_order_own: The row states its byte order itself.
        note: For people.
    """

    method: ProbeMethod
    span: Span | None = None
    coding: Coding | None = None
    condition: Condition = field(default_factory=Condition)
    expectation: Expectation | None = None
    fact: str = ""
    object_id: int | None = None
    register: str | None = None
    addends: Sequence[tuple[int, str]] = ()
    tolerance: Fraction = Fraction(0)
    manufacturer: str = ""
    versions: Sequence[int] = ()
    is_order_own: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A constant register that proves, with every read, that the right meter answers.

    `equals` is `serial`, `device_address`, or a literal.
    """

    register: str
    equals: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeantMeter:
    """Whom the gateway means to poll, for the profile's guard; `serial` as in its settings."""

    device_address: int
    serial: str


def nameplate_of(serial: str) -> str:
    """Return the number that the meter itself says, of a serial of the settings.

    Where two makers use one number the settings put the maker in front: `KAM:65432109`.
    """
    return serial.rpartition(":")[2]
