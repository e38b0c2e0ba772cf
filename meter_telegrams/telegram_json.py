"""A telegram and its readings as one JSON object, for people and programs on a command line."""

from datetime import date, datetime, time
from decimal import Decimal

from meter_telegrams.records.media import device_type_name
from meter_telegrams.records.telegram import (
    Modifier,
    PartialTime,
    Record,
    RecordValue,
    Telegram,
)
from meter_telegrams.telegram_meaning import PROFILE, Meaning
from wire_contracts.fields import JsonObject, JsonValue

_STATUS_BITS = {0x04: "power_low", 0x08: "permanent_error", 0x10: "temporary_error"}
_STATUS_LOW = {1: "application_busy", 2: "application_error", 3: "alarm"}
_VENDOR_BITS = 0xE0


def telegram_json(telegram: Telegram, meaning: Meaning) -> JsonObject:
    """Return everything that a telegram says; a value is null with the reason in `error`."""
    return {
        "bus": telegram.bus,
        "meter": _meter(telegram),
        "primary_address": telegram.primary_address,
        "ci": f"{telegram.ci:02X}",
        "access_no": telegram.access_no,
        "status": _status(telegram.status),
        "security_mode": telegram.security_mode,
        "more_records_follow": telegram.has_more,
        "notes": list(telegram.notes),
        "records": [_record(record) for record in telegram.records],
        "quantities": _quantities(meaning),
        "events": list(meaning.events),
        "meter_clock": None if meaning.meter_clock is None else meaning.meter_clock.isoformat(),
        "profile": PROFILE,
    }


def number(value: Decimal) -> int | float:
    """Return the number JSON can hold that is nearest: whole ones as they are."""
    return int(value) if value == value.to_integral_value() else float(value)


def shown(value: RecordValue) -> str | int | float | None:
    """Return a record's value as JSON: times as ISO 8601 without zone, bytes as hexadecimal."""
    match value:
        case Decimal():
            return number(value)
        case datetime() | date() | time():
            return value.isoformat()
        case PartialTime():
            return value.text
        case bytes():
            return value.hex(" ").upper()
        case _:
            return value


def _meter(telegram: Telegram) -> JsonObject | None:
    address = telegram.address
    if address is None:
        return None
    return {
        "id": address.identification,
        "manufacturer": address.manufacturer,
        "version": address.version,
        "device_type": f"{address.device_type:02X}",
        "device_type_name": device_type_name(address.device_type),
        "medium": telegram.medium,
    }


def _status(status: int | None) -> JsonObject | None:
    if status is None:
        return None
    flags = [_STATUS_LOW[status & 3]] if status & 3 else []
    flags += [name for bit, name in _STATUS_BITS.items() if status & bit]
    return {
        "byte": f"{status:02X}",
        "flags": flags,
        "vendor_bits": f"{status & _VENDOR_BITS:02X}",
    }


def _record(record: Record) -> JsonObject:
    body: dict[str, JsonValue] = {
        "function": record.function,
        "storage": record.storage,
        "tariff": record.tariff,
        "subunit": record.subunit,
        "measure": record.measure,
        "unit": record.unit,
        "value": shown(record.value),
        "modifiers": [_modifier(each) for each in record.modifiers],
        "header": record.header.hex().upper(),
        "data": record.data.hex().upper(),
    }
    if record.name:
        body["name"] = record.name
    if record.error is not None:
        body["error"] = record.error
    return body


def _modifier(modifier: Modifier) -> str:
    text = f"{modifier.kind} {modifier.detail}".strip()
    is_open = modifier.kind in {"manufacturer_specific", "reserved"}
    return f"{text} {modifier.code:02X}" if is_open else text


def _quantities(meaning: Meaning) -> JsonObject:
    names = sorted({*meaning.values, *meaning.quality})
    return {
        str(name): {
            "value": meaning.values.get(name),
            "quality": meaning.quality.get(name, "good"),
        }
        for name in names
    }
