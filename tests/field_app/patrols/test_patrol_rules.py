"""What an inspector's tablet decides by itself, without screen, file or network."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.patrols.directions import (
    Place,
    bearing_deg,
    compass_point,
    distance_m,
    turn_deg,
)
from field_app.patrols.home_check import (
    GROUPS,
    USUAL_SEVERITY,
    Lack,
    Seen,
    Sheet,
    finished,
    hazards_of,
    lacks,
    must_shut_off,
    seen_inside,
)
from field_app.patrols.meter_doubts import Doubt, judge, usual_per_day
from field_app.patrols.presence import Presence, by_hand, by_position, by_tag
from field_app.patrols.run_state import fold, nearest_first, next_stop
from field_app.patrols.track import Track, TrackPoint, extended, packed, unpacked
from field_app.patrols.values import (
    EXPLOSIVE_LEL_PCT,
    Verdict,
    is_dangerous,
    is_gas_unread,
    judge_all,
    unread_texts,
)
from field_app.patrols.values import judge as judge_value
from field_app.platform.ports import Fix, Tag, TagWay
from wire_contracts.home_checks import CheckItem, NoticeOutcome
from wire_contracts.meter_rounds import Exchange, PastReading, RoundMeter
from wire_contracts.patrol_facts import (
    LONGEST_TRACK,
    CheckIn,
    CheckInWay,
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
)
from wire_contracts.patrols import Checkpoint, CheckpointKind, Measure, ValueLimit
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

AT_UTC = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
HERE = Place(latitude_deg=36.65, longitude_deg=117.12)
LAT_M = 1 / 111_195
"""Degrees of latitude per metre on the sphere."""


def checkpoint(north_m: float = 0.0, tag: str = "04:A2:B3") -> Checkpoint:
    return Checkpoint(
        kind=CheckpointKind.VALVE_WELL,
        medium=Medium.GAS,
        name=BilingualText(en="Well", zh="井"),
        address="",
        latitude_deg=HERE.latitude_deg + north_m * LAT_M,
        longitude_deg=HERE.longitude_deg,
        tag=tag,
        radius_m=20.0,
    )


def fix(north_m: float = 0.0, east_m: float = 0.0, accuracy_m: float = 5.0) -> Fix:
    shrink = math.cos(math.radians(HERE.latitude_deg))
    return Fix(
        latitude_deg=HERE.latitude_deg + north_m * LAT_M,
        longitude_deg=HERE.longitude_deg + east_m * LAT_M / shrink,
        accuracy_m=accuracy_m,
    )


# --- directions


def test_a_kilometre_north_is_a_kilometre_north() -> None:
    north = Place(latitude_deg=HERE.latitude_deg + 1000 * LAT_M, longitude_deg=HERE.longitude_deg)

    assert distance_m(HERE, north) == pytest.approx(1000, rel=1e-3)
    assert bearing_deg(HERE, north) == pytest.approx(0)
    assert compass_point(bearing_deg(north, HERE)) == 4


def test_the_point_of_the_compass_goes_round() -> None:
    assert [compass_point(each) for each in (359, 22, 23, 90, 180, 270)] == [0, 0, 1, 2, 4, 6]
    assert turn_deg(350, 10) == pytest.approx(20)


# --- presence


@pytest.mark.parametrize("text", ["04a2b3", "04:A2:B3", " 04-a2-b3 "])
def test_a_tag_is_the_same_however_it_is_written(text: str) -> None:
    evidence = by_tag(checkpoint(), Tag(text=text, way=TagWay.TYPED), None)

    assert (evidence.presence, evidence.way) == (Presence.THERE, CheckInWay.TYPED)


def test_another_tag_is_told_apart_and_a_checkpoint_without_one_matches_none() -> None:
    other = by_tag(checkpoint(), Tag(text="ffff", way=TagWay.NFC), fix(3.0))

    assert other.presence is Presence.OTHER_TAG
    assert other.distance_m == pytest.approx(3.0, abs=0.2)
    assert by_tag(checkpoint(tag=""), Tag(text=" ", way=TagWay.QR), None).presence is (
        Presence.OTHER_TAG
    )


@pytest.mark.parametrize(
    ("seen", "presence"),
    [
        (None, Presence.NO_POSITION),
        (fix(24.0), Presence.THERE),
        (fix(26.0), Presence.TOO_FAR),
        (fix(29.0, accuracy_m=30.0), Presence.THERE),
        (fix(31.0, accuracy_m=30.0), Presence.TOO_FAR),
        (fix(69.0, accuracy_m=50.0), Presence.TOO_FAR),
        (fix(0.0, accuracy_m=60.0), Presence.TOO_VAGUE),
    ],
)
def test_a_position_counts_inside_the_circle_and_a_few_metres_of_its_accuracy(
    seen: Fix | None, presence: Presence
) -> None:
    assert by_position(checkpoint(), seen).presence is presence


def test_a_made_up_position_is_recorded_as_such() -> None:
    evidence = by_position(checkpoint(), replace(fix(), is_mock=True))

    assert evidence.fix is not None
    assert evidence.fix.is_mock
    assert by_hand(checkpoint(), None).way is CheckInWay.BY_HAND


# --- values

LEL = ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0)
OUTLET = ValueLimit(measure=Measure.OUTLET_PRESSURE_KPAG, low=2.0, high=3.0)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", Verdict.EMPTY),
        ("1,0", Verdict.INSIDE),
        ("1.1", Verdict.BEYOND),
        ("101", Verdict.IMPOSSIBLE),
        ("much", Verdict.NOT_A_NUMBER),
        ("25 %", Verdict.BEYOND),
        ("OL", Verdict.OFF_SCALE),
        (">5", Verdict.NOT_A_NUMBER),
    ],
)
def test_a_typed_value_is_judged_at_once(text: str, verdict: Verdict) -> None:
    assert judge_value(LEL, text).verdict is verdict


def test_both_limits_count_and_an_explosive_mixture_is_dangerous() -> None:
    low = judge_all([LEL, OUTLET], {"gas_lel_pct": "20", "outlet_pressure_kpag": "1.9"})

    assert [each.verdict for each in low] == [Verdict.BEYOND, Verdict.BEYOND]
    assert is_dangerous(low)
    assert not is_dangerous(judge_all([LEL], {"gas_lel_pct": "19"}))


@pytest.mark.parametrize(
    "text", ["20", "25%", "25 %LEL", "100", "120", "999", ">100", "100+", "OL"]
)
def test_what_a_detector_cannot_show_is_danger_and_no_value(text: str) -> None:
    (judged,) = judge_all([LEL], {"gas_lel_pct": text})

    assert is_dangerous([judged])
    assert judged.value is None or judged.value <= 100.0


@given(st.floats(min_value=EXPLOSIVE_LEL_PCT, max_value=1e6), st.sampled_from(["", "%", " % LEL"]))
def test_no_range_hides_danger(lel_pct: float, unit: str) -> None:
    assert is_dangerous(judge_all([LEL], {"gas_lel_pct": f"{lel_pct:.3f}{unit}"}))


def test_gas_that_a_form_tells_of_is_danger_as_well() -> None:
    assert is_dangerous((), 45.0)
    assert is_dangerous(judge_all([LEL], {"gas_lel_pct": "0"}), 20.0)
    assert not is_dangerous(judge_all([LEL], {"gas_lel_pct": "0"}), 1.0)


def test_a_text_for_the_gas_that_nobody_can_read_is_told_as_it_stands() -> None:
    judged = judge_all([LEL, OUTLET], {"gas_lel_pct": "5000 ppm", "outlet_pressure_kpag": "2"})

    assert is_gas_unread(judged)
    assert unread_texts(judged) == ((Measure.GAS_LEL_PCT, "5000 ppm"),)
    assert not is_gas_unread(judge_all([LEL], {"gas_lel_pct": ""}))


# --- track

steps = st.lists(
    st.tuples(st.floats(min_value=-40, max_value=40), st.floats(min_value=-40, max_value=40)),
    max_size=120,
)


def test_a_straight_street_is_few_points_and_a_corner_is_kept() -> None:
    track = Track()
    for metre in range(0, 200, 2):
        track = extended(track, fix(north_m=metre), metre)
    for metre in range(2, 12, 2):
        track = extended(track, fix(north_m=198, east_m=metre), 200 + metre)

    assert len(track.points) <= 16
    assert track.length_m == pytest.approx(205, abs=12)
    assert extended(track, fix(500, accuracy_m=80), 999) is track


@given(steps)
def test_a_track_never_grows_beyond_its_bound_and_unpacks_again(
    moves: list[tuple[float, float]],
) -> None:
    track, north, east = Track(), 0.0, 0.0
    for at_s, (up, right) in enumerate(moves):
        north, east = north + up, east + right
        track = extended(track, fix(north, east), at_s)

    text = packed(track.points)
    assert len(text) <= LONGEST_TRACK
    again = unpacked(text)
    assert [each.at_s for each in again] == [each.at_s for each in track.points]
    for ours, theirs in zip(again, track.points, strict=True):
        assert distance_m(ours.place, theirs.place) < 1.0


def test_a_very_long_walk_becomes_coarser_and_stays_bounded() -> None:
    track = Track()
    for number in range(9000):
        track = extended(track, fix(north_m=16.0 * number, east_m=7.0 * (number % 2)), number)

    assert len(packed(track.points)) <= LONGEST_TRACK
    assert track.coarseness > 1
    assert track.points[0].at_s == 0


@pytest.mark.parametrize("text", ["_", "??", "\t"])
def test_a_damaged_track_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="track"):
        unpacked(text)


def test_a_point_before_the_start_counts_from_the_start() -> None:
    assert extended(Track(), fix(), -5).points == (
        TrackPoint(
            place=Place(latitude_deg=fix().latitude_deg, longitude_deg=fix().longitude_deg), at_s=0
        ),
    )


# --- the run

RUN = PatrolRun(run_id="r", plan_id="p", phase=RunPhase.STARTED, stops=("a", "b", "c", "d"))
PLACES = {name: checkpoint(north_m=100.0 * n) for n, name in enumerate("abcd")}


def point(name: str, outcome: PointOutcome = PointOutcome.OK) -> PatrolPoint:
    return PatrolPoint(run_id="r", plan_id="p", checkpoint_id=name, outcome=outcome)


def test_the_next_stop_follows_the_last_one_that_was_dealt_with() -> None:
    assert next_stop(fold([RUN]), PLACES) == "a"
    assert next_stop(fold([RUN, point("b")]), PLACES) == "c"
    assert next_stop(fold([RUN, point("d")]), PLACES) == "a"
    assert next_stop(fold([RUN, *map(point, "abcd")]), PLACES) is None


def test_what_is_skipped_and_what_is_missed_are_told_apart() -> None:
    state = fold(
        [RUN, point("a"), point("b", PointOutcome.SKIPPED), point("c", PointOutcome.DEFECT)]
    )

    assert (state.done_count, state.skipped, state.missed) == (2, ("b",), ("d",))


def test_the_last_word_about_a_checkpoint_stands() -> None:
    check_in = CheckIn(run_id="r", plan_id="p", checkpoint_id="a", way=CheckInWay.NFC)
    state = fold([RUN, check_in, point("a", PointOutcome.SKIPPED), point("a")])

    assert state.points["a"].outcome is PointOutcome.OK
    assert state.check_ins["a"] == check_in
    assert fold([RUN, replace(RUN, phase=RunPhase.SUBMITTED)]).is_submitted


@given(st.permutations("abcd"))
def test_without_a_route_the_nearest_place_comes_first(order: list[str]) -> None:
    shuffled = {name: PLACES[name] for name in order}

    assert nearest_first(HERE, shuffled) == ("a", "b", "c", "d")


# --- homes


ALL_WELL = Sheet(answers=dict.fromkeys(CheckItem, True))


def test_the_way_through_a_home_meets_all_twelve_items_once() -> None:
    assert [item for _, items in GROUPS for item in items] == list(CheckItem)
    assert len(CheckItem) == 12
    assert USUAL_SEVERITY.keys() == set(CheckItem)


def test_nothing_is_in_order_before_somebody_has_looked() -> None:
    assert len(lacks(Sheet())) == 12
    assert lacks(ALL_WELL) == ()


@given(st.sets(st.sampled_from(list(CheckItem))))
def test_a_hazard_needs_a_notice_and_a_grave_one_needs_words(hazards: set[CheckItem]) -> None:
    sheet = replace(ALL_WELL, answers=dict(ALL_WELL.answers) | dict.fromkeys(hazards, False))
    kinds = {lack for lack, _ in lacks(sheet)}

    assert (Lack.NOTICE_MISSING in kinds) == bool(hazards)
    assert (Lack.NOTE_MISSING in kinds) == any(USUAL_SEVERITY[item] == 1 for item in hazards)
    refused = replace(sheet, notice=NoticeOutcome.REFUSED, notes=dict.fromkeys(CheckItem, "seen"))
    assert lacks(refused) == ()
    assert len(finished("h", refused, AT_UTC, 60.0).hazards) == len(hazards)


def test_a_signed_notice_needs_the_signature() -> None:
    sheet = replace(
        ALL_WELL,
        answers=dict(ALL_WELL.answers) | {CheckItem.HOSE: False},
        notice=NoticeOutcome.SIGNED,
    )

    assert [lack for lack, _ in lacks(sheet)] == [Lack.SIGNATURE_MISSING]
    with pytest.raises(ValueError, match="signature_missing"):
        finished("h", sheet, AT_UTC, 60.0)


def test_the_gravest_hazard_comes_first_and_only_severity_two_has_a_deadline() -> None:
    wrong = {CheckItem.GAS_ALARM: False, CheckItem.HOSE: False, CheckItem.WATER_HEATER_FLUE: False}
    hazards = hazards_of(replace(ALL_WELL, answers=dict(ALL_WELL.answers) | wrong), AT_UTC)

    assert [each.severity for each in hazards] == [1, 2, 3]
    assert [each.due_at_utc for each in hazards] == [None, AT_UTC + timedelta(days=30), None]
    assert must_shut_off(hazards)


def test_what_must_be_shut_off_waits_for_no_other_item() -> None:
    leak = Sheet(
        answers={CheckItem.PIPE_TIGHTNESS: False},
        notes={CheckItem.PIPE_TIGHTNESS: "soap bubbles at the meter"},
        notice=NoticeOutcome.REFUSED,
    )

    assert lacks(leak) == ()
    mild = replace(leak, severities={CheckItem.PIPE_TIGHTNESS: 2})
    assert len(lacks(mild)) == 11
    unsaid = replace(leak, notes={})
    assert lacks(unsaid) == ((Lack.NOTE_MISSING, CheckItem.PIPE_TIGHTNESS),)


@pytest.mark.parametrize(
    ("sheet", "seen"),
    [
        (Sheet(), Seen.NOTHING),
        (Sheet(answers={CheckItem.METER: True}), Seen.LOOKED_AT),
        (Sheet(notes={CheckItem.HOSE: "old"}), Seen.LOOKED_AT),
        (Sheet(answers={CheckItem.METER: True, CheckItem.HOSE: False}), Seen.HAZARD),
    ],
)
def test_nobody_opens_is_not_said_over_what_was_seen_inside(sheet: Sheet, seen: Seen) -> None:
    assert seen_inside(sheet) is seen


# --- meters


def meter(*values: float, exchange: Exchange | None = None) -> RoundMeter:
    return RoundMeter(
        building="1",
        place="1",
        address="",
        device_serial="",
        medium=Medium.GAS,
        unit="m³",
        digits=5,
        decimals=3,
        readings=tuple(
            PastReading(at_utc=AT_UTC - timedelta(days=30 * (len(values) - n)), value=value)
            for n, value in enumerate(values)
        ),
        exchange=exchange,
    )


@pytest.mark.parametrize(
    ("past", "value", "doubt"),
    [
        ((), 5.0, Doubt.NONE),
        ((100.0,), 130.0, Doubt.NONE),
        ((70.0, 100.0), 130.0, Doubt.NONE),
        ((70.0, 100.0), 99.0, Doubt.BACKWARDS),
        ((99_940.0, 99_970.0), 12.0, Doubt.ROLLED_OVER),
        ((70.0, 100.0), 100_000.0, Doubt.TOO_MANY_DIGITS),
        ((70.0, 100.0), 200.0, Doubt.MUCH_MORE),
        ((70.0, 100.0), 101.0, Doubt.MUCH_LESS),
        ((70.0, 100.0), 100.0, Doubt.UNCHANGED),
        ((100.0, 100.0), 100.0, Doubt.NONE),
        ((1200.0,), 98_765.0, Doubt.MUCH_MORE),
        ((1200.0,), 1_490.0, Doubt.NONE),
        ((1200.0, 1200.0, 1200.0), 98_765.0, Doubt.MUCH_MORE),
        ((1200.0, 1200.0, 1200.0), 1_235.0, Doubt.MUCH_MORE),
        ((1200.0, 1200.0, 1200.0), 1_202.0, Doubt.NONE),
    ],
)
def test_an_unusual_reading_is_questioned(
    past: tuple[float, ...], value: float, doubt: Doubt
) -> None:
    assert judge(meter(*past), value, AT_UTC).doubt is doubt


@pytest.mark.parametrize(("value", "doubt"), [(99.0, Doubt.BACKWARDS), (99_999.0, Doubt.MUCH_MORE)])
def test_a_clock_that_fell_back_keeps_no_question_away(value: float, doubt: Doubt) -> None:
    assert judge(meter(70.0, 100.0), value, AT_UTC - timedelta(days=400)).doubt is doubt


@pytest.mark.parametrize(
    ("flow_m3h", "used", "doubt"),
    [
        (2.5, 299.0, Doubt.NONE),
        (2.5, 301.0, Doubt.MUCH_MORE),
        (100.0, 11_000.0, Doubt.NONE),
        (100.0, 13_000.0, Doubt.MUCH_MORE),
        (None, 301.0, Doubt.MUCH_MORE),
    ],
)
def test_how_much_is_strange_is_asked_of_the_meters_size(
    flow_m3h: float | None, used: float, doubt: Doubt
) -> None:
    sized = replace(meter(1200.0), permanent_flow_m3h=flow_m3h)
    in_heat = replace(sized, unit="MWh")

    assert judge(sized, 1200.0 + used, AT_UTC).doubt is doubt
    assert judge(in_heat, 1200.0 + used, AT_UTC).doubt is Doubt.MUCH_MORE


def test_what_went_through_is_known_over_a_roll_over_and_an_exchange() -> None:
    rolled = judge(meter(99_940.0, 99_970.0), 12.0, AT_UTC)
    exchange = Exchange(at_utc=AT_UTC - timedelta(days=3), final=120.0, initial=0.5)
    exchanged = judge(meter(70.0, 100.0, exchange=exchange), 10.5, AT_UTC)

    assert rolled.used == pytest.approx(42.0)
    assert exchanged.doubt is Doubt.NONE
    assert exchanged.used == pytest.approx(30.0)
    assert judge(meter(100.0, exchange=exchange), 0.2, AT_UTC).doubt is Doubt.NONE
    later = replace(exchange, initial=50.0)
    assert judge(meter(119.0, exchange=later), 1.0, AT_UTC).doubt is Doubt.EXCHANGED


@given(st.floats(min_value=0, max_value=99_999), st.floats(min_value=0, max_value=99_999))
def test_no_use_is_ever_negative(before: float, value: float) -> None:
    judgement = judge(meter(before), value, AT_UTC)

    assert judgement.used is None or judgement.used >= 0
    assert usual_per_day(meter(before)) is None
