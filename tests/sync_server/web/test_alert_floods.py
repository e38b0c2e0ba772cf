"""Many alerts of one kind from one place are one row; nothing is lost by folding."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_server.web.alert_floods import FLOOD_FROM, Cause, cause_of, flood_key, fold_floods
from sync_server.web.alert_views import AlertLine
from tests.sync_server.real_parts import NOON
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.quantities import Medium


def line(
    number: int, kind: str = "comm_gap", place: str = "Binhe", minutes: float = 0
) -> AlertLine:
    return AlertLine(
        alert_id=f"a-{number:03d}",
        meter_id=f"WM-{number}",
        medium=Medium.WATER,
        kind=kind,
        rule=kind,
        condition=Condition.UNACKNOWLEDGED,
        visibility=Visibility.SHOWN,
        priority=3,
        raised_at_utc=NOON + timedelta(minutes=minutes),
        shelved_until_utc=None,
        shelved_by=None,
        shelve_reason=None,
        work_order_id=None,
        address="",
        place_en=place,
        place_zh=place,
    )


def test_a_flood_is_one_row_that_says_how_many_follow() -> None:
    flood = [line(number, minutes=number) for number in range(FLOOD_FROM + 2)]
    other = line(90, kind="burst")

    folded = fold_floods([*flood, other], "")
    opened = fold_floods([*flood, other], flood_key(flood[0]))

    assert [each.alert_id for each in folded.lines] == ["a-000", "a-090"]
    assert folded.followers == {"a-000": FLOOD_FROM + 1}
    assert list(opened.lines) == [*flood, other]
    assert opened.followers == folded.followers


def test_few_far_apart_or_without_a_place_are_no_flood() -> None:
    few = [line(number) for number in range(FLOOD_FROM - 1)]
    apart = [line(number, minutes=61 * number) for number in range(FLOOD_FROM)]
    nowhere = [replace(line(number), place_en="") for number in range(FLOOD_FROM)]

    assert [fold_floods(each, "").followers for each in (few, apart, nowhere)] == [{}, {}, {}]


@given(
    st.lists(
        st.tuples(st.sampled_from(("burst", "stuck")), st.sampled_from("AB"), st.integers(0, 600)),
        max_size=40,
    )
)
def test_every_alert_is_a_row_or_follows_one(made: list[tuple[str, str, int]]) -> None:
    lines = [line(index, kind, place, at) for index, (kind, place, at) in enumerate(made)]
    folded = fold_floods(lines, "")

    assert len(folded.lines) + sum(folded.followers.values()) == len(lines)
    assert [each for each in lines if each in folded.lines] == list(folded.lines)


def test_silence_has_its_gateway_as_cause_and_a_leak_the_station_it_lies_behind() -> None:
    silent = [
        replace(line(number, place=f"place {number}"), gateway_id="gw-07", station_id="WD-01")
        for number in range(FLOOD_FROM)
    ]
    leaks = [replace(each, alert_id=f"b-{each.alert_id}", kind="slow_leak") for each in silent]
    alone = [replace(each, gateway_id="", station_id="", place_en="") for each in silent]

    folded = fold_floods([*silent, *leaks], "")

    assert [cause_of(each) for each in (silent[0], leaks[0])] == [
        (Cause.GATEWAY, "gw-07"),
        (Cause.STATION, "WD-01"),
    ]
    assert [each.alert_id for each in folded.lines] == ["a-000", "b-a-000"]
    assert list(fold_floods(alone, "").lines) == alone
