"""What a self-describing telegram says: who speaks, and its records with their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from meter_telegrams.records.measures import Measure


class Function(StrEnum):
    """What kind of value a record holds; EN 13757-3:2018 section 6.3.2."""

    INSTANTANEOUS = "instantaneous"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    ERROR_STATE = "error_state"
    MANUFACTURER = "manufacturer_specific"
    MORE_FOLLOWS = "more_records_follow"


class RecordError(StrEnum):
    """Why a record has no value, although the telegram is whole."""

    NO_DATA = "no_data"
    INVALID = "invalid"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_TIME = "not_a_time"
    CODING = "coding_not_known"
    TOO_MANY_DIFES = "too_many_difes"
    STORAGE = "storage_not_implemented"
    SUBUNIT = "subunit_not_implemented"
    TARIFF = "tariff_not_implemented"
    FUNCTION = "function_not_implemented"
    DATA_CLASS = "data_class_not_implemented"
    DATA_SIZE = "data_size_not_implemented"
    TOO_MANY_VIFES = "too_many_vifes"
    VIF_GROUP = "illegal_vif_group"
    VIF_EXPONENT = "illegal_vif_exponent"
    VIF_DIF_MISMATCH = "vif_dif_mismatch"
    ACTION = "unimplemented_action"
    NOT_AVAILABLE = "no_data_available"
    OVERFLOW = "data_overflow"
    UNDERFLOW = "data_underflow"
    DATA_ERROR = "data_error"
    PREMATURE_END = "premature_end_of_record"
    RESERVED = "reserved_error"


class ModifierKind(StrEnum):
    """How a VIFE changes what a record means; EN 13757-3:2018 tables 15 and 16."""

    FACTOR = "factor"
    OFFSET = "offset"
    ERROR = "error"
    AVERAGE = "average"
    PROFILE = "profile"
    RELATIVE_DEVIATION = "relative_deviation"
    STANDARD_CONTENT = "standard_conform_content"
    PER = "per"
    TIMES = "times"
    PULSE_INCREMENT = "increment_per_pulse"
    START_OF = "start_of"
    UNCORRECTED = "uncorrected"
    FORWARD = "forward"
    BACKWARD = "backward"
    NON_METRIC = "non_metric"
    BASE_CONDITIONS = "base_conditions"
    OBIS = "obis_declaration"
    LIMIT = "limit"
    EXCEED_COUNT = "limit_exceed_count"
    EXCEED_TIME = "limit_exceed_time"
    EXCEED_DURATION = "limit_exceed_duration"
    DURATION_OF = "duration_of"
    DURING_EXCEED = "during_limit_exceed"
    LEAKAGE = "leakage"
    OVERFLOW = "overflow"
    TIME_OF = "time_of"
    FUTURE = "future"
    PHASE = "phase"
    QUADRANT = "quadrant"
    IMPORT_EXPORT_DELTA = "import_minus_export"
    ABSOLUTE_COUNT = "absolute_count"
    TYPE_C = "unsigned"
    TYPE_D = "bits"
    DIRECTION = "direction"
    MANUFACTURER = "manufacturer_specific"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """One VIFE.

    Attributes:
        kind: What it does.
        code: The seven bits as sent; with 7C before it for the extension table (0x7C01 ...).
        detail: What the kind leaves open: `upper first end`, `h`, `L1`; empty when nothing.
    """

    kind: ModifierKind
    code: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialTime:
    """A date or time with parts that mean `every`, or that name no day of the calendar.

    Attributes:
        text: As ISO 8601 would write it; the parts as the meter sent them: `2000-00-00`.
    """

    text: str


RecordValue = Decimal | str | bytes | datetime | date | time | PartialTime | None
"""A number in the record's unit, a text, raw bytes, a time of the meter's own clock, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One data record.

    Attributes:
        function: What kind of value it is.
        storage: Storage number; 0 is now, others are stored values.
        tariff: Tariff; 0 is the total.
        subunit: Part of the device that measured; 0 is the main one.
        measure: What the value is.
        unit: The unit of the number as printed; empty when it has none.
        value: The value, exactly; None with the reason in `error`.
        modifiers: What the VIFEs say, in order.
        error: Why there is no value.
        resolution: The step of the last digit in `unit`; None when the value is not a number.
        name: The meter's own name of the measure (plain-text VIF); empty when it has none.
        header: DIF, DIFEs, VIF, VIFEs as sent.
        data: The data bytes as sent.
    """

    function: Function
    storage: int = 0
    tariff: int = 0
    subunit: int = 0
    measure: Measure
    unit: str = ""
    value: RecordValue = None
    modifiers: Sequence[Modifier] = ()
    error: RecordError | None = None
    resolution: Decimal | None = None
    name: str = ""
    header: bytes = b""
    data: bytes = b""


class Bus(StrEnum):
    """How the telegram travelled."""

    MBUS = "mbus"
    WMBUS = "wmbus"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterAddress:
    """Who a meter is: the secondary address of EN 13757-7.

    Attributes:
        identification: Eight hexadecimal digits, normally decimal, as on the name plate.
        manufacturer: Three letters.
        version: Generation of the device, 0..255.
        device_type: Code of what it measures, 0..255.
    """

    identification: str
    manufacturer: str
    version: int
    device_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """One whole telegram, decrypted and checked.

    Attributes:
        bus: How it travelled.
        address: The meter; None when the telegram has no header that names it.
        medium: Name of the device type.
        primary_address: A field of the wired link layer, None on the air.
        ci: The control information that chose the application layer.
        access_no: Counts the telegrams of the meter; None without a header.
        status: Status byte, bits as EN 13757-7 table 8 names them; None without a header.
        security_mode: Mode of the configuration field; 0: sent in the clear.
        records: Every record, in order; manufacturer data are one with that function.
        has_more: Whether further records follow in the next telegram (DIF 1F).
        notes: What was verified, and what was not: MAC, session check, decryption.
    """

    bus: Bus
    address: MeterAddress | None
    medium: str
    primary_address: int | None = None
    ci: int
    access_no: int | None = None
    status: int | None = None
    security_mode: int = 0
    records: Sequence[Record] = ()
    has_more: bool = False
    notes: Sequence[str] = ()
