"""Owns what detection must know of the meters before the first reading, as arrays by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

import numpy as np

from sync_server.detection.meters.columns import Floats, Ints
from wire_contracts.quantities import Medium

FAR_FUTURE_S = 2**40


class Role(StrEnum):
    """What stands behind the meter; it decides which detectors look at it.

    HOME: one household. CONSUMER: any other customer or a heat substation. DMA: inflow of a
    district. STATION: a meter whose children are metered too. MAKEUP: make-up water of a heating
    network.
    """

    HOME = "home"
    CONSUMER = "consumer"
    DMA = "dma"
    STATION = "station"
    MAKEUP = "makeup"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSpec:
    """One meter as detection must know it; what is None is not known, never zero.

    Attributes:
        meter_id: The utility's number.
        medium: Heat, gas or water.
        role: What stands behind it.
        peer_class: Meters of one medium and peer class use alike (such as `sfh`, `household`).
        interval_s: Expected time between two readings of the register.
        volume_modulus_m3: Where the volume register begins again at zero.
        energy_modulus_kwh: The same of the energy register.
        volume_resolution_m3: The smallest step of the volume register.
        energy_resolution_kwh: The smallest step of the energy register.
        permanent_flow_m3h: Q3 or qp of the meter; limits what a register can honestly advance.
        weather_id: Station in `Surroundings.weather`; None: judged without weather.
        parent_id: The station meter behind which this meter hangs.
        judged_from_s: Before this instant (seconds since 1970) the meter is learned, not judged.
        in_service_until_s: From this instant on nothing is expected of it (removed, out of
            service, or the end of a recorded series); None: in service.
        is_mains_powered: Whether a silence is judged by the strict rule.
    """

    meter_id: str
    medium: Medium
    role: Role
    interval_s: int
    peer_class: str = ""
    volume_modulus_m3: float | None = None
    energy_modulus_kwh: float | None = None
    volume_resolution_m3: float | None = None
    energy_resolution_kwh: float | None = None
    permanent_flow_m3h: float | None = None
    weather_id: str | None = None
    parent_id: str | None = None
    judged_from_s: int = 0
    in_service_until_s: int | None = None
    is_mains_powered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFacts:
    """By row, of one register: what is known of it.

    Attributes:
        modulus: Where it wraps; NaN where not known.
        floor: Advance in an hour that is never impossible.
        resolution: Its smallest step.
    """

    modulus: Floats
    floor: Floats
    resolution: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """M meters; the place in `specs` is the row of every array of detection.

    Attributes:
        specs: M specs.
        row_of: Meter id to row.
        interval_s: M reading intervals.
        judged_from_s: M instants from which the meter is judged.
        in_service_until_s: M instants; a far future where in service.
        is_heat: M flags, as numbers 0 and 1 in the arrays below too.
        is_gas: M flags.
        is_home: M flags.
        is_inflow: M flags: inflow of a district.
        is_mains: M flags: fed from the mains.
        turn: M numbers of the meter ids alone, by which what is made anew every few days is spread
            over them; no row, which depends on what other meters there are (RULINGS R18).
        floor_rows: Rows with an hourly flow that rests: homes, and gas customers.
        signature_rows: Rows that use energy by the weather.
        network_rows: Stations, district inflows and make-up meters.
        standing_rows: Rows whose register must not stand: water and gas but stations, make-up.
        volume: What is known of the volume registers, in litres.
        energy: What is known of the energy registers, in watt-hours.
        weather_rows: Weather station to the rows that it stands for.
        children: Row of a station to the rows of its children.
    """

    specs: Sequence[MeterSpec]
    row_of: Mapping[str, int]
    interval_s: Ints
    judged_from_s: Ints
    in_service_until_s: Ints
    is_heat: Floats
    is_gas: Floats
    is_home: Floats
    is_inflow: Floats
    is_mains: Floats
    turn: Ints
    floor_rows: Ints
    signature_rows: Ints
    network_rows: Ints
    standing_rows: Ints
    volume: RegisterFacts
    energy: RegisterFacts
    weather_rows: Mapping[str, Ints]
    children: Mapping[int, Sequence[int]]


def fleet_of(specs: Sequence[MeterSpec]) -> Fleet:
    """Return the meters as arrays, in the order given.

    Raises:
        ValueError: Two specs have the same meter id.
    """
    row_of = {spec.meter_id: row for row, spec in enumerate(specs)}
    if len(row_of) != len(specs):
        raise ValueError("fleet: meter_id: a meter is listed twice; list each meter once")
    children: dict[int, list[int]] = {}
    for row, spec in enumerate(specs):
        if spec.parent_id is not None and spec.parent_id in row_of:
            children.setdefault(row_of[spec.parent_id], []).append(row)
    return Fleet(
        specs=tuple(specs),
        row_of=row_of,
        interval_s=np.array([spec.interval_s for spec in specs], dtype=np.int64),
        judged_from_s=np.array([spec.judged_from_s for spec in specs], dtype=np.int64),
        in_service_until_s=np.array(
            [
                FAR_FUTURE_S if spec.in_service_until_s is None else spec.in_service_until_s
                for spec in specs
            ],
            dtype=np.int64,
        ),
        is_heat=_flags([spec.medium is Medium.HEAT for spec in specs]),
        is_gas=_flags([spec.medium is Medium.GAS for spec in specs]),
        is_home=_flags([spec.role is Role.HOME for spec in specs]),
        is_inflow=_flags([spec.role is Role.DMA for spec in specs]),
        is_mains=_flags([spec.is_mains_powered for spec in specs]),
        turn=np.array([crc32(spec.meter_id.encode()) for spec in specs], dtype=np.int64),
        floor_rows=_rows([_has_floor(spec) for spec in specs]),
        signature_rows=_rows([_has_signature(spec) for spec in specs]),
        network_rows=_rows([spec.role in _NETWORK for spec in specs]),
        standing_rows=_rows([_may_not_stand(spec) for spec in specs]),
        volume=_volume_facts(specs),
        energy=_energy_facts(specs),
        weather_rows=_by_weather(specs),
        children=children,
    )


def rows_of_fleet(fleet: Fleet, rows: Sequence[int]) -> Fleet:
    """Return the fleet of these rows alone, in this order."""
    return fleet_of([fleet.specs[row] for row in rows])


_NETWORK = frozenset({Role.DMA, Role.STATION, Role.MAKEUP})
_CUSTOMERS = frozenset({Role.HOME, Role.CONSUMER})
_HOURLY_S = 3600


def _has_floor(spec: MeterSpec) -> bool:
    is_hourly = spec.interval_s <= _HOURLY_S
    return is_hourly and spec.role in _CUSTOMERS and spec.medium is not Medium.HEAT


def _has_signature(spec: MeterSpec) -> bool:
    return spec.medium in {Medium.HEAT, Medium.GAS} and spec.role is Role.CONSUMER


def _may_not_stand(spec: MeterSpec) -> bool:
    return spec.medium is not Medium.HEAT and spec.role in _CUSTOMERS | {Role.DMA}


def _rows(flags: Sequence[bool]) -> Ints:
    return np.flatnonzero(np.array(flags, dtype=np.bool_)).astype(np.int64)


def _by_weather(specs: Sequence[MeterSpec]) -> Mapping[str, Ints]:
    stations: dict[str, list[int]] = {}
    for row, spec in enumerate(specs):
        if spec.weather_id is not None:
            stations.setdefault(spec.weather_id, []).append(row)
    return {each: np.array(rows, dtype=np.int64) for each, rows in stations.items()}


def _volume_facts(specs: Sequence[MeterSpec]) -> RegisterFacts:
    return RegisterFacts(
        modulus=_litres([spec.volume_modulus_m3 for spec in specs], np.nan),
        floor=np.array([_highest_litres(spec) for spec in specs], dtype=np.float64),
        resolution=_litres([spec.volume_resolution_m3 for spec in specs], np.nan),
    )


def _energy_facts(specs: Sequence[MeterSpec]) -> RegisterFacts:
    resolution = _litres([spec.energy_resolution_kwh for spec in specs], 1000.0)
    return RegisterFacts(
        modulus=_litres([spec.energy_modulus_kwh for spec in specs], np.nan),
        floor=np.maximum(_FREE_WH, _FREE_STEPS * resolution),
        resolution=resolution,
    )


def _highest_litres(spec: MeterSpec) -> float:
    """Return what an hour may take whatever the meter did before: Q3 doubled, or a household's."""
    if spec.permanent_flow_m3h is not None:
        return 2000.0 * spec.permanent_flow_m3h
    if spec.role is Role.HOME:
        return _FREE_HOME_L
    return _FREE_GAS_L if spec.medium is Medium.GAS else _FREE_OTHER_L


_FREE_HOME_L = 4000.0
_FREE_GAS_L = 8000.0
_FREE_OTHER_L = 2000.0
_FREE_WH = 20_000.0
_FREE_STEPS = 20.0
"""Advances in an hour that are never impossible: twice the 2 m3/h that a household's water
connection gives, gas of a 75 kW boiler, two thousand litres of heating water, 20 kWh."""


def _litres(values: Sequence[float | None], absent: float) -> Floats:
    """Return thousandths of the values; `absent` where one is not known."""
    return np.array(
        [absent if value is None else value * 1000.0 for value in values], dtype=np.float64
    )


def _flags(values: Sequence[bool]) -> Floats:
    return np.array(values, dtype=np.float64)
