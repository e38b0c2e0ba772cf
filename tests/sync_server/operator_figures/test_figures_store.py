"""What of alerts and hand-overs goes into the operator figures, in both databases."""

from datetime import timedelta

from sqlalchemy import Engine, insert, update

from sync_server.db.alert_tables import ALERT
from sync_server.db.shift_tables import SHIFT_HANDOVER
from sync_server.operator_figures.figures import Watch, stale
from sync_server.operator_figures.figures_store import (
    DESK,
    LONGEST_WATCH,
    acknowledged_by,
    alerts_raised,
    alerts_standing,
    watched_meters,
    watches,
)
from sync_server.shifts.shift import Desk
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import SPOTS, seed_desk
from wire_contracts.alert_states import Visibility
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_alerts_that_never_were_or_were_not_listed_count_nowhere(engine: Engine) -> None:
    ids = seed_desk(engine, NOON)
    with engine.begin() as connection:
        chosen: list[tuple[str, dict[str, int | str]]] = [(ids["GC-0041"], {"retracted_at_ms": 1})]
        chosen.append((ids["DMA-03"], {"visibility": str(Visibility.SUPPRESSED_BY_DESIGN)}))
        for alert_id, values in chosen:
            connection.execute(update(ALERT).where(ALERT.c.alert_id == alert_id).values(values))
        found = alerts_raised(connection, NOON - 3 * DAY, NOON + HOUR)
        standing = alerts_standing(connection)
        acknowledged = acknowledged_by(connection, NOON - HOUR, NOON + HOUR)
        meters = watched_meters(connection)

    assert {each.meter_id for each in found} == {s.meter_id for s in SPOTS} - {"GC-0041", "DMA-03"}
    returned = next(each for each in found if each.meter_id == "WM-201733")
    assert returned.over_at_utc == NOON
    assert "WM-201733" not in {each.meter_id for each in standing}
    assert {each.meter_id for each in stale(standing, NOON)} == {
        "WM-204418",
        "WM-209001",
        "WM-209002",
    }
    assert list(acknowledged.values()) == [2]
    assert meters[Medium.WATER] == 6


def test_a_watch_lasts_until_the_next_one_or_until_nobody_can_still_hold_it(
    engine: Engine,
) -> None:
    taken = [("a", -30 * HOUR), ("b", -4 * HOUR), ("c", -1 * HOUR)]
    with engine.begin() as connection:
        connection.execute(
            insert(SHIFT_HANDOVER),
            [
                {
                    "desk": DESK,
                    "from_actor": "x",
                    "offered_at_ms": 1,
                    "note": "",
                    "snapshot": "[]",
                    "to_actor": who,
                    "taken_at_ms": ms_from_utc(NOON + after),
                }
                for who, after in taken
            ],
        )
        found = watches(connection, NOON - 20 * HOUR, NOON)

    assert DESK == Desk.CONTROL_ROOM
    assert found == [
        Watch(account_id="a", from_utc=NOON - 20 * HOUR, to_utc=NOON - 30 * HOUR + LONGEST_WATCH),
        Watch(account_id="b", from_utc=NOON - 4 * HOUR, to_utc=NOON - HOUR),
        Watch(account_id="c", from_utc=NOON - HOUR, to_utc=NOON),
    ]
