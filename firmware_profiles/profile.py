"""The firmware profile as values: registers, status rules, groups, link quirks, golden vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.cadence import Cadence
from firmware_profiles.clocks import ClockLayout
from firmware_profiles.codings import Coding, Raw, WireType
from firmware_profiles.conditions import Condition
from firmware_profiles.words import Span, WordAddress
from wire_contracts.quantities import Medium, Quantity, Reference

DEFAULT_MAX_REGISTERS = 125
"""Most registers of one read; Modbus Application Protocol V1.1b3, 6.3."""


class Comparison(StrEnum):
    """How a raw value is held against a sentinel."""

    EQUAL = "=="
    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """A raw value (before the scale) that means "no value"."""

    comparison: Comparison
    limit: Fraction

    def matches(self, raw: Fraction) -> bool:
        """Return whether this raw value is no measurement."""
        if self.comparison is Comparison.AT_LEAST:
            return raw >= self.limit
        if self.comparison is Comparison.AT_MOST:
            return raw <= self.limit
        return raw == self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """The other registers that one value needs, by name.

    Attributes:
        decimal_part: The fraction to add.
        low_part: The lower half of a split counter, to add.
        rollover_from: How often the counter went round; value + count * `rollover_span`.
        exponent_from: Value times ten to this register.
        decimals_from: Value divided by ten to this register.
        multiplier_from: Value times this register (or ten to it, see `exponent_offset`).
        resolution_from: The same rule as `multiplier_from`.
        unit_from: The register that holds the code of the unit.
    """

    decimal_part: str | None = None
    low_part: str | None = None
    rollover_from: str | None = None
    exponent_from: str | None = None
    decimals_from: str | None = None
    multiplier_from: str | None = None
    resolution_from: str | None = None
    unit_from: str | None = None

    def in_one_request(self) -> tuple[str, ...]:
        """Return the parts that must be read together with the value, or the sum can tear."""
        parts = (self.decimal_part, self.low_part, self.rollover_from, self.exponent_from)
        return tuple(name for name in parts if name is not None)

    def settings(self) -> tuple[str, ...]:
        """Return the settings of the meter that the value needs; they may be read apart."""
        names = (self.decimals_from, self.multiplier_from, self.resolution_from, self.unit_from)
        return tuple(name for name in names if name is not None)

    def all(self) -> tuple[str, ...]:
        """Return every register the value needs besides its own."""
        return self.in_one_request() + self.settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is plausible, in the canonical unit of the wire quantity; per hour for the rate."""

    minimum: Fraction | None = None
    maximum: Fraction | None = None
    max_rate_per_hour: Fraction | None = None

    def holds(self, value: Fraction) -> bool:
        """Return whether the value lies inside; an absent limit holds always."""
        is_low = self.minimum is not None and value < self.minimum
        is_high = self.maximum is not None and value > self.maximum
        return not (is_low or is_high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one register must say for another's value to count, in its printed unit.

    Attributes:
        register: Its name.
        half: Of a split register: True for the field in the high byte, False for the low.
        condition: What it must be; a mask looks at the raw bits.
    """

    register: str
    half: bool | None = None
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """When a value counts: all needs together.

    Attributes:
        needs: What must hold.
        is_only_doubted: Else the value is doubtful instead of none.
        event: What is reported then; empty is nothing.
    """

    needs: Sequence[Need]
    is_only_doubted: bool = False
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitField:
    """One half of a word that packs two 8-bit fields."""

    name: str
    is_high_byte: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One named value of the meter: 1 to n words.

    Attributes:
        name: Its name, unique in the profile.
        span: Function code, zero-based address and word count.
        coding: Type and byte order.
        scale: Exact factor from raw to the printed unit; None where a high part's is unknown.
        unit: Printed unit, empty when it has none or a unit register decides.
        schema_quantity: Quantity in the words of SCHEMA, empty when the row has none.
        natural: The wire quantity that this register measures, whether sent or not.
        wire: The wire quantity that this register produces; None stays in the gateway.
        group: Poll group, None when the register is not polled for itself.
        atomic: Name of a set that must be read in one request.
        is_negated: The meter counts this value downwards from zero.
        exponent_offset: Of a multiplier register: the factor is ten to (raw + this).
        codes: Of a unit register: code to printed unit.
        preset: Raw value that a simulated meter shows when nothing else is asked.
        is_readable: False for write-only registers.
        is_doubtful: The file itself doubts this row.
        printed_address: Number in the manual, where the file states one.
        is_kept_local: The file says `wire = false`.
        is_order_own: The row states its byte order itself.
        validity: When the value counts.
        clock: How a clock register holds its moment.
        option: Firmware or option without which the meter does not have it.
        basis: `memory` or `inferred` where no source states the row.
        conflict: What another source says instead.
    """

    name: str
    span: Span
    coding: Coding
    scale: Fraction | None = Fraction(1)
    unit: str = ""
    schema_quantity: str = ""
    natural: Quantity | None = None
    wire: Quantity | None = None
    reference: Reference | None = None
    group: str | None = None
    atomic: str | None = None
    sentinels: Sequence[Sentinel] = ()
    limits: Limits = field(default_factory=Limits)
    companions: Companions = field(default_factory=Companions)
    rollover_span: Fraction | None = None
    is_negated: bool = False
    exponent_offset: int | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    split: Sequence[SplitField] = ()
    preset: Raw | None = None
    is_readable: bool = True
    is_doubtful: bool = False
    printed_address: int | None = None
    is_kept_local: bool = False
    is_order_own: bool = False
    validity: Sequence[Validity] = ()
    clock: ClockLayout | None = None
    option: str = ""
    basis: str = ""
    conflict: str = ""

    @property
    def is_array(self) -> bool:
        """Whether it is several numbers of one word each, and so no number itself."""
        return self.coding.kind is WireType.U16 and self.coding.word_count > 1


class Severity(StrEnum):
    """How the profile ranks a status."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule:
    """When a status register says what.

    Attributes:
        register: Name of the register; `*` is any register of the meter.
        mask: Bits to look at; None compares the whole value.
        value: What the masked value must equal; None: any bit of the mask.
        name: The maker's word.
        event: The canonical event.
        severity: Rank.
        bad: Quantities without value while it holds; None: the rule of the event.
        suspect: Quantities to doubt while it holds; None: the rule of the event.
        is_counter: The register counts occurrences; the event is that it rose, see `counters`.
    """

    register: str
    mask: int | None
    value: int | str | None
    name: str
    event: str
    severity: Severity
    bad: frozenset[Quantity] | None = None
    suspect: frozenset[Quantity] | None = None
    is_counter: bool = False


ANY_REGISTER = "*"
"""Register name of a status rule that is a sentinel anywhere."""


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
class WriteRule:
    """A register that may be written, and the printed values it may be given."""

    register: str
    minimum: Fraction
    maximum: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConditions:
    """What base volumes of gas are reduced to."""

    pressure_bara: Fraction
    temperature_degc: Fraction
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How this meter wants to be asked.

    Attributes:
        transports: Of `rtu`, `ascii`, `tcp`.
        function_codes: What the meter understands, reading and writing.
        max_registers: Most registers of one read.
        forbidden: Inclusive address ranges that must not even be read.
        default_device_address: What the meter has when it leaves the factory.
        baud: Factory speed of the serial line, bits per second.
        parity: Factory parity, `N`, `E` or `O`.
        stop_bits: Factory stop bits.
        timeout: How long an answer may take.
        gap: Least silence between two requests.
        min_poll: Least time between two polls.
        min_refresh: How often the meter itself renews its values.
        is_login_needed: Reading or writing needs a log-in first.
        port: Factory TCP port.
        speeds: Speeds it can be set to.
        fastest_baud: Highest speed of the serial line.
        turnaround: How long the meter usually thinks before it answers.
        after_connect: How long it must be left alone after a connection is opened.
        has_echo: The line repeats what is sent.
        address_rule: How the device address is derived where it is no constant; for people.
    """

    transports: Sequence[str] = ()
    function_codes: Sequence[int] = ()
    max_registers: int = DEFAULT_MAX_REGISTERS
    forbidden: Sequence[tuple[int, int]] = ()
    default_device_address: int | None = None
    baud: int | None = None
    parity: str | None = None
    stop_bits: int | None = None
    timeout: timedelta | None = None
    gap: timedelta | None = None
    min_poll: timedelta | None = None
    min_refresh: timedelta | None = None
    is_login_needed: bool = False
    port: int | None = None
    speeds: Sequence[int] = ()
    fastest_baud: int | None = None
    turnaround: timedelta | None = None
    after_connect: timedelta | None = None
    has_echo: bool = False
    address_rule: str = ""


class Origin(StrEnum):
    """Where a golden vector comes from."""

    MAKER = "maker"
    DUMP = "dump"
    COMPUTED = "computed"


LocalValue = int | float | str | tuple[int, ...] | Mapping[str, int]
"""A register as a person reads it: scaled, in its printed unit; or packed fields by name."""

Expected = Decimal | str | tuple[int, ...] | Mapping[str, int]
"""What a golden vector demands: a number to the digits written, or exactly this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenVector:
    """Words and what they must decode to.

    Attributes:
        name: What it shows.
        origin: Maker's example, dump of a real meter, or computed by hand.
        words: The words that are known.
        registers: Register name to its local value.
        values: Wire quantity to its value in canonical units.
        quality: Wire quantity to its code.
        events: Canonical events that must be reported.
    """

    name: str
    origin: Origin
    words: Mapping[WordAddress, int]
    registers: Mapping[str, Expected] = field(default_factory=dict)
    values: Mapping[Quantity, Decimal] = field(default_factory=dict)
    quality: Mapping[Quantity, str] = field(default_factory=dict)
    events: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom the gateway means to poll, for the profile's guard; `serial` as in its settings."""

    device_address: int
    serial: str


def nameplate_of(serial: str) -> str:
    """Return the number that the meter itself says, of a serial of the settings.

    Where two makers use one number the settings put the maker in front: `KAM:65432109`.
    """
    return serial.rpartition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The register map of one firmware of one meter model.

    Attributes:
        place: File it was read from, for messages.
        profile_id: Its id, such as `tuf_2000m`.
        revision: Counts up with every correction; None in a draft.
        medium: What the meter measures; None for a controller.
        confidence: How well the facts are known: high, medium, low.
        doc_base: What the manual's numbering begins with: wire address 0 is printed so.
        groups: Poll group to interval or time of day.
        registers: By name, in the order of the file.
        order_candidates: The byte orders the meter may have, where the file does not know; see
            `word_orders`. Empty when it does.
        probed_order: The one of them that was found.
        firmware_min: Oldest firmware the file is for, as the meter shows it.
        firmware_max: Newest.
        variant: What tells it from other profiles of the model, for people: a switch, a unit.
        status: Rules that turn status registers into events.
        prepared: What `decode` has prepared of a group, for the next poll; no fact of the file.
    """

    place: str
    profile_id: str
    revision: int | None
    manufacturer: str
    model: str
    kind: str
    medium: Medium | None
    confidence: str
    link: Link
    registers: Mapping[str, Register]
    order_candidates: Sequence[ByteOrder] = ()
    probed_order: ByteOrder | None = None
    firmware_min: str = ""
    firmware_max: str = ""
    variant: str = ""
    doc_base: int | None = None
    status: Sequence[StatusRule] = ()
    groups: Mapping[str, Cadence] = field(default_factory=dict)
    guard: Guard | None = None
    writes: Mapping[str, WriteRule] = field(default_factory=dict)
    base_conditions: BaseConditions | None = None
    probes: Sequence[Probe] = ()
    golden: Sequence[GoldenVector] = ()
    quirks: Sequence[str] = ()
    sources: Sequence[str] = ()
    prepared: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def reference(self) -> str:
        """Return what frames and configuration call it, such as `tuf_2000m@1`.

        A byte order that was found by probing is part of it, such as `x@1+CDAB`: without it the
        words of a frame could not be decoded again.
        """
        order = "" if self.probed_order is None else f"+{self.probed_order}"
        return f"{self.profile_id}@{'draft' if self.revision is None else self.revision}{order}"

    @property
    def max_registers(self) -> int:
        """Return the most registers that one read may ask for."""
        return self.link.max_registers

    @property
    def forbidden(self) -> Sequence[tuple[int, int]]:
        """Return the inclusive address ranges that must not be read."""
        return self.link.forbidden


def wire_registers(profile: Profile) -> dict[Quantity, Register]:
    """Return the one register that produces each wire quantity of the profile."""
    registers = profile.registers.values()
    return {register.wire: register for register in registers if register.wire is not None}


def group_registers(profile: Profile, group: str) -> tuple[Register, ...]:
    """Return the readable registers of a poll group, in the order of the file.

    Raises:
        KeyError: The profile has no such group.
    """
    if group not in profile.groups:
        message = f"{profile.reference} has no group {group!r}; it has {', '.join(profile.groups)}"
        raise KeyError(message)
    registers = profile.registers.values()
    return tuple(item for item in registers if item.group == group and item.is_readable)
