"""What a crew has with it: the parts in its van and its gas detectors, as one row of its bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText, parse_text, text_json

ENTITY: Final = "van"
"""The entity type in sync messages; its id is the crew's."""

MOST_PARTS: Final = 400
MOST_DETECTORS: Final = 40
LONGEST_ID: Final = 64
LONGEST_NAME: Final = 200
LONGEST_UNIT: Final = 16


SOON: Final = timedelta(days=14)
"""So long before its last day a detector is named: it will be away for days (judgement)."""


class Calibration(StrEnum):
    """How the calibration of a detector stands."""

    GOOD = "good"
    SOON = "soon"
    OVER = "over"


class AirValue(StrEnum):
    """What a gas detector can show; the suffix is the unit."""

    OXYGEN_PCT = "oxygen_pct"
    LEL_PCT = "lel_pct"
    CARBON_MONOXIDE_PPM = "carbon_monoxide_ppm"
    HYDROGEN_SULPHIDE_PPM = "hydrogen_sulphide_ppm"


@dataclass(frozen=True, slots=True, kw_only=True)
class VanPart:
    """One kind of part in a van.

    Attributes:
        media: The networks that it fits.
        quantity: What is left, as the office counts it; below zero when more was taken than
            was ever counted.
        least: From here down the van is to be filled up; 0: never asked for.
    """

    part_id: str
    name: BilingualText
    media: frozenset[Medium]
    unit: str
    quantity: float
    least: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GasDetector:
    """One gas detector.

    Attributes:
        detector_id: The number on it.
        values: What it shows.
        calibrated_until: The last day on which what it shows may be trusted.
    """

    detector_id: str
    model: str
    values: frozenset[AirValue]
    calibrated_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Van:
    """Everything that one crew has with it, in the office's order."""

    parts: Sequence[VanPart] = ()
    detectors: Sequence[GasDetector] = ()


def calibration_at(calibrated_until: date, today: date) -> Calibration:
    """Return how a calibration stands; it holds through its last day."""
    if calibrated_until < today:
        return Calibration.OVER
    return Calibration.SOON if calibrated_until < today + SOON else Calibration.GOOD


def is_short(part: VanPart) -> bool:
    """Return whether the van is to be filled up with this part."""
    return part.quantity <= part.least if part.least > 0 else part.quantity < 0


def van_json(van: Van) -> JsonObject:
    """Return the van as the document of a row."""
    parts: list[JsonValue] = [
        {
            "part_id": part.part_id,
            "name": text_json(part.name),
            "media": sorted(map(str, part.media)),
            "unit": part.unit,
            "quantity": part.quantity,
            "least": part.least,
        }
        for part in van.parts
    ]
    detectors: list[JsonValue] = [
        {
            "detector_id": each.detector_id,
            "model": each.model,
            "values": sorted(map(str, each.values)),
            "calibrated_until": each.calibrated_until.isoformat(),
        }
        for each in van.detectors
    ]
    return {"parts": parts, "detectors": detectors}


def parse_van(reader: FieldReader) -> Van:
    """Return the van; raise ContractError that names the field.

    Media and values that this app does not know are left out: a newer office may know more.
    """
    return Van(
        parts=tuple(map(_part, reader.objects("parts", longest=MOST_PARTS))),
        detectors=tuple(map(_detector, reader.objects("detectors", longest=MOST_DETECTORS))),
    )


def _part(reader: FieldReader) -> VanPart:
    return VanPart(
        part_id=reader.text("part_id", longest=LONGEST_ID),
        name=parse_text(reader.object("name")),
        media=frozenset(Medium(each) for each in _known(reader, "media", frozenset(Medium))),
        unit=reader.text("unit", longest=LONGEST_UNIT),
        quantity=reader.number("quantity"),
        least=reader.number("least"),
    )


def _detector(reader: FieldReader) -> GasDetector:
    return GasDetector(
        detector_id=reader.text("detector_id", longest=LONGEST_ID),
        model=reader.text_or_empty("model", longest=LONGEST_NAME),
        values=frozenset(AirValue(each) for each in _known(reader, "values", frozenset(AirValue))),
        calibrated_until=_day(reader, "calibrated_until"),
    )


def _known(reader: FieldReader, key: str, known: frozenset[str]) -> list[str]:
    found = reader.array(key, longest=MOST_DETECTORS)
    return [each for each in found if isinstance(each, str) and each in known]


def _day(reader: FieldReader, key: str) -> date:
    text = reader.text(key)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        remedy = "write the day like 2026-12-31"
        raise reader.refuse(key, f"{text!r} is no day", remedy, Code.FIELD_TYPE) from error
