"""What a typed line means, which clocks run, which days are worked, what is the same matter."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.customers.address_words import folded
from sync_server.customers.customer import Flag
from sync_server.service_desk.calls import CallEvent, CallState, call_after, call_back_by
from sync_server.service_desk.catalogue import (
    CLASS_OF_CODE,
    COMMITMENTS,
    ORDER_TITLES,
    RULES,
    commitments_for,
    priority_for,
)
from sync_server.service_desk.danger_words import danger_to_ask
from sync_server.service_desk.door_words import plain
from sync_server.service_desk.intake_line import LONGEST_LINE, parse_line
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.working_calendar import WorkingCalendar
from wire_contracts.orders import SafetyClass

_WIDE = "3-2-1102".translate({ord(each): ord(each) + 0xFEE0 for each in "-0123456789"})
SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkingCalendar(
    zone=SHANGHAI,
    exceptions={date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True},
)


@pytest.mark.parametrize(
    ("typed", "found", "search", "words"),
    [
        ("leak 3-2-1102 smell of gas", RequestClass.GAS_LEAK, "3-2-1102", "smell of gas"),
        ("漏气 3-2-1102 厨房有味", RequestClass.GAS_LEAK, "3-2-1102", "厨房有味"),
        ("3-2-1102 家里漏气很严重", RequestClass.GAS_LEAK, "3-2-1102", "家里漏气很严重"),
        ("COLD @binhe 3-1", RequestClass.COLD_ROOM, "binhe 3-1", ""),
        ("no idea what it is", None, "", "no idea what it is"),
        ("热水爆管 @花园", RequestClass.HOT_WATER_BURST, "花园", ""),
        ("", None, "", ""),
        ("@", None, "", "@"),
    ],
)
def test_a_line_is_a_code_a_place_and_the_callers_words(
    typed: str, found: RequestClass | None, search: str, words: str
) -> None:
    line = parse_line(typed)

    assert (line.request_class, line.search, line.words) == (found, search, words)


def test_a_temperature_and_a_meter_are_read_and_stay_in_the_words() -> None:
    line = parse_line("cold 16.5°C at hm-100877")

    assert (line.room_degc, line.meter_id) == (16.5, "hm-100877")
    assert line.words == "16.5°C at hm-100877"


@pytest.mark.parametrize(
    ("typed", "door", "words"),
    [
        ("nogas since 2026-11-23 3-2-1101", "3-2-1101", "since 2026-11-23"),
        ("leak 138-0013-8000 3-2-1101", "3-2-1101", "138-0013-8000"),
        ("nogas call 138-0013-8000", "", "call 138-0013-8000"),
        ("nowater since 8-10 3-2-1102", "3-2-1102", "since 8-10"),
        ("漏气 3-2-1102，厨房", "3-2-1102", "厨房"),
        ("漏气，3-2-1102；厨房、卧室", "3-2-1102", "厨房、卧室"),
        (f"漏气{_WIDE}", "3-2-1102", f"漏气{_WIDE}"),
        ("漏气 3—2—1102", "3-2-1102", ""),
        ("漏气 3栋2单元1102", "3-2-1102", "3栋2单元1102"),
        ("leak at 3-2-1102.", "3-2-1102", "at 3-2-1102."),
        ("leak 12-1-1101", "12-1-1101", ""),
    ],
)
def test_a_date_or_a_telephone_number_is_no_door(typed: str, door: str, words: str) -> None:
    line = parse_line(typed)

    assert (line.door, line.words) == (door, words)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("没气 厨房有燃气味 3-2-1101", RequestClass.GAS_LEAK),
        ("不过气，屋里漏气", RequestClass.GAS_LEAK),
        ("没暖气，怀疑中毒", RequestClass.CARBON_MONOXIDE),
        ("表坏 漏气", RequestClass.GAS_LEAK),
        ("问 厨房漏气怎么办", RequestClass.GAS_LEAK),
        ("暖气漏 楼道热水爆管", RequestClass.HOT_WATER_BURST),
        ("report gas leak 3-2-1102", RequestClass.GAS_LEAK),
        ("meter smells of gas", RequestClass.GAS_LEAK),
        ("open windows smell of gas", RequestClass.GAS_LEAK),
        ("pipe leaks gas", RequestClass.GAS_LEAK),
        ("noheat the co alarm rings", RequestClass.CARBON_MONOXIDE),
        ("co somebody smelled gas", RequestClass.CARBON_MONOXIDE),
        ("burst pipe leaks in the street", RequestClass.WATER_BURST),
        ("nogas since noon", RequestClass.NO_GAS),
    ],
)
def test_a_danger_in_the_words_wins_over_a_harmless_code(typed: str, found: RequestClass) -> None:
    line = parse_line(typed)

    assert line.request_class is found
    assert not danger_to_ask(typed, found)


@pytest.mark.parametrize(
    ("typed", "chosen", "asked"),
    [
        ("nogas odd smell", RequestClass.NO_GAS, "smell"),
        ("meter leaks", RequestClass.METER_FAULT, "leaks"),
        ("没暖气 老人头晕", RequestClass.NO_HEAT, "头晕"),
        ("漏气", RequestClass.HOW_TO, "漏气"),
        ("burst pipe leaks", RequestClass.WATER_BURST, ""),
        ("gas leak", RequestClass.GAS_LEAK, ""),
        ("smell", None, ""),
    ],
)
def test_what_may_be_a_danger_is_asked_in_every_other_class(
    typed: str, chosen: RequestClass | None, asked: str
) -> None:
    assert danger_to_ask(typed, chosen) == asked


_SAID = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "leak",
                "漏气",
                "没气",
                "3-2-1102",
                _WIDE,
                "2026-11-23",
                "@滨河",
                "@",
                "report",
            ]
        ),
        st.text(max_size=8),
    ),
    max_size=8,
)


@given(_SAID, st.sampled_from([" ", "，", "、", ", ", ";"]))
def test_no_line_breaks_the_intake_and_no_word_is_lost(said: list[str], mark: str) -> None:
    """What is in no words stands as a chip: one code, the door, the places."""
    typed = mark.join(said)[:LONGEST_LINE]
    line = parse_line(typed)
    kept = Counter(_pieces(line.words))
    lost = list((Counter(_pieces(typed)) - kept).elements())
    codes = [each for each in lost if plain(each) != line.door and not folded(each).startswith("@")]
    unplaced = Counter(_pieces(typed)) - Counter(_pieces(line.words_with_place))

    assert len(codes) <= 1
    assert all(CLASS_OF_CODE[folded(each)] is line.request_class for each in codes)
    assert all(each[1:] in line.place for each in lost if folded(each).startswith("@"))
    assert sorted(unplaced.elements()) == sorted(codes)


def _pieces(text: str) -> list[str]:
    return [each for each in re.split(r"[\s，。、；,;]+", text) if each]


def test_every_class_can_be_typed_and_every_order_has_a_title() -> None:
    """Rules A-01, B-07, C-01, D-25, E-10: every kind, and promises from the list alone."""
    driven = {each for each, rule in RULES.items() if rule.order_type is not None}
    codes = [code for rule in RULES.values() for code in rule.codes]

    assert set(RULES) == set(RequestClass)
    assert len(codes) == len(CLASS_OF_CODE)
    assert set(ORDER_TITLES) == driven
    assert {code for each in RequestClass for code in commitments_for(each)} <= set(COMMITMENTS)


def test_safety_alone_is_the_first_priority() -> None:
    """Rules A-25, D-11, K10: safety, urgency, vulnerability, time."""
    first = {each for each, rule in RULES.items() if rule.priority == 1}
    helped = priority_for(RequestClass.COLD_ROOM, frozenset({Flag.ELDERLY_ALONE}), is_repeat=True)

    assert first == {each for each, rule in RULES.items() if rule.safety_class is SafetyClass.A}
    assert helped == 2
    assert priority_for(RequestClass.COLD_ROOM, frozenset(), is_repeat=False) == 3
    assert priority_for(RequestClass.GAS_LEAK, frozenset({Flag.VETERAN}), is_repeat=True) == 1


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (datetime(2026, 9, 29, 4, tzinfo=UTC), 1, date(2026, 10, 1)),
        (datetime(2026, 9, 30, 4, tzinfo=UTC), 1, date(2026, 10, 9)),
        (datetime(2026, 9, 30, 4, tzinfo=UTC), 3, date(2026, 10, 11)),
        (datetime(2026, 11, 6, 17, tzinfo=UTC), 1, date(2026, 11, 10)),
    ],
)
def test_working_days_skip_holidays_and_count_weekends_worked_instead(
    start: datetime, days: int, end: date
) -> None:
    """The golden week is free, Saturday the 10th is worked."""
    over = CALENDAR.after_working_days(start, days)

    assert over.astimezone(SHANGHAI) == datetime(end.year, end.month, end.day, tzinfo=SHANGHAI)


@given(
    st.integers(0, 365 * 24 * 60),
    st.integers(1, 30),
)
def test_more_working_days_never_end_earlier(minutes: int, days: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    over = CALENDAR.after_working_days(start, days)

    assert start < over < CALENDAR.after_working_days(start, days + 1)


def test_a_calendar_without_working_days_still_ends() -> None:
    never = {date(2026, 1, 1) + timedelta(days=each): False for each in range(1000)}
    calendar = WorkingCalendar(zone=SHANGHAI, exceptions=never)

    assert calendar.after_working_days(datetime(2026, 1, 1, tzinfo=UTC), 1).year == 2027


@given(st.lists(st.sampled_from(CallEvent), max_size=8))
def test_a_call_moves_forward_only(events: list[CallEvent]) -> None:
    order = [None, CallState.RINGING, CallState.ANSWERED, CallState.MISSED, CallState.ENDED]
    state: CallState | None = None
    for event in events:
        following = call_after(state, event) or state
        assert order.index(following) >= order.index(state)
        state = following


def test_a_call_missed_by_day_is_called_back_sooner() -> None:
    """Rules C-49, C-50 (K2)."""
    limits = {"sla.CL2": 120.0, "sla.CL4": 1440.0}
    noon = datetime(2026, 11, 2, 4, tzinfo=UTC)
    night = datetime(2026, 11, 2, 14, tzinfo=UTC)

    assert call_back_by(noon, SHANGHAI, limits) - noon == timedelta(hours=2)
    assert call_back_by(night, SHANGHAI, limits) - night == timedelta(hours=24)
