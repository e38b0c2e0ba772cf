"""The evidence chart numbers what happened, and says in the list what it cannot draw."""

import json
import re
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

from httpx import Client
from sqlalchemy import Engine

from sync_server.alerts.alert_list_store import get_alert
from sync_server.db.engine_io import reading
from sync_server.web.chart import chart_json, numbered
from sync_server.work_orders.order_rows_store import find_order
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import PASSWORD, SPOTS, Served, evidence_for

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


def test_the_chart_of_an_order_is_flagged_like_the_one_of_its_alert(
    desk: Served, alert_ids: dict[str, str], sqlite_engine: Engine
) -> None:
    alert_id = alert_ids["DMA-03"]
    with reading(sqlite_engine) as connection:
        order = find_order(connection, str(get_alert(connection, alert_id).work_order_id))
    assert order is not None
    with Client(base_url=desk.base_url, headers={"Origin": desk.base_url}) as operator:
        operator.post("/login", data={"login": "zhou min", "password": PASSWORD})
        page = operator.get(f"/orders/{order.order_id}").text

    listed = re.findall(r'class="flagno">(\d+)</b> ([^<]+) <span', page)
    drawn = json.loads(unescape(page.split('data-chart="')[1].split('"')[0]))["flags"]
    assert [words for _, words in listed] == ["Alert raised", "Sent to a crew"]
    assert [number for number, _ in drawn] == [2, 3]
