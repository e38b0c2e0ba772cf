"""The evidence chart numbers what happened, and says in the list what it cannot draw."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

from sync_server.web.chart import chart_json, numbered
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import SPOTS, evidence_for

EVIDENCE = evidence_for(SPOTS[0], NOON)
DAY = timedelta(days=1)


def test_what_happened_is_numbered_in_its_order_behind_the_rules_own_flag() -> None:
    flags = numbered(EVIDENCE, [(NOON, "12:00", "acknowledged"), (NOON - DAY, "", "raised")], NOON)

    assert [(each.number, each.words, each.is_drawn) for each in flags] == [
        (2, "raised", True),
        (3, "acknowledged", True),
    ]


def test_what_was_before_the_chart_is_left_out_and_what_came_long_after_is_only_listed() -> None:
    flags = numbered(EVIDENCE, [(NOON - 30 * DAY, "", "made"), (NOON + 5 * DAY, "", "sent")], NOON)

    assert [(each.words, each.is_drawn) for each in flags] == [("sent", False)]


def test_a_step_after_the_last_reading_widens_the_chart_without_a_value() -> None:
    later = NOON + timedelta(hours=3)
    drawn = json.loads(
        chart_json(
            EVIDENCE, ZoneInfo("Asia/Shanghai"), numbered(EVIDENCE, [(later, "", "x")], NOON)
        )
    )

    assert drawn["flags"] == [[2, later.timestamp()]]
    assert (drawn["t"][-1], drawn["y"][-1]) == (later.timestamp(), None)
