"""The town as planned from a seed: what stands where, who lives there, who works there."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from demo.chance import key_of
from demo.names import community_name, person_name
from demo.seed_plan import CommunityPlan, SeedPlan
from demo.staff import Crew, StaffMember, plan_crews, plan_staff
from demo.town_meters import GATEWAY_COUNT, GatewayId, Meter, MeterId, gateway_id, plan_meters
from demo.town_places import (
    Place,
    community_place,
    cumulative_places,
    place_at,
    place_in_block,
    place_on_street,
)

REMOTE_READ_COMMUNITY = 1
REMOTE_READ_COUNT = 50
"""The one building whose gas meters report daily by radio (R27)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """How the homes of one building are numbered: units x floors x doors."""

    number: int
    units: int
    floors: int
    doors: int


_BLOCK = Building(number=0, units=4, floors=6, doors=2)
_TOWERS = (
    Building(number=1, units=1, floors=25, doors=2),
    Building(number=2, units=4, floors=6, doors=2),
    Building(number=3, units=1, floors=23, doors=2),
)
"""144 homes: three blocks of 48, or in the community with the radio building 50 + 48 + 46."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """One home with its gas meter, paid by IC card."""

    household_id: str
    meter_id: MeterId
    serial: str
    community_no: int
    customer_name: str
    address: str
    is_remote_read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """One residential community."""

    community_id: str
    number: int
    name: str
    place: Place
    household_count: int
    courtyard_pipe_m: int


class RegulatorKind(StrEnum):
    """How large a regulator box is."""

    BUILDING = "building"
    CABINET = "cabinet"


class PressureLevel(StrEnum):
    """The pressure level of a gas pipe or of its valve well."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegulatorBox:
    """A box that lowers the gas pressure for a building or a community."""

    asset_id: str
    kind: RegulatorKind
    community_no: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveWell:
    """A well with a valve of the gas network."""

    asset_id: str
    level: PressureLevel
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeSection:
    """One section of pipe; LOW is the courtyard pipe of one community."""

    asset_id: str
    level: PressureLevel
    length_m: int
    start: Place
    end: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayBox:
    """Where an edge gateway hangs."""

    gateway_id: GatewayId
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Everything that does not change while the town runs."""

    seed: int
    communities: Sequence[Community]
    households: Sequence[Household]
    regulators: Sequence[RegulatorBox]
    valve_wells: Sequence[ValveWell]
    pipes: Sequence[PipeSection]
    gateways: Sequence[GatewayBox]
    meters: Sequence[Meter]
    staff: Sequence[StaffMember]
    crews: Sequence[Crew]

    def meter(self, meter_id: str) -> Meter:
        """Return a remotely read meter by its number; raise KeyError when there is none."""
        for meter in self.meters:
            if meter.meter_id == meter_id:
                return meter
        raise KeyError(meter_id)

    def meters_of(self, gateway: str) -> list[Meter]:
        """Return the meters behind a gateway, by device address."""
        return [meter for meter in self.meters if meter.gateway_id == gateway]

    def remote_households(self) -> list[Household]:
        """Return the homes of the building that is read daily."""
        return [home for home in self.households if home.is_remote_read]


def plan_town(seed: int, plan: SeedPlan) -> Town:
    """Return the town of a plan; the same seed and plan always give the same town."""
    meters = plan_meters(seed, plan.public_welfare_users, plan.industrial_users)
    return Town(
        seed=seed,
        communities=[_community(one) for one in plan.communities],
        households=[home for one in plan.communities for home in _households(seed, one)],
        regulators=[box for one in plan.communities for box in _regulators(seed, one)],
        valve_wells=_valve_wells(seed, plan),
        pipes=_pipes(plan),
        gateways=[_gateway_box(number, meters) for number in range(1, GATEWAY_COUNT + 1)],
        meters=meters,
        staff=plan_staff(seed, plan.staff),
        crews=plan_crews(),
    )


def _community(plan: CommunityPlan) -> Community:
    return Community(
        community_id=f"community-{plan.number:02d}",
        number=plan.number,
        name=community_name(plan.number),
        place=community_place(plan.number),
        household_count=plan.households,
        courtyard_pipe_m=plan.courtyard_m,
    )


def _buildings(plan: CommunityPlan) -> Sequence[Building]:
    if plan.number == REMOTE_READ_COMMUNITY:
        return _TOWERS
    per_building = _BLOCK.units * _BLOCK.floors * _BLOCK.doors
    return [
        Building(number=number, units=_BLOCK.units, floors=_BLOCK.floors, doors=_BLOCK.doors)
        for number in range(1, plan.households // per_building + 1)
    ]


def _households(seed: int, plan: CommunityPlan) -> list[Household]:
    draw = Random(key_of(seed, "households", plan.number))
    gate = community_place(plan.number).address + community_name(plan.number)
    homes: list[Household] = []
    for building in _buildings(plan):
        for unit, floor, door in _doors(building):
            serial_number = (plan.number - 1) * plan.households + len(homes) + 1
            homes.append(
                Household(
                    household_id=f"home-{serial_number:05d}",
                    meter_id=MeterId(f"IC-{serial_number:05d}"),
                    serial=f"IC{seed % 1000:03d}{serial_number:05d}",
                    community_no=plan.number,
                    customer_name=person_name(draw.randrange(10**9)),
                    address=f"{gate}{building.number}号楼{unit}单元{floor}{door:02d}室",
                    is_remote_read=(
                        plan.number == REMOTE_READ_COMMUNITY and len(homes) < REMOTE_READ_COUNT
                    ),
                )
            )
    return homes


def _doors(building: Building) -> list[tuple[int, int, int]]:
    return [
        (unit, floor, door)
        for unit in range(1, building.units + 1)
        for floor in range(1, building.floors + 1)
        for door in range(1, building.doors + 1)
    ]


def _regulators(seed: int, plan: CommunityPlan) -> list[RegulatorBox]:
    draw = Random(key_of(seed, "regulators", plan.number))
    kinds = [RegulatorKind.BUILDING] * plan.building_regulators
    kinds += [RegulatorKind.CABINET] * plan.cabinet_regulators
    return [
        RegulatorBox(
            asset_id=f"reg-{kind[0]}-{plan.number:02d}-{index}",
            kind=kind,
            community_no=plan.number,
            place=place_in_block(plan.number, draw),
        )
        for index, kind in enumerate(kinds, start=1)
    ]


def _valve_wells(seed: int, plan: SeedPlan) -> list[ValveWell]:
    wells = [
        ValveWell(
            asset_id=f"well-h-{index:02d}", level=PressureLevel.HIGH, place=place_at(0.0, 40.0)
        )
        for index in range(1, plan.hp_valve_wells + 1)
    ]
    for community in plan.communities:
        draw = Random(key_of(seed, "wells", community.number))
        levels = [PressureLevel.MEDIUM] * community.mp_valve_wells
        levels += [PressureLevel.LOW] * community.lp_valve_wells
        for index, level in enumerate(levels, start=1):
            is_street = level is PressureLevel.MEDIUM
            where = place_on_street if is_street else place_in_block
            asset_id = f"well-{level[0]}-{community.number:02d}-{index}"
            place = where(community.number, draw)
            wells.append(ValveWell(asset_id=asset_id, level=level, place=place))
    return wells


def _pipes(plan: SeedPlan) -> list[PipeSection]:
    pipes = _laid("pipe-h", PressureLevel.HIGH, plan.hp_sections_m)
    pipes += _laid("pipe-m", PressureLevel.MEDIUM, plan.mp_sections_m)
    for community in plan.communities:
        gate = community_place(community.number)
        pipes.append(
            PipeSection(
                asset_id=f"pipe-c-{community.number:02d}",
                level=PressureLevel.LOW,
                length_m=community.courtyard_m,
                start=gate,
                end=place_at(gate.x_m + 300.0, gate.y_m + 100.0),
            )
        )
    return pipes


def _laid(prefix: str, level: PressureLevel, lengths_m: Sequence[int]) -> list[PipeSection]:
    ends = cumulative_places(lengths_m)
    return [
        PipeSection(
            asset_id=f"{prefix}-{index + 1:03d}",
            level=level,
            length_m=length_m,
            start=ends[index],
            end=ends[index + 1],
        )
        for index, length_m in enumerate(lengths_m)
    ]


def _gateway_box(number: int, meters: Sequence[Meter]) -> GatewayBox:
    name = gateway_id(number)
    first = next(meter for meter in meters if meter.gateway_id == name)
    return GatewayBox(gateway_id=name, place=place_at(first.place.x_m, first.place.y_m))
