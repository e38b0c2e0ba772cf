"""What the town's inspectors walk, visit and read: routes, homes, meters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from demo.areas import north_m
from demo.names import TOWN_NAME
from demo.network_plan import ORIGIN
from demo.tablet_crews import HOME_CREW, PATROL_CREWS, SHOWN_CREW
from demo.town import Household as Home
from demo.town import PressureLevel, Town, ValveWell
from demo.town_places import Place
from sync_server.patrols.inspection_store import Inspected
from wire_contracts.home_checks import Household, HouseholdState
from wire_contracts.meter_rounds import PastReading, RoundMeter
from wire_contracts.patrols import Checkpoint, CheckpointKind, Measure, PatrolPlan, ValueLimit
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

WELLS_PER_ROUTE = 8
BOXES_PER_ROUTE = 6
HOMES = 48
METERS = 48

SHOWN_WELLS = 4
SHOWN_BOXES = 2
SHOWN_DOORS = 8
"""The crew whose tablet the demo shows has a small round of its own, beside its orders."""

WEEK_S = 7 * 86_400


_ROUTES = (
    *((crew_id, WELLS_PER_ROUTE, BOXES_PER_ROUTE) for crew_id in PATROL_CREWS),
    (SHOWN_CREW, SHOWN_WELLS, SHOWN_BOXES),
)
"""Crew, wells and boxes of each route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspections:
    """Everything that inspectors are given."""

    checkpoints: Sequence[Inspected[Checkpoint]]
    plans: Sequence[Inspected[PatrolPlan]]
    homes: Sequence[Inspected[Household]]
    meters: Sequence[Inspected[RoundMeter]]


def plan_inspections(town: Town, start_utc: datetime) -> Inspections:
    """Return what the town's inspectors are given on the day the demo starts."""
    checkpoints: list[Inspected[Checkpoint]] = []
    plans: list[Inspected[PatrolPlan]] = []
    medium = [well for well in town.valve_wells if well.level is PressureLevel.MEDIUM]
    walked, passed = 0, 0
    for number, (crew_id, well_count, box_count) in enumerate(_ROUTES):
        wells = medium[walked : walked + well_count]
        boxes = town.regulators[passed : passed + box_count]
        walked, passed = walked + well_count, passed + box_count
        stops = [*map(_well, wells), *(_box(box.asset_id, box.place) for box in boxes)]
        checkpoints += [
            Inspected(entity_id=stop_id, crew_id=crew_id, thing=stop) for stop_id, stop in stops
        ]
        plan = PatrolPlan(
            name=BilingualText(en=f"Route {number + 1}", zh=f"{number + 1} 号巡线"),
            crew_id=crew_id,
            stops=tuple(stop_id for stop_id, _ in stops),
            interval_s=WEEK_S,
            due_at_utc=start_utc + timedelta(hours=6),
            last_done_at_utc=start_utc - timedelta(days=7),
        )
        plans.append(Inspected(entity_id=f"route-{number + 1}", crew_id=crew_id, thing=plan))
    doors = iter(town.households)
    homes = [_home(town, home, HOME_CREW) for home in islice(doors, HOMES)]
    meters = [_meter(home, start_utc, HOME_CREW) for home in islice(doors, METERS)]
    homes += [_home(town, home, SHOWN_CREW) for home in islice(doors, SHOWN_DOORS)]
    meters += [_meter(home, start_utc, SHOWN_CREW) for home in islice(doors, SHOWN_DOORS)]
    return Inspections(checkpoints=checkpoints, plans=plans, homes=homes, meters=meters)


def _number(asset_id: str) -> str:
    """Return kind, block and number as they stand on the cover: no two stops are called alike."""
    _, kind, block, number = asset_id.split("-")
    return f"{kind.upper()}{block}-{number}"


def _well(well: ValveWell) -> tuple[str, Checkpoint]:
    number = _number(well.asset_id)
    return well.asset_id, _checkpoint(
        well.place,
        CheckpointKind.VALVE_WELL,
        BilingualText(en=f"Valve well {number}", zh=f"阀门井 {number}"),
        (
            ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0),
            ValueLimit(measure=Measure.WELL_WATER_CM, high=20.0),
        ),
    )


def _box(asset_id: str, place: Place) -> tuple[str, Checkpoint]:
    number = _number(asset_id)
    return asset_id, _checkpoint(
        place,
        CheckpointKind.REGULATOR_BOX,
        BilingualText(en=f"Regulator box {number}", zh=f"调压箱 {number}"),
        (
            ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0),
            ValueLimit(measure=Measure.INLET_PRESSURE_KPAG, low=100.0, high=400.0),
            ValueLimit(measure=Measure.OUTLET_PRESSURE_KPAG, low=2.0, high=3.0),
        ),
    )


def _checkpoint(
    place: Place, kind: CheckpointKind, name: BilingualText, limits: Sequence[ValueLimit]
) -> Checkpoint:
    latitude_deg, longitude_deg = ORIGIN.to_earth(place.x_m, north_m(place.y_m))
    return Checkpoint(
        kind=kind,
        medium=Medium.GAS,
        name=name,
        address=place.address,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        tag=name.en.rsplit(" ", 1)[-1],
        limits=limits,
    )


def _home(town: Town, home: Home, crew_id: str) -> Inspected[Household]:
    building, room = _door(home.address)
    household = Household(
        community=town.communities[home.community_no - 1].name,
        building=building,
        room=room,
        address=home.address,
        meter_id=home.meter_id,
        device_serial=home.serial,
        state=HouseholdState.DUE,
    )
    return Inspected(entity_id=home.household_id, crew_id=crew_id, thing=household)


_HOME_FLOW_M3H = 2.5
"""A G2.5, as kitchens have it (EN 1359)."""


def _meter(home: Home, start_utc: datetime, crew_id: str) -> Inspected[RoundMeter]:
    building, place = _door(home.address)
    first = 100.0 + int(home.serial[-3:])
    readings = tuple(
        PastReading(at_utc=start_utc - timedelta(days=30 * (3 - n)), value=first + 18.0 * n)
        for n in range(3)
    )
    meter = RoundMeter(
        building=building,
        place=place,
        address=home.address,
        device_serial=home.serial,
        medium=Medium.GAS,
        unit="m³",
        digits=5,
        decimals=3,
        readings=readings,
        permanent_flow_m3h=_HOME_FLOW_M3H,
    )
    return Inspected(entity_id=home.meter_id, crew_id=crew_id, thing=meter)


def _door(address: str) -> tuple[str, str]:
    """Return building and door of an address such as `...12号楼3单元902室`."""
    rest = address.removeprefix(TOWN_NAME)
    numbers = "".join(sign if sign.isdecimal() else " " for sign in rest).split()
    return (numbers[-3], f"{numbers[-2]}-{numbers[-1]}") if len(numbers) >= 3 else ("", rest)  # noqa: PLR2004 - building, unit, door
