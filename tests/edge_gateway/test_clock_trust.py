"""When the clock is believed, and how frames are dated while it is not: never by a guess."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.clock_io import KernelTime, is_kept
from edge_gateway.clock_trust import (
    Look,
    Trust,
    guess_offsets,
    hear_server,
    is_believed,
    look_again,
)
from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_store import QueueStore, open_queue
from edge_gateway.queue.queued import HeldFrame
from edge_gateway.queue.timekeeper import Timekeeper
from wire_contracts.frames import Frame, TimeQuality, ms_from_utc, parse_frame
from wire_contracts.payloads import read_json
from wire_contracts.quantities import Quantity

TRUE_START = datetime(2026, 5, 1, tzinfo=UTC)
YEAR_2026 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOLD_MAX = timedelta(days=1)


@dataclass
class Box:
    """A machine: true time passes, its clock says what it says, its uptime only counts."""

    passed: timedelta = timedelta(0)
    clock_is_off: timedelta = timedelta(0)
    is_kept: bool = False
    boot_id: str = "boot-1"
    booted: timedelta = timedelta(0)

    def true_utc(self) -> datetime:
        return TRUE_START + self.passed

    def now_utc(self) -> datetime:
        return self.true_utc() + self.clock_is_off

    def wall_seconds(self, seconds: float) -> float:
        return seconds

    def uptime_ms(self) -> int:
        return (self.passed - self.booted) // timedelta(milliseconds=1)

    def is_synchronised(self) -> bool:
        return self.is_kept

    def server_ms(self) -> int:
        return ms_from_utc(self.true_utc())

    def reboot(self, name: str, off: timedelta) -> None:
        self.boot_id, self.booted, self.clock_is_off = name, self.passed, off


def frame(box: Box) -> Frame:
    return Frame(
        seq=0,
        device="HM-1",
        measured_at_utc=box.now_utc(),
        profile="tuf_2000m@1",
        group="fast",
        values={Quantity.FLOW_M3H: box.passed.total_seconds()},
    )


@contextmanager
def opened(folder: Path) -> Iterator[QueueStore]:
    with closing(open_queue(folder / "q", QueueConfig(), TRUE_START)[0]) as store:
        yield store


def keeper_of(box: Box, store: QueueStore) -> Timekeeper:
    return Timekeeper(box, box, HOLD_MAX, store.newest_ms())


def sendable(store: QueueStore) -> list[Frame]:
    readers = [read_json("queue", each.body) for each in store.open_after(0, 10_000)]
    return [parse_frame(reader) for reader in readers if not reader.has("gap")]


def errors_s(frames: list[Frame]) -> list[float]:
    """How far each stamp is from the true time, which the frame's value tells."""
    return [
        (each.measured_at_utc - TRUE_START).total_seconds() - each.values[Quantity.FLOW_M3H]
        for each in frames
    ]


def poll(box: Box, keeper: Timekeeper, store: QueueStore, count: int) -> None:
    for _ in range(count):
        box.passed += timedelta(minutes=15)
        store.put([keeper.date(frame(box))])
        keeper.date_held(store)


def hear_enough(box: Box, keeper: Timekeeper, ahead_ms: int = 0) -> None:
    """The server's word three times, as a gateway without a time asks for it."""
    for _ in range(3):
        box.passed += timedelta(seconds=5)
        keeper.hear(box.server_ms() + ahead_ms)


def test_a_clock_kept_by_a_time_server_is_believed(tmp_path: Path) -> None:
    box = Box(is_kept=True)
    with opened(tmp_path) as store:
        poll(box, keeper_of(box, store), store, 3)
        found = sendable(store)

    assert errors_s(found) == [0, 0, 0]
    assert {each.time_quality for each in found} == {TimeQuality.SANE}


def test_a_boot_in_1970_sends_nothing_until_the_server_tells_the_time(tmp_path: Path) -> None:
    box = Box(clock_is_off=datetime(1970, 1, 1, tzinfo=UTC) - TRUE_START)
    with opened(tmp_path) as store:
        keeper = keeper_of(box, store)
        poll(box, keeper, store, 4)
        assert sendable(store) == []
        assert not keeper.is_time_known()

        hear_enough(box, keeper)
        keeper.date_held(store)
        poll(box, keeper, store, 2)
        found = sendable(store)

    assert errors_s(found) == [0] * 6
    assert {each.time_quality for each in found} == {TimeQuality.REPAIRED}


def test_a_clock_years_behind_is_not_believed_though_its_year_is_possible(tmp_path: Path) -> None:
    box = Box(is_kept=True)
    with opened(tmp_path) as store:
        poll(box, keeper_of(box, store), store, 2)
        box.is_kept = False
        box.passed += timedelta(days=400)
        box.reboot("boot-2", timedelta(days=-400))
        keeper = keeper_of(box, store)
        poll(box, keeper, store, 3)
        assert len(sendable(store)) == 2

        box.is_kept = True
        poll(box, keeper, store, 1)
        held = store.figures().held_count
        box.clock_is_off = timedelta(0)
        keeper.date_held(store)
        found = sendable(store)

    assert held == 0
    assert errors_s(found[:2]) == [0, 0]
    assert {each.time_quality for each in found[2:-1]} == {TimeQuality.REPAIRED}


def test_a_kept_clock_behind_what_was_stored_waits_for_the_server(tmp_path: Path) -> None:
    box = Box(is_kept=True)
    with opened(tmp_path) as store:
        poll(box, keeper_of(box, store), store, 2)
        box.reboot("boot-2", -2 * HOUR)
        keeper = keeper_of(box, store)
        store.put([keeper.date(frame(box))])
        assert len(sendable(store)) == 2

        hear_enough(box, keeper)
        poll(box, keeper, store, 2)
        found = sendable(store)

    assert errors_s(found) == [0] * 5


def test_a_frame_that_was_stored_a_day_ahead_blocks_no_time_server(tmp_path: Path) -> None:
    box = Box(is_kept=True, clock_is_off=24 * HOUR)
    with opened(tmp_path) as store:
        poll(box, keeper_of(box, store), store, 1)
        box.reboot("boot-2", timedelta(0))
        keeper = keeper_of(box, store)
        poll(box, keeper, store, 3)
        found = sendable(store)

    assert errors_s(found) == [86_400, 0, 0, 0]


def test_a_time_server_that_was_a_day_ahead_is_believed_once_it_is_right(tmp_path: Path) -> None:
    box = Box(is_kept=True, clock_is_off=24 * HOUR)
    with opened(tmp_path) as store:
        poll(box, keeper_of(box, store), store, 1)
        box.reboot("boot-2", 24 * HOUR)
        keeper = keeper_of(box, store)
        poll(box, keeper, store, 1)
        box.clock_is_off = timedelta(0)
        poll(box, keeper, store, 1)
        assert len(sendable(store)) == 2  # the two contradict each other: the frame waits
        poll(box, keeper, store, 2)
        found = sendable(store)

    assert errors_s(found) == [86_400, 86_400, 0, 0, 0]


def test_a_step_of_an_hour_changes_no_stamp(tmp_path: Path) -> None:
    box = Box()
    with opened(tmp_path) as store:
        keeper = keeper_of(box, store)
        keeper.hear(box.server_ms())
        poll(box, keeper, store, 2)
        for off in (HOUR, -HOUR):
            box.clock_is_off = off
            poll(box, keeper, store, 2)
            assert not keeper.is_clock_believed()
            assert keeper.now_utc() == box.true_utc()
        box.clock_is_off = timedelta(0)
        poll(box, keeper, store, 1)
        found = sendable(store)

    assert errors_s(found) == [0] * 7
    assert [each.time_quality for each in found] == [
        *[TimeQuality.SANE] * 2,
        *[TimeQuality.REPAIRED] * 4,
        TimeQuality.SANE,
    ]


def test_a_day_without_a_time_server_after_one_word_of_the_server(tmp_path: Path) -> None:
    box = Box(clock_is_off=timedelta(seconds=1))
    with opened(tmp_path) as store:
        keeper = keeper_of(box, store)
        keeper.hear(box.server_ms())
        poll(box, keeper, store, 96)
        found = sendable(store)

    assert {each.time_quality for each in found} == {TimeQuality.SANE}
    assert set(errors_s(found)) == {1}


def test_frames_of_a_start_that_never_knew_the_time_say_so(tmp_path: Path) -> None:
    box = Box(is_kept=True)
    with opened(tmp_path) as store:
        poll(box, keeper_of(box, store), store, 1)
        stored_ms = store.newest_ms()
        box.is_kept = False
        box.reboot("boot-2", timedelta(days=-9000))
        poll(box, keeper_of(box, store), store, 3)
        box.passed += 5 * HOUR
        box.reboot("boot-3", timedelta(0))
        keeper = keeper_of(box, store)
        poll(box, keeper, store, 1)
        assert len(sendable(store)) == 1

        keeper.hear(box.server_ms())
        keeper.date_held(store)
        found = sendable(store)

    assert [each.time_quality for each in found] == [
        TimeQuality.SANE,
        *[TimeQuality.BOOT_RELATIVE] * 3,
        TimeQuality.REPAIRED,
    ]
    assert errors_s([found[0], found[4]]) == [0, 0]
    guessed = [ms_from_utc(each.measured_at_utc) for each in found[1:4]]
    assert stored_ms < min(guessed)
    assert max(guessed) <= ms_from_utc(found[4].measured_at_utc)


def test_after_the_longest_hold_a_guess_is_sent_as_a_guess(tmp_path: Path) -> None:
    box = Box(clock_is_off=datetime(1970, 1, 1, tzinfo=UTC) - TRUE_START)
    with opened(tmp_path) as store:
        keeper = keeper_of(box, store)
        poll(box, keeper, store, 96)
        assert sendable(store) == []
        poll(box, keeper, store, 2)
        found = sendable(store)

    assert {each.time_quality for each in found} == {TimeQuality.BOOT_RELATIVE}
    assert min(each.measured_at_utc for each in found) >= YEAR_2026 - HOLD_MAX * 2


def test_a_clock_that_somebody_keeps_wrong_is_told_of(tmp_path: Path) -> None:
    box = Box(is_kept=True, clock_is_off=HOUR)
    with opened(tmp_path) as store:
        keeper = keeper_of(box, store)
        keeper.date(frame(box))
        told = []
        for _ in range(11):
            told.append(keeper.hear(box.server_ms()))
            box.passed += timedelta(minutes=1)

    text = "the clock is kept by a time server and 3600 s from the server's"
    assert told == [None] * 10 + [text]


def test_without_a_time_source_the_clock_is_right_by_definition() -> None:
    box = Box(clock_is_off=timedelta(days=-9000))
    keeper = Timekeeper(box, None, HOLD_MAX)

    assert keeper.date(frame(box)) == frame(box)
    assert keeper.is_clock_believed()


@given(
    st.lists(
        st.tuples(st.sampled_from(["step", "kept", "unkept", "hear", "pass"]), st.integers(0, 900)),
        max_size=30,
    )
)
def test_no_stamp_is_ever_further_off_than_what_confirmed_it(steps: list[tuple[str, int]]) -> None:
    """Whatever happens to the clock: a stamp is right within 5 s, or says that it is none."""
    box = Box(clock_is_off=timedelta(seconds=-9e8))
    keeper = Timekeeper(box, box, HOLD_MAX)
    for what, number in steps:
        box.passed += timedelta(seconds=number)
        if what == "step" and not box.is_kept:
            box.clock_is_off = timedelta(seconds=(number - 450) * 60)
        if what == "kept":
            box.is_kept, box.clock_is_off = True, timedelta(0)
        if what == "unkept":
            box.is_kept = False
        if what == "hear":
            keeper.hear(box.server_ms())
        dated = keeper.date(frame(box))

        if isinstance(dated, HeldFrame):
            assert not keeper.is_time_known()
        else:
            assert abs((dated.measured_at_utc - box.true_utc()).total_seconds()) <= 5


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(-9_000, 9_000)), min_size=1, max_size=12))
def test_a_clock_set_while_a_meter_answers_moves_no_stamp(reads: list[tuple[int, int]]) -> None:
    box = Box(is_kept=True, clock_is_off=timedelta(0))
    keeper = Timekeeper(box, box, HOLD_MAX)
    keeper.date(frame(box))
    for lasted_s, step_s in reads:
        box.is_kept, box.clock_is_off = False, timedelta(seconds=step_s)
        asked = frame(box)
        box.passed += timedelta(seconds=lasted_s)
        box.is_kept, box.clock_is_off = True, timedelta(0)

        dated = keeper.date(asked, lasted_s)

        assert isinstance(dated, Frame)
        asked_at_s = asked.values[Quantity.FLOW_M3H]
        off_s = (dated.measured_at_utc - TRUE_START).total_seconds() - asked_at_s
        assert abs(off_s) <= (2 if dated.time_quality is TimeQuality.SANE else 0.001)


@pytest.mark.parametrize(
    "off", [datetime(1970, 1, 1, tzinfo=UTC) - TRUE_START, HOUR, -HOUR * 2 / 3]
)
def test_what_was_stamped_before_the_clock_was_set_is_dated_by_the_count(off: timedelta) -> None:
    box = Box(clock_is_off=off)
    keeper = Timekeeper(box, box, HOLD_MAX)
    asked = frame(box)
    box.passed += timedelta(seconds=3)
    box.is_kept, box.clock_is_off = True, timedelta(0)

    dated = keeper.date(asked, 3.0)

    assert isinstance(dated, Frame)
    assert errors_s([dated]) == [0]
    assert dated.time_quality is TimeQuality.REPAIRED


def test_a_word_that_was_long_on_its_way_moves_nothing() -> None:
    box = Box()
    keeper = Timekeeper(box, box, HOLD_MAX)
    keeper.hear(box.server_ms())
    for late_s in (40, 55, 8, 40):
        box.passed += timedelta(minutes=4)
        keeper.hear(box.server_ms() - late_s * 1000)

    dated = keeper.date(frame(box))

    assert dated == frame(box)
    assert keeper.quality() is TimeQuality.SANE


@pytest.mark.parametrize("clock_is_off", [timedelta(0), -HOUR])
def test_a_word_that_some_queue_has_kept_holds_no_frame(clock_is_off: timedelta) -> None:
    box = Box(clock_is_off=clock_is_off)
    keeper = Timekeeper(box, box, HOLD_MAX)
    hear_enough(box, keeper)
    for old_s in (74, 5000, 74, 90_000):
        box.passed += timedelta(minutes=4)
        told = keeper.hear(box.server_ms() - old_s * 1000)
        dated = keeper.date(frame(box))
        keeper.hear(box.server_ms() - 150)

        assert told is None
        assert isinstance(dated, Frame)
        assert errors_s([dated]) == [0]


@pytest.mark.parametrize("late_s", [(12, 11, 13), (45, 43, 47), (12, 45, 30)])
def test_a_line_that_is_slow_for_hours_moves_no_clock(late_s: tuple[int, ...]) -> None:
    box = Box()
    keeper = Timekeeper(box, box, HOLD_MAX)
    keeper.hear(box.server_ms())
    for number in range(600):
        box.passed += timedelta(seconds=30)
        keeper.hear(box.server_ms() - late_s[number % len(late_s)] * 1000)

    assert keeper.date(frame(box)) == frame(box)
    assert keeper.now_utc() == box.true_utc()


def test_an_uptime_that_is_fast_is_put_right_when_no_word_agrees_for_hours() -> None:
    box = Box()
    keeper = Timekeeper(box, box, HOLD_MAX)
    keeper.hear(box.server_ms())
    for number in range(7 * 60):
        box.passed += timedelta(minutes=1)
        keeper.hear(box.server_ms() - 6000 - number % 3 * 500)

    assert keeper.now_utc() == box.true_utc() - timedelta(seconds=6)


def test_a_server_that_was_put_back_is_believed_after_all_its_words_of_a_while() -> None:
    """Ten minutes in which none says what is known, and five of one voice."""
    box = Box(clock_is_off=HOUR)
    keeper = Timekeeper(box, box, HOLD_MAX)
    hear_enough(box, keeper, ahead_ms=HOUR // timedelta(milliseconds=1))
    states = []
    told = set()
    for _ in range(16):
        told.add(keeper.hear(box.server_ms()))
        dated = keeper.date(frame(box))
        states.append(None if isinstance(dated, HeldFrame) else errors_s([dated])[0])
        box.passed += timedelta(minutes=1)

    assert states == [3600] * 10 + [None] * 5 + [0]
    assert told == {None, "the server's time is 3600 s from what was known; frames wait"}


DAY_MS = 86_400_000
WORDS = {
    "the first": [DAY_MS, 0, 0, 0],
    "the second": [0, DAY_MS, 0, 0, 0],
    "the third": [0, 0, DAY_MS, 0, 0],
    "two servers in turn": [0, DAY_MS] * 50,
    "two servers, three words each": [0, 0, 0, DAY_MS, DAY_MS, DAY_MS] * 20,
    "a day behind": [0, 0, 0, -DAY_MS, 0, 0],
}


@pytest.mark.parametrize("clock_is_off", [timedelta(0), -HOUR, timedelta(days=-9000)])
@pytest.mark.parametrize("said", WORDS.values(), ids=WORDS)
def test_a_word_that_is_a_day_off_dates_no_frame(said: list[int], clock_is_off: timedelta) -> None:
    """Whoever contradicts whom: a stamp is right, or the frame waits."""
    box = Box(clock_is_off=clock_is_off)
    keeper = Timekeeper(box, box, HOLD_MAX)
    for ahead_ms in said:
        box.passed += timedelta(seconds=20)
        keeper.hear(box.server_ms() + ahead_ms)

        dated = keeper.date(frame(box))

        assert isinstance(dated, HeldFrame) or errors_s([dated]) == [0]


@pytest.mark.parametrize("clock_is_off", [timedelta(0), -HOUR])
def test_after_a_contradiction_five_minutes_of_one_voice_are_believed(
    tmp_path: Path, clock_is_off: timedelta
) -> None:
    box = Box(clock_is_off=clock_is_off)
    with opened(tmp_path) as store:
        keeper = keeper_of(box, store)
        hear_enough(box, keeper)
        told = keeper.hear(box.server_ms() + DAY_MS)
        store.put([keeper.date(frame(box))])
        known = []
        for _ in range(35):
            box.passed += timedelta(seconds=10)
            keeper.hear(box.server_ms())
            known.append(keeper.is_time_known())
        keeper.date_held(store)
        found = sendable(store)

    assert told == "the server's time is 86400 s from what was known; frames wait"
    assert known == [False] * 30 + [True] * 5
    assert errors_s(found) == [0]
    assert found[0].time_quality is TimeQuality.REPAIRED


def test_what_a_time_server_has_said_is_not_taken_back_by_words() -> None:
    box = Box(is_kept=True)
    keeper = Timekeeper(box, box, HOLD_MAX)
    keeper.date(frame(box))
    box.is_kept, box.clock_is_off = False, HOUR
    told = set()
    for _ in range(60):
        box.passed += timedelta(seconds=10)
        told.add(keeper.hear(box.server_ms() + DAY_MS))

    dated = keeper.date(frame(box))

    assert isinstance(dated, Frame)
    assert errors_s([dated]) == [0]
    assert told == {"the clock is kept by a time server and 86400 s from the server's"}


def test_words_that_were_all_a_little_late_are_put_right() -> None:
    box = Box(clock_is_off=-HOUR)
    keeper = Timekeeper(box, box, HOLD_MAX)
    hear_enough(box, keeper, ahead_ms=-20_000)
    first = keeper.now_utc() - box.true_utc()
    for _ in range(32):
        box.passed += timedelta(seconds=10)
        keeper.hear(box.server_ms())

    assert first == timedelta(seconds=-20)
    assert keeper.now_utc() == box.true_utc()


@pytest.mark.parametrize(
    ("status", "largest_error_us", "expected"),
    [(0x0001, 16_000_000, True), (0x0040, 500_000, True), (0x0040, 16_000_000, False)],
)
def test_a_clock_set_by_hand_is_kept_by_nobody(
    status: int, largest_error_us: int, *, expected: bool
) -> None:
    assert is_kept(status, largest_error_us) is expected


def test_the_parts_of_the_judgement() -> None:
    look = Look(utc_ms=ms_from_utc(TRUE_START), uptime_ms=5000, is_synchronised=False)
    nothing = look_again(Trust(), look, YEAR_2026)
    told = hear_server(nothing, look, look.utc_ms + 4000)
    once = hear_server(nothing, look, look.utc_ms + 60_000)

    assert nothing.offset_ms is None
    assert told.offset_ms == look.offset_ms
    assert is_believed(told, look)
    assert once.offset_ms is None
    assert not is_believed(once, look)
    assert guess_offsets({"b": (0, 500), "a": (100, 900)}, 10_000, 0) == {"b": 9500, "a": 8600}


def test_the_kernel_tells_one_start_and_an_uptime_that_grows() -> None:
    kernel = KernelTime()
    first = kernel.uptime_ms()

    assert len(kernel.boot_id) == 36
    assert kernel.boot_id == KernelTime().boot_id
    assert kernel.uptime_ms() >= first > 0
    assert kernel.is_synchronised() in {True, False}
