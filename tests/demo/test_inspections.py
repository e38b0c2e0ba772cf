"""What the town's inspectors are given."""

from datetime import UTC, datetime

from demo.accounts import CREW_LOGIN
from demo.inspecting import point_found
from demo.inspections import HOMES, SHOWN_DOORS, plan_inspections
from demo.seed_plan_io import load_town
from demo.tablet_crews import HOME_CREW, PATROL_CREWS, SHOWN_CREW
from sync_server.patrols.inspection_store import HOUSEHOLDS
from wire_contracts.patrol_facts import PointOutcome, WellEntry
from wire_contracts.patrols import CheckpointKind

START_UTC = datetime(2026, 11, 16, 0, 0, tzinfo=UTC)


def test_every_stop_of_a_route_is_a_checkpoint_of_its_crew() -> None:
    found = plan_inspections(load_town(), START_UTC)
    crew_of = {each.entity_id: each.crew_id for each in found.checkpoints}

    assert {plan.crew_id for plan in found.plans} == {*PATROL_CREWS, SHOWN_CREW}
    for plan in found.plans:
        assert {crew_of[stop] for stop in plan.thing.stops} == {plan.crew_id}
    assert len({each.thing.name.zh for each in found.checkpoints}) == len(found.checkpoints)
    kinds = {each.thing.kind for each in found.checkpoints}
    assert kinds == {CheckpointKind.VALVE_WELL, CheckpointKind.REGULATOR_BOX}


def test_the_crew_that_is_shown_has_a_round_of_its_own() -> None:
    town = load_town()
    found = plan_inspections(town, START_UTC)
    shown = next(member.crew_id for member in town.staff if member.login == CREW_LOGIN)

    assert shown == SHOWN_CREW
    crews = (
        {each.crew_id for each in found.plans},
        {each.crew_id for each in found.checkpoints},
        {each.crew_id for each in found.homes},
        {each.crew_id for each in found.meters},
    )
    assert all(SHOWN_CREW in each for each in crews)
    assert len({each.entity_id for each in found.checkpoints}) == len(found.checkpoints)
    assert len({each.entity_id for each in found.homes}) == len(found.homes), "one crew each"


def test_homes_stand_on_the_list_by_building_and_without_a_name() -> None:
    town = load_town()
    found = plan_inspections(town, START_UTC)

    assert len(found.homes) == HOMES + SHOWN_DOORS
    assert {home.crew_id for home in found.homes} == {HOME_CREW, SHOWN_CREW}
    assert all(home.thing.building and "-" in home.thing.room for home in found.homes)
    names = {home.customer_name for home in town.households}
    written = "".join(str(HOUSEHOLDS.dump(home.thing)) for home in found.homes)
    assert not any(name in written for name in names)


def test_an_inspector_says_of_every_well_that_was_looked_at_whether_anybody_went_in() -> None:
    found = plan_inspections(load_town(), START_UTC)
    seen = [
        (each.thing.kind, point_found("run", number, each.entity_id, each.thing))
        for number, each in enumerate(found.checkpoints[:12])
    ]
    left_out = [point for _, point in seen if point.outcome is PointOutcome.NOT_REACHABLE]

    assert [each.entry for each in left_out] == [None]
    for kind, point in seen:
        is_asked = kind is CheckpointKind.VALVE_WELL and point not in left_out
        assert (point.entry is WellEntry.STAYED_OUTSIDE) is is_asked
