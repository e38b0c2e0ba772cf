"""What the page of the vans shows: what is left of each part, the last day of each detector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sync_server.web.labels import MEDIA, label
from sync_server.web.words import Words, mark, number
from wire_contracts.quantities import Medium
from wire_contracts.van import (
    AirValue,
    Calibration,
    GasDetector,
    Van,
    calibration_at,
    is_short,
)

VALUES: Mapping[AirValue, str] = {
    AirValue.OXYGEN_PCT: mark("O₂"),
    AirValue.LEL_PCT: mark("% LEL"),
    AirValue.CARBON_MONOXIDE_PPM: mark("CO"),
    AirValue.HYDROGEN_SULPHIDE_PPM: mark("H₂S"),
}
_STANDINGS = {
    Calibration.OVER: (mark("overdue"), "danger", "lock"),
    Calibration.SOON: (mark("due soon"), "warn", "clock"),
    Calibration.GOOD: (mark("valid"), "ok", "check"),
}
_UNITS = {"pcs": mark("pcs")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One part of the chosen van; `quantity` and `least` as the count's fields take them."""

    part_id: str
    name: str
    media: str
    unit: str
    left: str
    quantity: str
    least: str
    is_short: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorRow:
    """One detector, whoever carries it."""

    detector_id: str
    model: str
    crew_id: str
    crew: str
    shows: str
    until: str
    standing: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VanTab:
    """One crew to choose, with how many parts its van lacks."""

    crew_id: str
    name: str
    short_count: int
    is_chosen: bool


def van_tabs(vans: Mapping[str, Van], crews: Mapping[str, str], chosen: str) -> list[VanTab]:
    """Return the crews in the order of their names' ids; the chosen one is marked."""
    return [
        VanTab(
            crew_id=crew_id,
            name=name,
            short_count=sum(map(is_short, vans[crew_id].parts)) if crew_id in vans else 0,
            is_chosen=crew_id == chosen,
        )
        for crew_id, name in crews.items()
    ]


def part_rows(van: Van, words: Words) -> list[PartRow]:
    """Return the parts of a van in the office's order."""
    return [
        PartRow(
            part_id=part.part_id,
            name=part.name.in_language(words.language),
            media=_media(part.media, words),
            unit=words.gettext(_UNITS[part.unit]) if part.unit in _UNITS else part.unit,
            left=number(part.quantity),
            quantity=f"{max(part.quantity, 0.0):g}",
            least=f"{part.least:g}",
            is_short=is_short(part),
        )
        for part in van.parts
    ]


def detector_rows(
    vans: Mapping[str, Van], crews: Mapping[str, str], words: Words, today: date
) -> list[DetectorRow]:
    """Return every detector, the first to end its calibration first."""
    carried = [(crew_id, each) for crew_id, van in vans.items() for each in van.detectors]
    carried.sort(key=lambda pair: (pair[1].calibrated_until, pair[1].detector_id))
    return [_detector(each, crew_id, crews, words, today) for crew_id, each in carried]


def _detector(
    detector: GasDetector, crew_id: str, crews: Mapping[str, str], words: Words, today: date
) -> DetectorRow:
    message, tone, icon = _STANDINGS[calibration_at(detector.calibrated_until, today)]
    return DetectorRow(
        detector_id=detector.detector_id,
        model=detector.model,
        crew_id=crew_id,
        crew=crews.get(crew_id, crew_id),
        shows=_between(
            [words.gettext(text) for value, text in VALUES.items() if value in detector.values]
        ),
        until=detector.calibrated_until.isoformat(),
        standing=words.gettext(message),
        tone=tone,
        icon=icon,
    )


def _media(media: frozenset[Medium], words: Words) -> str:
    if media == frozenset(Medium):
        return words.gettext(mark("every medium"))
    return _between([label(words, MEDIA, each) for each in Medium if each in media])


def _between(texts: Sequence[str]) -> str:
    return " · ".join(texts)
