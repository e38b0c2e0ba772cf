"""Turns a candidate into the evidence of an alert: sentence, chart, numbers, what to check."""

from collections.abc import Sequence

from sync_server.detection.meters.candidates import Candidate, EvidenceValue
from sync_server.detection.telling.effects import Price, effects_of
from sync_server.detection.telling.first_checks import first_checks
from sync_server.detection.telling.wording import (
    EXPECTED,
    OBSERVED,
    STATISTIC,
    SilentWith,
    flag_of,
    name_of,
    name_with,
    sentence_of,
    unit_words,
)
from wire_contracts.evidence import NO_UNIT, ChartPoint, Evidence, EvidenceNumber
from wire_contracts.frames import utc_from_ms
from wire_contracts.kinds import FAMILY, Family, Kind
from wire_contracts.quantities import Medium, Quantity


def charted_quantity(candidate: Candidate, medium: Medium) -> Quantity:
    """Return what the chart of the alert shows: what was judged, as every such meter has it."""
    kind = candidate.kind
    if kind is Kind.RETURN_HIGH:
        return Quantity.RETURN_TEMP_DEGC
    if kind is Kind.TEMP_DRIFT:
        return Quantity.SUPPLY_TEMP_DEGC
    is_register = FAMILY[kind] is Family.REGISTER
    if medium is Medium.HEAT and (candidate.unit.startswith("kWh") or FAMILY[kind] is Family.COMM):
        return Quantity.ENERGY_KWH if is_register else Quantity.POWER_KW
    if medium is Medium.GAS:
        return Quantity.VOLUME_ACTUAL_M3 if is_register else Quantity.FLOW_ACTUAL_M3H
    return Quantity.VOLUME_M3 if is_register else Quantity.FLOW_M3H


_UNITS = {"m3h": "m³/h", "m3": "m³", "degc": "°C", "kw": "kW", "kwh": "kWh"}


def unit_of(quantity: Quantity) -> str:
    """Return the unit of a chart."""
    return _UNITS[str(quantity).rpartition("_")[2]]


def explain(
    candidate: Candidate,
    medium: Medium,
    points: Sequence[ChartPoint],
    price: Price | None,
    silent_with: SilentWith | None = None,
) -> Evidence:
    """Return why the alert was raised; `points` is the chart of `charted_quantity`.

    `silent_with` tells of a silence that is the gateway's.
    """
    quantity = charted_quantity(candidate, medium)
    return Evidence(
        sentence=sentence_of(candidate, medium, silent_with),
        quantity=str(quantity),
        unit=unit_of(quantity),
        rule_from_utc=utc_from_ms(min(candidate.start_s, candidate.at_s) * 1000),
        rule_to_utc=utc_from_ms(candidate.at_s * 1000),
        points=points,
        numbers=_numbers(candidate),
        check_first=first_checks(candidate.kind, medium),
        effects=effects_of(candidate, price),
        against=tuple(_number(each) for each in candidate.against),
        flags=tuple(flag_of(each) for each in candidate.quality),
    )


def _numbers(candidate: Candidate) -> Sequence[EvidenceNumber]:
    """Return what decided: observed, expected, statistic with its threshold, then the rest."""
    unit = _plain(candidate.unit)
    return (
        EvidenceNumber(
            name=name_with(OBSERVED, candidate.unit),
            value=candidate.observed,
            unit=unit,
            is_trigger=True,
        ),
        EvidenceNumber(
            name=name_with(EXPECTED, candidate.unit), value=candidate.expected, unit=unit
        ),
        EvidenceNumber(
            name=STATISTIC, value=candidate.statistic, unit=NO_UNIT, limit=candidate.threshold
        ),
        *(_number(each) for each in candidate.evidence),
    )


def _number(each: EvidenceValue) -> EvidenceNumber:
    return EvidenceNumber(
        name=name_with(name_of(each.name), each.unit), value=each.value, unit=_plain(each.unit)
    )


def _plain(unit: str) -> str:
    """Return the unit as it is written in every language."""
    return unit_words(unit).unit or NO_UNIT
