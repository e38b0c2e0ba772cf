"""From readings to the month's list, its sheet and paper, its orders and what crews found."""

from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, update

from sync_server.assets.assets import MeterClass
from sync_server.db.order_tables import WORK_ORDER
from sync_server.readings.reading_store import ReadingStore
from sync_server.sheets.paper_io import write_paper
from sync_server.sheets.sheet_io import write_sheet
from sync_server.sheets.table import TextTable
from sync_server.suspects.month_store import load_months, month_bounds
from sync_server.suspects.suspect_store import get_list, list_months, make_list, order_checks
from sync_server.work_orders.order import RULE_ACTOR
from tests.sync_server.town_parts import batch, found_town, frame, new_meter
from wire_contracts.frames import Frame, utc_from_ms
from wire_contracts.kinds import FindingResult
from wire_contracts.quantities import Medium, Quantity

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = "2026-10"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
STEADY, STILL, WILD = "M-1", "M-2", "M-3"


@pytest.fixture
def town(engine: Engine) -> Engine:
    """Three gas homes read on the first of each month; one stands still, one uses threefold."""
    homes = [new_meter(name, Medium.GAS, MeterClass.HOUSEHOLD) for name in (STEADY, STILL, WILD)]
    bounds = month_bounds(MONTH, ZONE, 6)
    last: Mapping[str, float] = {STEADY: 10.0, STILL: 0.0, WILD: 30.0}
    frames: list[Frame] = []
    for number, bound in enumerate(reversed(bounds)):
        for name, used in last.items():
            total = 100.0 + 10.0 * number
            if bound == bounds[0]:
                total = 100.0 + 10.0 * (number - 1) + used
            values = {Quantity.VOLUME_ACTUAL_M3: total}
            device = name.replace("M-", "D-")
            frames.append(frame(len(frames) + 1, utc_from_ms(bound), values, device=device))
    with engine.begin() as connection:
        found_town(connection, homes)
        ReadingStore().store_batches(connection, [batch(*frames)], NOW)
    return engine


def test_a_month_is_what_was_read_between_its_firsts(town: Engine) -> None:
    with town.connect() as connection:
        months = {each.meter_id: each for each in load_months(connection, MONTH, ZONE)}

    assert [months[name].used_m3 for name in (STEADY, STILL, WILD)] == [10.0, 0.0, 30.0]
    assert list(months[STEADY].before_m3[:5]) == [10.0] * 5
    assert months[STEADY].before_m3[5] is None


def test_the_list_names_those_that_changed_and_may_be_made_again(town: Engine) -> None:
    for _ in range(2):
        with town.begin() as connection:
            make_list(connection, MONTH, ZONE, "anna", NOW)

    with town.connect() as connection:
        found = get_list(connection, MONTH)
        months = list_months(connection)

    assert found is not None
    assert [line.suspect.meter_id for line in found.lines] == [STILL, WILD]
    assert (months, found.meter_count, found.made_by) == ([MONTH], 3, "anna")


def test_a_line_becomes_one_order_and_shows_what_the_crew_found(town: Engine) -> None:
    with town.begin() as connection:
        make_list(connection, MONTH, ZONE, "anna", NOW)
        made = [order_checks(connection, MONTH, {STILL, STEADY}, RULE_ACTOR, NOW) for _ in range(2)]
        make_list(connection, MONTH, ZONE, "anna", NOW)
        before = get_list(connection, MONTH)
        connection.execute(update(WORK_ORDER).values(result=str(FindingResult.INACCURATE)))
        after = get_list(connection, MONTH)

    assert made == [1, 0]
    assert before is not None
    assert after is not None
    assert [line.check and line.check.result for line in before.lines] == [None, None]
    assert after.lines[0].check is not None
    assert after.lines[0].check.result is FindingResult.INACCURATE


def _table(text: str) -> TextTable:
    return TextTable(
        sheet=MONTH,
        title="可疑表清单 2026-10",
        subtitle="2 / 3",
        heading=["No.", "Meter"],
        lines=[[1, text], [2, None]],
        footer="Lamplighter",
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_the_sheet_is_a_formula(text: str) -> None:
    sheet = load_workbook(BytesIO(write_sheet(_table(text)))).worksheets[0]

    assert sheet.cell(4, 2).value == f"'{text}"
    assert sheet.cell(4, 2).data_type == "s"
    assert sheet.cell(4, 1).value == 1


def test_the_paper_is_a_pdf_with_its_own_font() -> None:
    first, second = write_paper(_table("瑞景小区")), write_paper(_table("瑞景小区"))

    assert first.startswith(b"%PDF-")
    assert b"LamplighterSans" in first
    assert first == second
