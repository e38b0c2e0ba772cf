"""Frames of real meters decode to what the independent reader that published them found."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from meter_telegrams.errors import RefusedTelegramError
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.telegram import Function, PartialTime, Record

DATA = Path(__file__).resolve().parents[1] / "data" / "mbus"
Published = Mapping[str, str]

FUNCTIONS = {
    Function.INSTANTANEOUS: "Instantaneous value",
    Function.MAXIMUM: "Maximum value",
    Function.MINIMUM: "Minimum value",
    Function.ERROR_STATE: "Value during error state",
    Function.MANUFACTURER: "Manufacturer specific",
    Function.MORE_FOLLOWS: "More records follow",
}
QUANTITIES = {
    Measure.ENERGY: "Energy",
    Measure.VOLUME: "Volume",
    Measure.POWER: "Power",
    Measure.VOLUME_FLOW: "Volume flow",
    Measure.FLOW_TEMPERATURE: "Flow temperature",
    Measure.RETURN_TEMPERATURE: "Return temperature",
    Measure.TEMPERATURE_DIFFERENCE: "Temperature difference",
    Measure.ON_TIME: "On time",
    Measure.OPERATING_TIME: "Operating time",
    Measure.DATE: "Time point (date)",
    Measure.DATE_TIME: "Time point (date & time)",
    Measure.HEAT_COST_UNITS: "H.C.A.",
    Measure.FABRICATION_NUMBER: "Fabrication No",
    Measure.ENHANCED_IDENTIFICATION: "(Enhanced) Identification",
    Measure.DEVICE_TYPE: "Medium",
    Measure.CUSTOMER_LOCATION: "Customer location",
    Measure.ERROR_FLAGS: "Error flags",
    Measure.FIRMWARE_VERSION: "Firmware version",
    Measure.SOFTWARE_VERSION: "Software version",
}
UNITS = {"m3": "m^3", "m3/h": "m^3/h", "degC": "°C", "HCA": "Units for H.C.A."}
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def lines(name: str) -> list[Mapping[str, object]]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def published_value(record: Record) -> str | None:
    value = record.value
    if isinstance(value, bytes):
        return value.hex(" ").upper() or None
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, PartialTime):
        return value.text
    if isinstance(value, Decimal) or (isinstance(value, str) and value.isdigit()):
        return f"{float(value) * SECONDS.get(record.unit, 1):.6f}"
    return str(value)


def as_published(record: Record) -> dict[str, str]:
    is_vendor = record.function in {Function.MANUFACTURER, Function.MORE_FOLLOWS}
    found: dict[str, str | None] = {
        "function": FUNCTIONS[record.function],
        "storage": str(record.storage),
        "tariff": str(record.tariff),
        "device": str(record.subunit),
        "quantity": None if is_vendor else record.name or QUANTITIES[record.measure],
        "unit": "s" if record.unit in SECONDS else UNITS.get(record.unit, record.unit or "-"),
        "value": published_value(record),
    }
    return {key: value for key, value in found.items() if value is not None}


def completed(published: Published) -> dict[str, str]:
    """The reader leaves out tariff and device where both are 0, and units where there is none."""
    return {"tariff": "0", "device": "0", "unit": "-", **published}


@pytest.mark.parametrize("case", lines("frames.jsonl"), ids=lambda case: str(case["case"]))
def test_a_real_frame_decodes_to_its_published_values(case: Mapping[str, object]) -> None:
    telegram = decode_mbus(bytes.fromhex(str(case["hex"])))
    slave, expected = case["slave"], case["expect"]
    assert isinstance(slave, dict)
    assert isinstance(expected, list)
    assert telegram.address is not None
    assert telegram.status is not None

    assert [as_published(each) for each in telegram.records] == [completed(e) for e in expected]
    assert int(telegram.address.identification) == int(slave["Id"])
    assert telegram.address.manufacturer == slave["Manufacturer"]
    assert telegram.address.version == int(slave["Version"])
    assert telegram.status == int(slave["Status"], 16)


@pytest.mark.parametrize("case", lines("bad_frames.jsonl"), ids=lambda case: str(case["case"]))
def test_a_bad_frame_is_refused_with_place_and_remedy(case: Mapping[str, object]) -> None:
    with pytest.raises(RefusedTelegramError) as refused:
        decode_mbus(bytes.fromhex(str(case["hex"])))

    assert str(refused.value).count(": ") >= 2
    assert "; " in str(refused.value)
    assert refused.value.code.startswith("telegram.")
