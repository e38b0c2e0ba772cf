"""The scheduler: spread, fair, one job for each block; the dead never stall the living."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.patience import UnitPace
from edge_gateway.moments import Moment
from edge_gateway.polling.due_times import Grid
from edge_gateway.polling.schedule import PROBE_CREDIT_S, PROBE_SHARE, JobKey, Schedule
from edge_gateway.polling.standing import News, NewsKind
from edge_gateway.polling.stretch import Demand, load_of, stretched
from firmware_profiles.cadence import Cadence, DailyAt

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


def schedule_of(jobs: Sequence[tuple[JobKey, Cadence]], backoff_max_s: float = 300.0) -> Schedule:
    schedule = Schedule(clock=SameClock(), now=at(0), backoff_max_s=backoff_max_s)
    schedule.add(jobs, at(0))
    return schedule


def fifty_meters(interval: timedelta = SECOND) -> Schedule:
    return schedule_of([(JobKey(f"M-{number:02}", "fast"), interval) for number in range(50)])


@dataclass
class Run:
    """What a simulated link did."""

    readings: dict[str, list[float]] = field(default_factory=dict)
    probes_s: float = 0.0
    frames: int = 0
    news: list[News] = field(default_factory=list)
    now_s: float = 0.0

    def kinds(self) -> list[NewsKind]:
        return [each.kind for each in self.news]


@dataclass
class Site:
    """The meters of a simulated link; `dead` maps a serial to the second it died."""

    dead: dict[str, float] = field(default_factory=dict)
    answer_s: float = 0.002
    timeout_s: float = 1.0
    paces: dict[str, UnitPace] = field(default_factory=dict)

    def ask(self, serial: str, now_s: float, *, retry_count: int) -> tuple[float, bool]:
        """Return the seconds that a job takes and whether it is answered, as the driver does."""
        pace = self.paces.setdefault(serial, UnitPace())
        if now_s < self.dead.get(serial, float("inf")):
            pace.answered(self.answer_s)
            return self.answer_s, True
        spent_s = 0.0
        for _ in range(1 + retry_count):
            spent_s += pace.patience_s(self.timeout_s)
            pace.missed()
        return spent_s, False


def simulate(schedule: Schedule, site: Site, *, until_s: float, run: Run | None = None) -> Run:
    """Run a link on simulated time, as the worker does."""
    run = run or Run()
    while run.now_s < until_s:
        run.news += schedule.look_at_load(at(run.now_s))
        job = schedule.pick(at(run.now_s))
        if job is None:
            run.now_s += max(0.001, min(1.0, schedule.seconds_to_next(at(run.now_s))))
            continue
        serial = job.key.serial
        standing = schedule.standing(serial)
        is_trusted = standing.has_answered and not standing.misses
        spent_s, has_answered = site.ask(serial, run.now_s, retry_count=int(is_trusted))
        run.now_s += spent_s
        if has_answered:
            run.readings.setdefault(serial, []).append(run.now_s)
        elif standing.misses:
            run.probes_s += spent_s
        finished = schedule.finish(
            job.key, at(run.now_s), spent_s=spent_s, has_answered=has_answered
        )
        run.frames += finished.is_frame_due
        run.news += finished.news
    return run


def ideal_share(run: Run, *, meters: int, seconds: float) -> float:
    """Return readings of the healthy over what an undisturbed link brings at 1 s."""
    return sum(len(times) for times in run.readings.values()) / (meters * seconds)


def dead_from(second: float, *numbers: int) -> dict[str, float]:
    return {f"M-{number:02}": second for number in numbers}


@pytest.mark.parametrize("died_s", [0.0, 10.0])
def test_one_dead_meter_of_fifty_leaves_the_others_99_percent(died_s: float) -> None:
    site = Site(dead=dead_from(died_s, 7))
    run = simulate(fifty_meters(), site, until_s=40)
    run.readings.pop("M-07", None)

    assert len(run.readings) == 49
    assert ideal_share(run, meters=49, seconds=40) >= 0.99


@pytest.mark.parametrize("died_s", [0.0, 10.0])
def test_five_dead_meters_of_fifty_leave_the_others_95_percent(died_s: float) -> None:
    site = Site(dead=dead_from(died_s, 0, 10, 20, 30, 40))
    run = simulate(fifty_meters(), site, until_s=40)
    for serial in site.dead:
        run.readings.pop(serial, None)

    assert len(run.readings) == 45
    assert ideal_share(run, meters=45, seconds=40) >= 0.95


def test_probes_take_a_twentieth_of_the_time_and_no_more() -> None:
    site = Site(dead=dead_from(0.0, *range(25)))
    run = simulate(fifty_meters(), site, until_s=600)

    assert run.probes_s <= PROBE_SHARE * 600 + PROBE_CREDIT_S + site.timeout_s


def test_a_meter_that_comes_back_is_read_again_within_the_longest_pause() -> None:
    keys = [(JobKey(name, "fast"), SECOND) for name in ("M", "N")]
    schedule = schedule_of(keys, backoff_max_s=8)
    site = Site(dead={"M": 0.0}, timeout_s=0.2)
    run = simulate(schedule, site, until_s=200)
    assert schedule.suspects() == ("M",)

    site.dead.clear()
    simulate(schedule, site, until_s=200 + 8 * 1.2 + 1, run=run)

    assert schedule.suspects() == ()
    assert run.kinds() == [NewsKind.METER_SILENT, NewsKind.METER_ANSWERS]


def test_a_missed_hourly_reading_is_made_up_for_within_minutes() -> None:
    keys = [(JobKey(name, "slow"), timedelta(hours=1)) for name in ("M", "N")]
    schedule = schedule_of(keys)
    site = Site(dead={"M": 100.0})
    run = simulate(schedule, site, until_s=3700)
    site.dead.clear()
    simulate(schedule, site, until_s=3700 + 400, run=run)

    assert len(run.readings["M"]) == 2
    assert run.readings["M"][1] < 3700 + 400


def test_an_absence_is_one_frame_for_each_instant_however_often_the_meter_is_probed() -> None:
    keys = [(JobKey(name, "slow"), timedelta(hours=1)) for name in ("M", "N")]
    run = simulate(schedule_of(keys), Site(dead={"M": 0.0}), until_s=3 * 3600 - 60)

    assert run.frames == len(run.readings["N"]) + 3


def test_a_slow_link_stretches_and_says_so_and_relaxes_again() -> None:
    keys = [(JobKey(f"M-{number:02}", "fast"), SECOND) for number in range(20)]
    keys += [(JobKey(f"M-{number:02}", "slow"), 10 * SECOND) for number in range(20)]
    schedule = schedule_of(keys)
    site = Site(answer_s=0.044)
    run = simulate(schedule, site, until_s=120)
    stretched_groups = schedule.stretched_groups()
    site.answer_s = 0.02
    simulate(schedule, site, until_s=240, run=run)

    assert stretched_groups == {"slow": 5}
    assert set(run.kinds()) == {NewsKind.OVERRUN}
    assert "the meters ask for 97% of the link's time" in run.news[0].text
    assert schedule.stretched_groups() == {}


def test_a_link_asked_for_far_too_much_serves_every_meter_alike() -> None:
    run = simulate(fifty_meters(), Site(answer_s=0.1), until_s=60)

    counts = [len(times) for times in run.readings.values()]
    assert max(counts) - min(counts) <= 1
    assert sum(counts) >= 0.85 * 600


def test_equal_jobs_are_spread_over_their_interval() -> None:
    schedule = fifty_meters(MINUTE)
    for key in list(schedule.jobs):
        schedule.finish(key, at(0), spent_s=0.01, has_answered=True)

    due = sorted(job.due_at_utc for job in schedule.jobs.values())
    gaps = {later - earlier for earlier, later in itertools.pairwise(due)}
    assert max(gaps) - min(gaps) <= timedelta(microseconds=2)


def test_a_clock_set_back_does_not_silence_the_link() -> None:
    schedule = fifty_meters(MINUTE)
    for key in list(schedule.jobs):
        schedule.finish(key, at(7200), spent_s=0.01, has_answered=True)

    schedule.correct_for_clock(at(0))

    assert max(job.due_at_utc for job in schedule.jobs.values()) <= START + MINUTE
    assert schedule.pick(at(61)) is not None


def test_a_link_that_was_closed_blames_no_meter_and_reads_when_it_opens() -> None:
    schedule = schedule_of([(JobKey("M", "slow"), timedelta(hours=1))])
    frames = 0
    for second in range(10):
        job = schedule.pick(at(second))
        assert job is not None
        frames += schedule.postpone(job.key, at(second)).is_frame_due

    assert frames == 1
    assert schedule.suspects() == ()
    assert schedule.pick(at(11)) is not None


def test_when_nobody_answers_the_link_is_blamed_and_no_meter() -> None:
    schedule = schedule_of([(JobKey(f"M-{each}", "fast"), 10 * SECOND) for each in range(5)])
    site = Site(dead={f"M-{each}": 20.0 for each in range(5)})
    run = simulate(schedule, site, until_s=200)
    silent = run.kinds()
    site.dead = {"M-0": 0.0}
    simulate(schedule, site, until_s=900, run=run)

    assert silent == [NewsKind.LINK_SILENT]
    assert run.kinds() == [
        NewsKind.LINK_SILENT,
        NewsKind.LINK_ANSWERS,
        NewsKind.METER_SILENT,
    ]
    assert run.news[-1].serial == "M-0"
    assert schedule.suspects() == ("M-0",)


def test_a_new_meter_is_not_starved_by_a_busy_link() -> None:
    schedule = schedule_of([(JobKey(f"M-{each:02}", "fast"), SECOND) for each in range(40)])
    run = simulate(schedule, Site(answer_s=0.05), until_s=30)

    assert len(run.readings) == 40


def test_a_job_of_a_healthy_meter_goes_before_any_probe() -> None:
    schedule = schedule_of([(JobKey("dead", "fast"), SECOND), (JobKey("good", "fast"), MINUTE)])
    schedule.finish(JobKey("good", "fast"), at(0), spent_s=0.1, has_answered=True)
    for second in (1, 2):
        schedule.finish(JobKey("dead", "fast"), at(second), spent_s=1, has_answered=False)

    job = schedule.pick(at(70))

    assert job is not None
    assert job.key == JobKey("good", "fast")


@given(
    st.integers(1, 86400).map(lambda seconds: timedelta(seconds=seconds)),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 10**9),
    st.integers(1, 12),
)
def test_the_next_instant_is_after_now_and_at_most_one_interval_away(
    interval: timedelta, share: float, seconds: int, stretch: int
) -> None:
    moment = START + timedelta(seconds=seconds)
    grid = Grid(cadence=interval, phase=interval * share, stretch=stretch)
    instant = grid.after(moment)

    assert moment < instant <= moment + interval * stretch
    assert grid.after(instant - timedelta(microseconds=1)) == instant


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.times())  # noqa: DTZ001
def test_a_daily_job_is_due_once_a_local_day(moment: datetime, wanted: time) -> None:
    zone = ZoneInfo("Europe/Berlin")
    at_minute = wanted.replace(second=0, microsecond=0, tzinfo=None)
    grid = Grid(cadence=DailyAt(at=at_minute), zone=zone)
    first = grid.after(moment.replace(tzinfo=UTC))
    second = grid.after(first)

    assert moment.replace(tzinfo=UTC) < first
    assert first - moment.replace(tzinfo=UTC) <= timedelta(hours=25)
    assert timedelta(hours=23) <= second - first <= timedelta(hours=25)


def test_daily_at_five_past_midnight_means_the_sites_own_clock() -> None:
    grid = Grid(cadence=DailyAt(at=time(0, 5)), zone=ZoneInfo("Asia/Shanghai"))

    assert grid.after(START) == datetime(2026, 3, 1, 16, 5, tzinfo=UTC)


Step = tuple[float, bool, bool]


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans(), st.booleans()), max_size=40))
def test_every_block_has_one_job_whatever_happens(steps: list[Step]) -> None:
    keys = [JobKey(serial, group) for serial in "AB" for group in ("fast", "slow")]
    schedule = schedule_of([(key, SECOND * 5) for key in keys])
    now_s = 0.0
    for pause_s, has_answered, is_link_down in steps:
        now_s += pause_s
        job = schedule.pick(at(now_s))
        if job is not None and is_link_down:
            schedule.postpone(job.key, at(now_s))
        elif job is not None:
            schedule.finish(job.key, at(now_s), spent_s=0.5, has_answered=has_answered)
        schedule.correct_for_clock(at(now_s))

        assert set(schedule.jobs) == set(keys)
        assert 0 <= schedule.seconds_to_next(at(now_s)) < 400
        if job is not None and has_answered and not is_link_down:
            assert schedule.jobs[job.key].due_at_utc > at(now_s).utc


@given(st.sets(st.integers(0, 9), max_size=9), st.floats(0.05, 2))
def test_healthy_meters_are_never_starved_by_dead_ones(dead: set[int], timeout_s: float) -> None:
    names = {f"M-{number}": 0.0 for number in dead}
    keys = [JobKey(f"M-{number}", "fast") for number in range(10)]
    schedule = schedule_of([(key, SECOND * 10) for key in keys])

    run = simulate(schedule, Site(dead=names, answer_s=0.01, timeout_s=timeout_s), until_s=300)

    assert set(run.readings) == {key.serial for key in keys} - set(names)
    assert min(len(times) for times in run.readings.values()) >= 28


DEMANDS = st.lists(
    st.builds(
        Demand,
        interval=st.sampled_from([1, 5, 60, 3600]).map(lambda seconds: timedelta(seconds=seconds)),
        spent_s=st.floats(0.001, 2),
    ),
    min_size=1,
    max_size=30,
)


@given(DEMANDS)
def test_a_stretch_makes_the_jobs_fit_and_begins_with_the_slowest(demands: list[Demand]) -> None:
    factors = stretched(demands, SameClock(), 0.9)
    lengths = sorted({each.interval for each in demands}, reverse=True)

    assert load_of(demands, factors, SameClock()) <= 0.9
    kept = [length for length in lengths if length not in factors]
    assert kept == lengths[len(lengths) - len(kept) :]
