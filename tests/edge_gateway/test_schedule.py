"""The scheduler: spread, fair, one job for each block; the dead never stall the living."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.moments import Moment
from edge_gateway.polling.schedule import (
    PROBE_SHARE,
    JobKey,
    Schedule,
    correct_for_clock,
    finish_job,
    instant_after,
    new_schedule,
    pick_job,
    postpone_job,
    seconds_to_next,
)

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@dataclass
class SameClock:
    """Town time is wall time."""

    now: datetime = START

    def now_utc(self) -> datetime:
        return self.now

    def wall_seconds(self, seconds: float) -> float:
        return seconds


def at(seconds: float) -> Moment:
    return Moment(utc=START + timedelta(seconds=seconds), wall_s=1000 + seconds)


def fifty_meters(interval: timedelta = SECOND) -> Schedule:
    jobs = [(JobKey(f"M-{number:02}", "fast"), interval) for number in range(50)]
    return new_schedule(jobs, now=at(0))


@dataclass
class Run:
    """What a simulated link did."""

    readings: dict[str, list[float]]
    probes: int
    schedule: Schedule


def simulate(
    schedule: Schedule, *, for_s: float, dead: set[str], answer_s: float, timeout_s: float
) -> Run:
    """Run a link on simulated time: a healthy job takes `answer_s`, a dead one `timeout_s`."""
    run = Run(readings={}, probes=0, schedule=schedule)
    now_s = 0.0
    while now_s < for_s:
        job = pick_job(run.schedule, at(now_s))
        if job is None:
            now_s += max(0.001, seconds_to_next(run.schedule, at(now_s), SameClock()))
            continue
        is_dead = job.key.serial in dead
        spent_s = timeout_s if is_dead else answer_s
        now_s += spent_s
        if is_dead:
            run.probes += 1
        else:
            run.readings.setdefault(job.key.serial, []).append(now_s)
        run.schedule = finish_job(
            run.schedule, job.key, at(now_s), spent_s=spent_s, has_answered=not is_dead
        )
    return run


def test_one_dead_meter_of_fifty_costs_the_others_next_to_nothing() -> None:
    run = simulate(fifty_meters(), for_s=120, dead={"M-07"}, answer_s=0.002, timeout_s=1.0)

    counts = [len(times) for times in run.readings.values()]
    assert len(counts) == 49
    assert min(counts) >= 0.94 * 120


def test_five_dead_meters_of_fifty_leave_the_others_their_readings() -> None:
    dead = {f"M-{number:02}" for number in range(0, 50, 10)}
    run = simulate(fifty_meters(), for_s=300, dead=dead, answer_s=0.002, timeout_s=1.0)

    assert len(run.readings) == 45
    assert min(len(times) for times in run.readings.values()) >= 0.93 * 300
    assert run.schedule.probed_s <= PROBE_SHARE * 300 + 1.0


def test_a_meter_that_comes_back_is_read_again_within_the_longest_pause() -> None:
    schedule = new_schedule([(JobKey("M", "fast"), SECOND)], now=at(0), backoff_max_s=8)
    dead = simulate(schedule, for_s=200, dead={"M"}, answer_s=0.002, timeout_s=0.2)
    assert dead.schedule.suspects() == ("M",)

    now_s = 200.0
    while pick_job(dead.schedule, at(now_s)) is None:
        now_s += 0.1
    back = finish_job(
        dead.schedule, JobKey("M", "fast"), at(now_s), spent_s=0.002, has_answered=True
    )

    assert now_s <= 200 + 8 * 1.2 + 0.2
    assert back.suspects() == ()


def test_a_link_that_is_too_slow_skips_to_the_newest_instant_and_counts() -> None:
    run = simulate(fifty_meters(), for_s=60, dead=set(), answer_s=0.1, timeout_s=1.0)

    counts = [len(times) for times in run.readings.values()]
    assert max(counts) - min(counts) <= 1
    assert sum(counts) == 600
    assert run.schedule.skipped_count > 0


def test_equal_jobs_are_spread_over_their_interval() -> None:
    schedule = fifty_meters(MINUTE)
    for key in list(schedule.jobs):
        schedule = finish_job(schedule, key, at(0), spent_s=0.01, has_answered=True)

    due = sorted(job.due_at_utc for job in schedule.jobs.values())
    gaps = {later - earlier for earlier, later in itertools.pairwise(due)}
    assert gaps == {MINUTE / 50}


def test_a_clock_set_back_does_not_silence_the_link() -> None:
    schedule = fifty_meters(MINUTE)
    for key in list(schedule.jobs):
        schedule = finish_job(schedule, key, at(7200), spent_s=0.01, has_answered=True)

    corrected = correct_for_clock(schedule, at(0))

    assert max(job.due_at_utc for job in corrected.jobs.values()) <= START + MINUTE


def test_a_link_that_was_closed_blames_no_meter() -> None:
    schedule = fifty_meters()
    key = JobKey("M-00", "fast")
    for seconds in range(10):
        schedule = postpone_job(schedule, key, at(seconds))

    assert schedule.suspects() == ()
    assert schedule.jobs[key].due_at_utc > at(9).utc


def test_a_job_of_a_healthy_meter_goes_before_any_probe() -> None:
    schedule = new_schedule(
        [(JobKey("dead", "fast"), SECOND), (JobKey("good", "fast"), MINUTE)], now=at(0)
    )
    for seconds in (0, 1):
        schedule = finish_job(
            schedule, JobKey("dead", "fast"), at(seconds), spent_s=1, has_answered=False
        )

    job = pick_job(schedule, at(900))

    assert job is not None
    assert job.key == JobKey("good", "fast")


@given(
    st.integers(1, 86400).map(lambda seconds: timedelta(seconds=seconds)),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 10**9),
)
def test_the_next_instant_is_after_now_and_at_most_one_interval_away(
    interval: timedelta, share: float, seconds: int
) -> None:
    moment = START + timedelta(seconds=seconds)
    instant = instant_after(moment, interval, interval * share)

    assert moment < instant <= moment + interval


Step = tuple[float, bool, bool]


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans(), st.booleans()), max_size=40))
def test_every_block_has_one_job_whatever_happens(steps: list[Step]) -> None:
    keys = [JobKey(serial, group) for serial in "AB" for group in ("fast", "slow")]
    schedule = new_schedule([(key, SECOND * 5) for key in keys], now=at(0))
    now_s = 0.0
    for pause_s, has_answered, is_link_down in steps:
        now_s += pause_s
        job = pick_job(schedule, at(now_s))
        if job is not None and is_link_down:
            schedule = postpone_job(schedule, job.key, at(now_s))
        elif job is not None:
            schedule = finish_job(
                schedule, job.key, at(now_s), spent_s=0.5, has_answered=has_answered
            )

        assert set(schedule.jobs) == set(keys)
        assert seconds_to_next(schedule, at(now_s), SameClock()) >= 0
        assert job is None or schedule.jobs[job.key].due_at_utc > at(now_s).utc


@given(st.sets(st.integers(0, 9), max_size=9), st.floats(0.05, 2))
def test_healthy_meters_are_never_starved_by_dead_ones(dead: set[int], timeout_s: float) -> None:
    jobs = [(JobKey(f"M-{number}", "fast"), SECOND * 10) for number in range(10)]
    schedule = new_schedule(jobs, now=at(0))
    names = {f"M-{number}" for number in dead}

    run = simulate(schedule, for_s=300, dead=names, answer_s=0.01, timeout_s=timeout_s)

    assert set(run.readings) == {key.serial for key, _ in jobs} - names
    assert min(len(times) for times in run.readings.values()) >= 25
