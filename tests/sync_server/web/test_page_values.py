"""Numbers, times, charts and return addresses as the pages print them."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.web.alert_look import look_in, look_of
from sync_server.web.alert_views import number_view
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.chart import chart_json, nights, with_gaps
from sync_server.web.labels import evidence_sentence, evidence_unit, unit_of
from sync_server.web.live_io import resume_id
from sync_server.web.pages_io import safe_back
from sync_server.web.places import place_for
from sync_server.web.sparkline import HEIGHT, WIDTH, draw, thin
from sync_server.web.words import Words, age, number, numbers_apart
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import SPOTS, Spot, evidence_for
from wire_contracts.evidence import NO_UNIT, ChartPoint, EvidenceNumber, evidence_json
from wire_contracts.payloads import dump_json
from wire_contracts.texts import BilingualText

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORDS = Words(
    language="en",
    zone=SHANGHAI,
    gettext=NullTranslations().gettext,
    ngettext=NullTranslations().ngettext,
)
VALUES = st.lists(st.none() | st.floats(-1e6, 1e6), max_size=200)


def points(values: list[float | None], step: timedelta = timedelta(minutes=15)) -> list[ChartPoint]:
    return [
        ChartPoint(at_utc=NOON + index * step, observed=value) for index, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("elapsed", "shown"),
    [
        (timedelta(seconds=-5), "0:00"),
        (timedelta(seconds=72), "1:12"),
        (timedelta(minutes=38), "38 m"),
        (timedelta(hours=45), "45 h"),
        (timedelta(hours=50), "2 d"),
    ],
)
def test_an_age_is_one_short_figure(elapsed: timedelta, shown: str) -> None:
    assert age(elapsed) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.42, "0.42"),
        (0.017, "0.017"),
        (-0.8, "\u22120.8"),
        (31.0, "31"),
        (2131.4, "2131"),
        (1234567.0, "1\u2009234\u2009567"),
    ],
)
def test_a_number_has_a_true_minus_and_thin_spaces(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_time_of_today_is_only_a_clock_and_another_day_a_date() -> None:
    assert WORDS.near(NOON, NOON) == "12:00"
    assert WORDS.near(NOON - timedelta(days=1), NOON) == "11-01"
    assert WORDS.near(NOON - timedelta(days=400), NOON) == "2025-09-28"
    assert WORDS.near_clock(NOON - timedelta(days=1), NOON) == "11-01 12:00"
    assert WORDS.near_clock(NOON - timedelta(days=400), NOON) == "2025-09-28 12:00"


def test_nights_are_two_to_five_in_the_sites_zone() -> None:
    found = nights(NOON - timedelta(days=1), NOON, SHANGHAI)

    assert [(begins.astimezone(UTC), ends.astimezone(UTC)) for begins, ends in found] == [
        (datetime(2026, 11, 1, 18, tzinfo=UTC), datetime(2026, 11, 1, 21, tzinfo=UTC))
    ]


def test_a_long_pause_becomes_a_gap_and_the_rest_stays() -> None:
    course = [*points([1.0, 2.0, 3.0]), ChartPoint(at_utc=NOON + timedelta(hours=9), observed=4.0)]

    spread = with_gaps(course)

    assert [each.observed for each in spread] == [1.0, 2.0, 3.0, None, 4.0]


@given(VALUES)
def test_gaps_never_lose_or_reorder_a_point(values: list[float | None]) -> None:
    course = points(values)

    spread = with_gaps(course)

    assert [each for each in spread if each in course] == course
    assert [each.at_utc for each in spread] == sorted(each.at_utc for each in spread)


def test_the_charts_columns_are_equally_long_and_red_only_where_the_rule_looked() -> None:
    evidence = evidence_for(SPOTS[3], NOON)

    chart = json.loads(chart_json(evidence, SHANGHAI))

    assert {len(chart[name]) for name in ("t", "y", "low", "high", "bad")} == {len(evidence.points)}
    red = [at for at, value in zip(chart["t"], chart["bad"], strict=True) if value is not None]
    assert chart["rule"][0] <= min(red) <= max(red) <= chart["rule"][1]
    assert chart["limit"] == 0.15


def test_a_bare_number_of_the_evidence_is_shown_without_the_wires_dash() -> None:
    name = BilingualText(en="statistic of the rule", zh="规则统计量")

    row = number_view(EvidenceNumber(name=name, value=1.92, unit=NO_UNIT, limit=1.0), WORDS)

    assert (row.value, row.limit) == ("1.92", "1")


def spots_of(path: str) -> list[tuple[int, int]]:
    """Return where the pen was, of a path of whole numbers: `M` absolute, `l` relative."""
    spots: list[tuple[int, int]] = []
    for move in re.findall(r"M[^M]+", path):
        start, *steps = re.split("l", move[1:])
        numbers = [int(each) for each in re.findall(r"-?[0-9]+", f"{start} {' '.join(steps)}")]
        x, y = numbers[0], numbers[1]
        spots.append((x, y))
        for across, down in zip(numbers[2::2], numbers[3::2], strict=True):
            x, y = x + across, y + down
            spots.append((x, y))
    return spots


@given(VALUES)
def test_a_sparkline_stays_inside_its_box(values: list[float | None]) -> None:
    drawn = draw(points(values), NOON)

    spots = [*spots_of(drawn.measured), *spots_of(drawn.looked_at)]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in spots)
    assert (spots == []) == all(value is None for value in values)


def test_a_sparkline_turns_red_where_the_rule_began_to_look_and_breaks_at_a_gap() -> None:
    course = points([0.0, 5.0, None, 10.0, 10.0])

    drawn = draw(course, course[3].at_utc)

    assert (drawn.measured, drawn.looked_at) == ("M0 50l36-22M108 6", "M108 6l36 0")


@given(VALUES)
def test_thinning_keeps_the_range_and_never_invents_a_value(values: list[float | None]) -> None:
    kept = [value for value in thin(values) if value is not None]
    present = [value for value in values if value is not None]

    assert len(thin(values)) <= max(36, 0) or len(values) <= 36
    assert all(min(present) - 1e-6 <= value <= max(present) + 1e-6 for value in kept)


@pytest.mark.parametrize(
    ("asked", "given_back"),
    [
        ("/alerts?tab=all", "/alerts?tab=all"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/a\nb", "/"),
        ("", "/"),
    ],
)
def test_a_way_back_never_leads_to_another_host(asked: str, given_back: str) -> None:
    assert safe_back(asked) == given_back


@given(st.none() | st.text(max_size=30), st.integers())
def test_any_last_event_id_leads_to_a_place_in_the_feed(last: str | None, after: int) -> None:
    assert 0 <= resume_id(last, after) <= 2**62


def test_the_browsers_last_event_id_goes_before_the_pages_own() -> None:
    assert (resume_id("41", 7), resume_id(None, 7), resume_id("x", 7)) == (41, 7, 7)


@pytest.mark.parametrize("spot", SPOTS, ids=lambda spot: spot.meter_id)
def test_a_rows_look_is_the_same_from_the_kept_text_as_from_the_whole_evidence(spot: Spot) -> None:
    evidence = evidence_for(spot, NOON)

    assert look_in(dump_json(evidence_json(evidence)).decode()) == look_of(evidence)


def detector_number(
    value: float, unit: str, limit: float | None = None, *, is_trigger: bool = False
) -> EvidenceNumber:
    name = BilingualText(en="observed", zh="实测")
    return EvidenceNumber(name=name, value=value, unit=unit, limit=limit, is_trigger=is_trigger)


@pytest.mark.parametrize(
    ("pair", "shown"),
    [
        ((1.31, 0.0), ("1.31", "0")),
        ((0.12, 0.0004), ("0.12", "0.0004")),
        ((4677.31, 4677.42), ("4677.3", "4677.4")),
        ((-0.5, 0.004), ("−0.5", "0.004")),
        ((5.0, 5.0), ("5", "5")),
        ((0.3, 1e-12), ("0.3", "0")),
    ],
)
def test_numbers_that_are_held_against_each_other_are_told_apart(
    pair: tuple[float, float], shown: tuple[str, str]
) -> None:
    assert numbers_apart(*pair) == shown


@pytest.mark.parametrize(
    ("behind", "why"),
    [
        (detector_number(145.0, "h without any use"), ("168 > 145", "h without any use")),
        (detector_number(1.0, "–", limit=1.0), ("", "")),
        (detector_number(1.0, "h without any use", is_trigger=True), ("", "")),
    ],
)
def test_a_row_says_what_a_detector_saw_against_what_it_expected(
    behind: EvidenceNumber, why: tuple[str, str]
) -> None:
    seen = detector_number(168.0, "h without any use", is_trigger=True)
    evidence = replace(evidence_for(SPOTS[0], NOON), numbers=(seen, behind))

    look = look_of(evidence)

    assert (look.why, look.unit) == why
    assert look_in(dump_json(evidence_json(evidence)).decode()) == look


def test_the_units_of_detectors_are_printed_as_people_write_them() -> None:
    chinese = load_catalogues()["zh"]
    words = replace(WORDS, language="zh", gettext=chinese.gettext)
    units = ("m3/day", "degC", "1", "–", "m³/h", "h without any use")

    assert [evidence_unit(WORDS, each) for each in units[:5]] == ["m³/d", "°C", "", "", "m³/h"]
    assert evidence_unit(words, units[5]) == "h 无用量"


def test_gas_in_air_is_never_a_bare_percentage() -> None:
    assert [unit_of(each) for each in ("gas_lel_pct", "valve_pct", "flow_m3h")] == [
        "% LEL",
        "%",
        "m³/h",
    ]


def test_a_stored_sentence_is_shown_with_units_in_the_readers_language() -> None:
    chinese = load_catalogues()["zh"]
    words = replace(WORDS, language="zh", gettext=chinese.gettext)
    stored = BilingualText(
        en="168 h without any use seen, 2.5 m3/day lost at 71 degC.",
        zh="实测 168 h without any use，漏失 2.5 m3/day，71 degC；共 3 h。",
    )

    assert evidence_sentence(words, stored) == "实测 168 h 无用量，漏失 2.5 m³/d，71 °C；共 3 h。"
    assert evidence_sentence(WORDS, stored) == (
        "168 h without any use seen, 2.5 m³/d lost at 71 °C."
    )


@pytest.mark.parametrize(
    ("language", "address", "shown"),
    [
        ("en", "明川市北苑街485号 锦绣花园换热站", "Jinxiu Garden 明川市北苑街485号 换热站"),
        ("en", "明川市文昌路46号锦绣花园1号楼", "Jinxiu Garden 明川市文昌路46号 1号楼"),
        ("en", "9 Jinxiu Garden", "9 Jinxiu Garden"),
        ("en", "光华街274号 幼儿园（锦绣花园）", "Jinxiu Garden 光华街274号 幼儿园"),
        ("en", "9 Heping Rd", "Jinxiu Garden 9 Heping Rd"),
        ("zh", "明川市北苑街485号 锦绣花园换热站", "明川市北苑街485号 锦绣花园换热站"),
        ("zh", "北苑街485号", "锦绣花园 北苑街485号"),
    ],
)
def test_a_place_names_the_community_once_in_the_readers_language(
    language: str, address: str, shown: str
) -> None:
    words = replace(WORDS, language=language)

    place = place_for(words, "Jinxiu Garden", "锦绣花园", address)

    assert place.text == shown
    assert bool(place.language) == (language == "en" and "号" in address)
