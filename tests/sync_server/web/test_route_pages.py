"""A route is planned over the pages."""

from sqlalchemy import Engine

from sync_server.patrols.inspection_store import CHECKPOINTS, Inspected, put
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_people import Enter
from wire_contracts.patrols import Checkpoint, CheckpointKind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText


def test_a_route_is_planned_over_the_pages(enter: Enter, sqlite_engine: Engine) -> None:
    boss, agent = enter("boss"), enter("liu")
    place = Checkpoint(
        kind=CheckpointKind.VALVE_WELL,
        medium=Medium.GAS,
        name=BilingualText(en="Well 7", zh="7 号井"),
        address="Binhe Rd",
        latitude_deg=38.0,
        longitude_deg=114.5,
    )
    with sqlite_engine.begin() as connection:
        put(
            connection,
            CHECKPOINTS,
            [Inspected(entity_id="well-7", crew_id="crew-3", thing=place)],
            NOON,
        )
    route = {"name_zh": "北线", "crew_id": "crew-3", "days": "7", "due": "2026-12-01 08:00"}

    made = boss.client.post("/rounds/routes", data=route)
    path = made.headers["location"]
    offered = boss.client.get(path).text
    added = boss.client.post(f"{path}/stops", data={"change": "add", "stop": "well-7"})
    twice = boss.client.post(f"{path}/stops", data={"change": "add", "stop": "well-7"})
    changed = boss.client.post(path, data={**route, "due": "soon"})
    listed = boss.client.get("/rounds").text
    forbidden = agent.client.post("/rounds/routes", data=route)

    assert [each.status_code for each in (made, added, twice, changed, forbidden)] == [
        303,
        303,
        409,
        409,
        403,
    ]
    assert "Well 7" in offered
    assert "is on the route already" in twice.text
    assert f'href="{path}"' in listed
