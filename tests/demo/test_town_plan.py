"""The plan: every total, unique numbers, one seed one town."""

from collections import Counter

from demo.accounts import plan_accounts
from demo.areas import AREAS, CREW_AREAS, area_of_block
from demo.names import community_name
from demo.seed_plan_io import load_seed_plan, load_town
from demo.staff import StaffRole
from demo.town import PressureLevel, RegulatorKind, Town
from demo.town_meters import GAS_PROFILES, HEAT_PROFILES, WATER_PROFILE, MeterClass
from demo.town_places import BLOCK_HEIGHT_M, BLOCK_WIDTH_M, COLUMNS, ROWS
from firmware_profiles.library_io import available_profiles
from sync_server.access.roles import Role
from wire_contracts.quantities import Medium


def test_the_town_has_every_total_of_its_plan(town: Town) -> None:
    boxes = Counter(box.kind for box in town.regulators)
    wells = Counter(well.level for well in town.valve_wells)
    lengths_m = Counter[PressureLevel]()
    for pipe in town.pipes:
        lengths_m[pipe.level] += pipe.length_m

    assert len(town.communities) == 72
    assert len(town.households) == 10_368
    assert boxes == {RegulatorKind.BUILDING: 215, RegulatorKind.CABINET: 53}
    assert wells == {PressureLevel.HIGH: 1, PressureLevel.MEDIUM: 387, PressureLevel.LOW: 11}
    assert lengths_m == {
        PressureLevel.HIGH: 5_600,
        PressureLevel.MEDIUM: 58_000,
        PressureLevel.LOW: 98_000,
    }
    assert len(town.staff) == 19
    assert len(town.gateways) == 20


def test_the_remotely_read_meters_are_those_of_the_gas_heat_and_water_company(town: Town) -> None:
    classes = Counter(meter.meter_class for meter in town.meters)

    assert classes == {
        MeterClass.PUBLIC_WELFARE: 55,
        MeterClass.INDUSTRIAL: 22,
        MeterClass.SUBSTATION: 12,
        MeterClass.MAKEUP: 1,
        MeterClass.DMA: 1,
        MeterClass.CONSUMER: 40,
    }


def test_the_commercial_gas_meters_are_of_five_makes_behind_all_gateways(town: Town) -> None:
    gas = [meter for meter in town.meters if meter.medium is Medium.GAS]
    makes = Counter(meter.profile for meter in gas)

    assert set(makes) == set(GAS_PROFILES)
    assert min(makes.values()) >= 15
    assert {meter.gateway_id for meter in gas} == {box.gateway_id for box in town.gateways}


def test_every_profile_of_the_town_is_in_the_library() -> None:
    assert {*GAS_PROFILES, *HEAT_PROFILES, WATER_PROFILE} <= set(available_profiles())


def test_numbers_serials_and_device_addresses_are_unique(town: Town) -> None:
    meter_ids = [*(one.meter_id for one in town.meters), *(one.meter_id for one in town.households)]
    serials = [*(one.serial for one in town.meters), *(one.serial for one in town.households)]
    units = [(meter.gateway_id, meter.device_address) for meter in town.meters]
    assets = [
        *(box.asset_id for box in town.regulators),
        *(well.asset_id for well in town.valve_wells),
        *(pipe.asset_id for pipe in town.pipes),
    ]

    assert len(set(meter_ids)) == 131 + 10_368
    assert len(set(serials)) == 131 + 10_368
    assert len(set(units)) == len(units)
    assert all(1 <= address <= 247 for _, address in units)
    assert len(set(assets)) == len(assets)
    assert len({home.address for home in town.households}) == 10_368
    assert len({community_name(number) for number in range(1, 73)}) == 72


def test_one_building_of_50_homes_is_read_by_radio(town: Town) -> None:
    radio = town.remote_households()

    assert len(radio) == 50
    assert {home.address.split("号楼")[0] for home in radio} == {radio[0].address.split("号楼")[0]}


def test_everything_stands_inside_the_street_grid(town: Town) -> None:
    places = [
        *(meter.place for meter in town.meters),
        *(well.place for well in town.valve_wells),
        *(box.place for box in town.regulators),
        *(community.place for community in town.communities),
    ]

    assert all(0 <= place.x_m <= COLUMNS * BLOCK_WIDTH_M for place in places)
    assert all(0 <= place.y_m <= ROWS * BLOCK_HEIGHT_M for place in places)
    assert all(place.address.startswith("明川市") for place in places)


def test_one_seed_gives_one_town_and_another_seed_another(town: Town) -> None:
    again = load_town(town.seed)
    other = load_town(town.seed + 1)

    assert again == town
    assert [meter.serial for meter in other.meters] != [meter.serial for meter in town.meters]


def test_the_plan_of_staff_is_kept_and_every_field_worker_is_in_a_crew(town: Town) -> None:
    roles = Counter(member.role for member in town.staff)
    in_crews = Counter(member.crew_id for member in town.staff if member.crew_id)

    assert roles == load_seed_plan().staff
    assert in_crews == {crew.crew_id: crew.size for crew in town.crews}
    assert {member.role for member in town.staff if member.crew_id} == {
        StaffRole.REPAIR,
        StaffRole.SAFETY_CHECK,
        StaffRole.PATROL,
    }


def test_accounts_are_one_per_person_with_one_administrator(town: Town) -> None:
    accounts = plan_accounts(town)
    roles = Counter(account.role for account in accounts)

    assert len({account.login for account in accounts}) == 20
    assert roles[Role.ADMINISTRATOR] == 1
    assert roles[Role.CONTROL_ROOM] == 1
    assert roles[Role.TEAM_LEADER] == 2


def test_every_area_has_a_repair_crew(town: Town) -> None:
    areas = {area_of_block(community.number) for community in town.communities}

    assert areas == set(AREAS)
    assert set(CREW_AREAS["crew-repair-1"]) == areas
    assert set(CREW_AREAS) == {crew.crew_id for crew in town.crews}
