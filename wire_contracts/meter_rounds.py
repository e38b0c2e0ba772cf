"""Meters that are read on foot: what is known of their register, and what was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.patrols import number_in
from wire_contracts.quantities import Medium

METER_ENTITY = "round_meter"

MOST_READINGS = 24
"""Earlier readings that a tablet is given: two years of monthly ones."""

HIGHEST_VALUE = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class PastReading:
    """What a register showed at some time."""

    at_utc: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The device was exchanged: the old one ended at `final`, the new one began at `initial`."""

    at_utc: datetime
    final: float
    initial: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundMeter:
    """One meter on the list of a walk-by; its id is the meter's.

    Attributes:
        building: Homes are grouped by it.
        place: Where in the building, such as `3-902`.
        digits: Digits before the point: the register starts again at 10 to that power.
        decimals: Digits behind the point that are read.
        readings: What it showed before, the oldest first.
        exchange: The last exchange of the device, None when there was none since the readings.
        permanent_flow_m3h: What it may measure all day: Q3 of water (ISO 4064-1), qp of heat
            (EN 1434-1), the nominal flow of gas, its G (EN 1359); None: not known.
    """

    building: str
    place: str
    address: str
    device_serial: str
    medium: Medium
    unit: str
    digits: int
    decimals: int
    readings: Sequence[PastReading] = ()
    exchange: Exchange | None = None
    permanent_flow_m3h: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReading:
    """One reading by eye.

    Attributes:
        is_confirmed: The tablet had doubts and the reader said that it is so.
        doubt: Which doubt that was; empty: none.
        reason: What the reader said about it.
    """

    meter_id: str
    value: float
    is_confirmed: bool = False
    doubt: str = ""
    reason: str = ""


def round_meter_json(meter: RoundMeter) -> JsonObject:
    """Return the meter as the document of a row."""
    readings: list[JsonValue] = [
        {"at": ms_from_utc(each.at_utc), "value": each.value} for each in meter.readings
    ]
    exchange = meter.exchange
    size: JsonObject = (
        {} if meter.permanent_flow_m3h is None else {"permanent_flow_m3h": meter.permanent_flow_m3h}
    )
    return {
        **size,
        "building": meter.building,
        "place": meter.place,
        "address": meter.address,
        "device_serial": meter.device_serial,
        "medium": str(meter.medium),
        "unit": meter.unit,
        "digits": meter.digits,
        "decimals": meter.decimals,
        "readings": readings,
        "exchange": None
        if exchange is None
        else {
            "at": ms_from_utc(exchange.at_utc),
            "final": exchange.final,
            "initial": exchange.initial,
        },
    }


def parse_round_meter(reader: FieldReader) -> RoundMeter:
    """Return the meter; raise ContractError that names the field."""
    return RoundMeter(
        building=reader.text_or_empty("building", longest=80),
        place=reader.text_or_empty("place", longest=80),
        address=reader.text_or_empty("address", longest=400),
        device_serial=reader.text_or_empty("device_serial", longest=64),
        medium=reader.choice("medium", Medium),
        unit=reader.text("unit", longest=20),
        digits=reader.integer("digits", low=1, high=12),
        decimals=reader.integer("decimals", low=0, high=6),
        readings=tuple(
            PastReading(at_utc=_time(each), value=_value(each, "value"))
            for each in reader.objects("readings", longest=MOST_READINGS)
        ),
        exchange=_parse_exchange(reader.object("exchange")) if reader.has("exchange") else None,
        permanent_flow_m3h=_value(reader, "permanent_flow_m3h")
        if reader.has("permanent_flow_m3h")
        else None,
    )


def _parse_exchange(reader: FieldReader) -> Exchange:
    return Exchange(
        at_utc=_time(reader), final=_value(reader, "final"), initial=_value(reader, "initial")
    )


def round_reading_json(reading: RoundReading) -> JsonObject:
    """Return the reading as the payload of a `meter_reading` fact."""
    return {
        "meter_id": reading.meter_id,
        "value": reading.value,
        "is_confirmed": reading.is_confirmed,
        "doubt": reading.doubt,
        "reason": reading.reason,
    }


def parse_round_reading(reader: FieldReader) -> RoundReading:
    """Return the reading; raise ContractError that names the field."""
    return RoundReading(
        meter_id=reader.text("meter_id", longest=64),
        value=_value(reader, "value"),
        is_confirmed=reader.boolean("is_confirmed"),
        doubt=reader.text_or_empty("doubt", longest=80),
        reason=reader.text_or_empty("reason", longest=2000),
    )


def _value(reader: FieldReader, key: str) -> float:
    return number_in(reader, key, 0.0, HIGHEST_VALUE)


def _time(reader: FieldReader) -> datetime:
    return utc_from_ms(reader.integer("at", low=EARLIEST_MS, high=LATEST_MS))
