"""The watch over who works alone, by every clock of the tablet."""

from dataclasses import replace

import pytest

from field_app.orders.lone_watch import WatchMoment, WatchState, watch_at
from wire_contracts.operations import DeviceTime
from wire_contracts.site_facts import (
    LoneWorkerEvent,
    WatchEvent,
)

MINUTE_MS = 60_000
NOON_MS = 1_795_000_000_000


def watch_moment(event: WatchEvent, at_min: int, due_min: int | None) -> WatchMoment:
    due_ms = None if due_min is None else NOON_MS + due_min * MINUTE_MS
    return WatchMoment(
        at=clocks(at_min), event=LoneWorkerEvent(event=event, person="李伟", due_ms=due_ms)
    )


def clocks(minute: float, *, set_by_min: float = 0, boot: str = "boot-1") -> DeviceTime:
    """Return the time by every clock; the wall's was set forward by `set_by_min`."""
    return DeviceTime(
        wall_ms=int(NOON_MS + (minute + set_by_min) * MINUTE_MS),
        mono_ms=int(minute * MINUTE_MS),
        boot_id=boot,
        offset_ms=0,
    )


@pytest.mark.parametrize(
    ("minute", "state", "report"),
    [
        (5, WatchState.CALM, None),
        (29, WatchState.ASKING, None),
        (30, WatchState.OVERDUE, WatchEvent.OVERDUE),
        (34, WatchState.ESCALATED, WatchEvent.ESCALATED),
    ],
)
def test_a_watch_asks_then_is_overdue_then_calls_the_control_room(
    minute: int, state: WatchState, report: WatchEvent | None
) -> None:
    watch = watch_at([watch_moment(WatchEvent.STARTED, 0, 30)], clocks(minute))

    assert (watch.state, watch.must_report) == (state, report)


def test_what_was_reported_is_not_reported_again_and_an_answer_ends_it() -> None:
    moments = [
        watch_moment(WatchEvent.STARTED, 0, 30),
        watch_moment(WatchEvent.OVERDUE, 30, 30),
    ]
    late = watch_at(moments, clocks(31))
    answered = watch_at([*moments, watch_moment(WatchEvent.CONFIRMED, 32, 62)], clocks(33))

    assert late.must_report is None
    assert answered.state is WatchState.CALM


def test_an_ended_watch_is_off() -> None:
    moments = [watch_moment(WatchEvent.STARTED, 0, 30), watch_moment(WatchEvent.ENDED, 9, None)]

    assert watch_at(moments, clocks(999)).state is WatchState.OFF


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (clocks(33.5, set_by_min=-120), WatchState.ESCALATED),
        (clocks(29, set_by_min=-120), WatchState.ASKING),
        (clocks(5, set_by_min=60), WatchState.ESCALATED),
        (clocks(1, set_by_min=-120, boot="boot-2"), WatchState.ESCALATED),
        (clocks(29, boot="boot-2"), WatchState.ASKING),
    ],
)
def test_a_clock_that_was_set_never_makes_the_question_late(
    now: DeviceTime, state: WatchState
) -> None:
    watch = watch_at([watch_moment(WatchEvent.STARTED, 0, 30)], now)

    assert watch.state is state
    assert watch.person == "李伟"


def test_a_watch_says_whether_the_control_room_knows() -> None:
    started = watch_moment(WatchEvent.STARTED, 0, 30)
    overdue = watch_moment(WatchEvent.OVERDUE, 30, 30)

    assert not watch_at([started, overdue], clocks(31)).is_told
    assert watch_at([started, replace(overdue, is_told=True)], clocks(31)).is_told
