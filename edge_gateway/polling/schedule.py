"""Decides which job of a link is due: phases spread, dead meters last and rarely."""

import heapq
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from edge_gateway.moments import Moment
from edge_gateway.polling.due_times import Grid
from edge_gateway.polling.standing import News, NewsKind, Roll, Standing
from edge_gateway.polling.stretch import (
    FULL_LOAD,
    RELAXED_LOAD,
    WANTED_LOAD,
    Demand,
    load_of,
    stretched,
)
from firmware_profiles.cadence import Cadence, DailyAt
from wire_contracts.clock import Clock

PROBE_SHARE = 0.05
"""Largest share of a link's time that goes into meters that do not answer; gateway notes 5."""

PROBE_CREDIT_S = 5.0
"""Most seconds of unused probe time that are kept: dead meters may cost that much at once."""

LINK_PAUSE_S = 1.0
"""Wall seconds until a job is tried again that the link itself prevented."""

LOOKED_AFTER_S = 10.0
"""Wall seconds between two looks at the load of the link."""

_USUAL = 0.2
"""Weight of the newest duration in what a job usually takes."""


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class JobKey(NamedTuple):
    """One register group of one meter; there is never more than one job for it."""

    serial: str
    group: str


class Job(NamedTuple):
    """A job and when it is due next, in the gateway's clock; each answer makes one.

    Attributes:
        key: Meter and group.
        grid: Its due instants.
        due_at_utc: The next instant; one that was missed stays until the job is answered.
        absent_at_utc: When its absence was last reported by a frame; None while it is answered.
        spent_s: Wall seconds it usually takes; 0 before it was answered.
    """

    key: JobKey
    grid: Grid
    due_at_utc: datetime
    absent_at_utc: datetime | None = None
    spent_s: float = 0.0


class Finished(NamedTuple):
    """What the end of a job means.

    Attributes:
        news: What the server should be told.
        is_frame_due: Whether a frame goes out: for every answer, and for an absence once for
            each due instant, however often the meter is probed.
    """

    news: Sequence[News]
    is_frame_due: bool


_WITHOUT_NEWS = Finished(news=(), is_frame_due=True)


class Schedule:
    """The jobs of one link and the standing of its meters; used by one thread.

    Meters in good standing and new ones go before those that do not answer. Silent meters are
    asked after 1, 2, 4 ... seconds whatever their interval, so that a reading that was missed is
    made up for, within PROBE_SHARE of the time.

    Attributes:
        skipped_count: Due instants that were passed over because the link was late.
        load: Share of the link's time that the jobs ask for, without stretch.
        stretches: Interval to how many times as long it is for now.
    """

    def __init__(self, *, clock: Clock, now: Moment, backoff_max_s: float = 300.0) -> None:
        """Begin without jobs."""
        self.skipped_count = 0
        self.load = 0.0
        self.stretches: Mapping[timedelta, int] = {}
        self._clock = clock
        self._backoff_max_s = backoff_max_s
        self._jobs: dict[JobKey, Job] = {}
        self._of_meter: dict[str, list[JobKey]] = {}
        self._roll = Roll((), backoff_max_s)
        self._known: list[tuple[datetime, JobKey]] = []
        self._new: list[tuple[datetime, JobKey]] = []
        self._quiet: list[tuple[float, str]] = []
        self._credit_s = 0.0
        self._credited_s = now.wall_s
        self._looked_s = now.wall_s
        self._is_late = False
        self._stalled_at_utc = _LONG_AGO

    @property
    def jobs(self) -> Mapping[JobKey, Job]:
        """Return every job, once."""
        return self._jobs

    def standing(self, serial: str) -> Standing:
        """Return how a meter has answered lately."""
        return self._roll.of(serial)

    def suspects(self) -> tuple[str, ...]:
        """Return the serials that do not answer, sorted; any thread may ask."""
        return self._roll.suspects()

    def stretched_groups(self) -> Mapping[str, int]:
        """Return each stretched group with its factor; any thread may ask."""
        return {
            job.key.group: job.grid.stretch
            for job in tuple(self._jobs.values())
            if job.grid.stretch > 1
        }

    def add(
        self, cadences: Sequence[tuple[JobKey, Cadence]], now: Moment, zone: tzinfo = UTC
    ) -> None:
        """Add jobs; those of equal interval are spread evenly over it.

        Every job is due at once for the first time, so that a restarted gateway has fresh
        readings.
        """
        lengths = [cadence for _, cadence in cadences]
        places = dict.fromkeys(lengths, 0)
        for key, cadence in cadences:
            share = places[cadence] / lengths.count(cadence)
            places[cadence] += 1
            self._add(key, cadence, share, now, zone)
        self._roll = Roll(self._of_meter, self._backoff_max_s)
        self._rebuild()

    def exchange(
        self, serial: str, cadences: Iterable[tuple[JobKey, Cadence]], now: Moment, zone: tzinfo
    ) -> None:
        """Put other jobs in the place of those of one meter; its standing stays."""
        for key in self._of_meter.pop(serial, []):
            del self._jobs[key]
        for key, cadence in cadences:
            self._add(key, cadence, zlib.crc32(serial.encode()) / 2**32, now, zone)
        self._rebuild()

    def _add(self, key: JobKey, cadence: Cadence, share: float, now: Moment, zone: tzinfo) -> None:
        phase = timedelta() if isinstance(cadence, DailyAt) else cadence * share
        grid = Grid(cadence=cadence, phase=phase, zone=zone)
        self._jobs[key] = Job(key=key, grid=grid, due_at_utc=now.utc)
        self._of_meter.setdefault(key.serial, []).append(key)

    def pick(self, now: Moment) -> Job | None:
        """Return the job to run now: of a healthy meter, of a new one, else a probe, else None."""
        self._earn(now)
        if self._credit_s >= PROBE_CREDIT_S:
            probe = self._probe(now)
            if probe is not None:
                return probe
        return self._in_turn(now) or self._probe(now)

    def _in_turn(self, now: Moment) -> Job | None:
        """Return the longest due job of a meter that is not known to be silent.

        After a new meter has cost a time-out, whatever became due meanwhile goes first.
        """
        known, new = self._first_due(self._known, now), self._first_due(self._new, now)
        if known is None or new is None:
            return known or new
        is_waiting = known.due_at_utc <= self._stalled_at_utc
        return known if is_waiting or known.due_at_utc <= new.due_at_utc else new

    def finish(self, key: JobKey, now: Moment, *, spent_s: float, has_answered: bool) -> Finished:
        """Take note of a job that has run.

        A late job goes on with the newest instant; the ones between are counted, not caught up.

        Args:
            key: The job.
            now: When it ended.
            spent_s: Wall seconds it took.
            has_answered: Whether the meter said anything; an exception is an answer.
        """
        job = self._jobs[key]
        if has_answered:
            return self._answered(job, now, spent_s)
        before = self._roll.of(key.serial)
        if before.misses:
            self._credit_s -= spent_s
        elif not before.has_answered:
            self._stalled_at_utc = now.utc
        news = self._roll.missed(key.serial, now.wall_s - spent_s, now.wall_s)
        is_frame_due = job.absent_at_utc is None or job.grid.after(job.absent_at_utc) <= now.utc
        if is_frame_due:
            self._jobs[key] = job._replace(absent_at_utc=now.utc)
        heapq.heappush(self._quiet, (self._roll.of(key.serial).quiet_until_s, key.serial))
        return Finished(news=news, is_frame_due=is_frame_due)

    def passed_over(self, key: JobKey, now: Moment) -> Finished:
        """Take note of a job that asked nothing: its meter was neither heard nor silent."""
        job = self._jobs[key]
        is_frame_due = job.absent_at_utc is None or job.grid.after(job.absent_at_utc) <= now.utc
        absent_at_utc = now.utc if is_frame_due else job.absent_at_utc
        due_at_utc = job.grid.after(now.utc)
        self._put(job._replace(due_at_utc=due_at_utc, absent_at_utc=absent_at_utc))
        if self._roll.of(key.serial).misses:
            heapq.heappush(self._quiet, (now.wall_s + LINK_PAUSE_S, key.serial))
        return Finished(news=(), is_frame_due=is_frame_due)

    def postpone(self, key: JobKey, now: Moment) -> Finished:
        """Take note of a job that the link itself prevented: no meter is blamed.

        It is due again as soon as the link may be open.
        """
        job = self._jobs[key]
        is_frame_due = job.absent_at_utc is None or job.grid.after(job.absent_at_utc) <= now.utc
        again = now.utc + timedelta(seconds=LINK_PAUSE_S / self._clock.wall_seconds(1.0))
        absent_at_utc = now.utc if is_frame_due else job.absent_at_utc
        self._put(
            job._replace(
                due_at_utc=min(again, job.grid.after(now.utc)), absent_at_utc=absent_at_utc
            )
        )
        if self._roll.of(key.serial).misses:
            heapq.heappush(self._quiet, (now.wall_s + LINK_PAUSE_S, key.serial))
        return Finished(news=(), is_frame_due=is_frame_due)

    def reopened(self) -> None:
        """Let every silent meter be asked at once: the line was opened afresh."""
        self._roll.forget_pauses()
        self._rebuild()

    def correct_for_clock(self, now: Moment) -> None:
        """Bring back instants that lie further away than one interval: the clock was set back."""
        far = [
            job
            for job in self._jobs.values()
            if job.due_at_utc > now.utc and job.due_at_utc > job.grid.after(now.utc)
        ]
        for job in far:
            self._put(job._replace(due_at_utc=job.grid.after(now.utc)))
        for key, job in self._jobs.items():
            if job.absent_at_utc is not None and job.absent_at_utc > now.utc:
                self._jobs[key] = job._replace(absent_at_utc=now.utc)

    def seconds_to_next(self, now: Moment) -> float:
        """Return the wall seconds until a job may be due, 0 when one is; at least one job exists.

        Without any job it is infinity.
        """
        waits = [float("inf")]
        for heap in (self._known, self._new):
            job = self._first(heap)
            if job is not None:
                waits.append(self._clock.wall_seconds((job.due_at_utc - now.utc).total_seconds()))
        serial = self._first_quiet()
        if serial is not None:
            credit_s = -self._credit_s / PROBE_SHARE if self._roll.is_anybody_well() else 0.0
            waits.append(max(self._quiet[0][0] - now.wall_s, credit_s))
        return max(0.0, min(waits))

    def look_at_load(self, now: Moment) -> Sequence[News]:
        """Stretch groups when the link is asked for too much, relax them when it is not."""
        if now.wall_s - self._looked_s < LOOKED_AFTER_S:
            return ()
        self._looked_s = now.wall_s
        demands = [
            Demand(interval=job.grid.cadence, spent_s=job.spent_s)
            for job in self._jobs.values()
            if isinstance(job.grid.cadence, timedelta)
        ]
        self.load = load_of(demands, {}, self._clock)
        is_full = self._is_late and load_of(demands, self.stretches, self._clock) > FULL_LOAD
        self._is_late = False
        wanted = stretched(demands, self._clock, WANTED_LOAD if is_full else RELAXED_LOAD)
        is_less = sum(wanted.values()) < sum(self.stretches.values())
        if wanted == self.stretches or not (is_full or is_less):
            return ()
        self._stretch(wanted, now)
        return [News(kind=NewsKind.OVERRUN, text=self._overrun_text())]

    def _stretch(self, stretches: Mapping[timedelta, int], now: Moment) -> None:
        self.stretches = stretches
        for key, job in list(self._jobs.items()):
            cadence = job.grid.cadence
            factor = stretches.get(cadence, 1) if isinstance(cadence, timedelta) else 1
            if factor != job.grid.stretch:
                phase = job.grid.phase / job.grid.stretch * factor
                grid = replace(job.grid, stretch=factor, phase=phase)
                due_at_utc = min(job.due_at_utc, grid.after(now.utc))
                self._jobs[key] = job._replace(grid=grid, due_at_utc=due_at_utc)
        self._rebuild()

    def _overrun_text(self) -> str:
        asked = f"the meters ask for {self.load:.0%} of the link's time"
        if not self.stretches:
            return f"{asked}; every group has its own interval again"
        named = (f"{length} is now {length * factor}" for length, factor in self.stretches.items())
        return f"{asked}; the interval of {', '.join(named)}"

    def _answered(self, job: Job, now: Moment, spent_s: float) -> Finished:
        before = self._roll.of(job.key.serial)
        passed = (now.utc - job.due_at_utc) // job.grid.period
        if passed > 0 and not before.misses:
            self.skipped_count += passed
            self._is_late = True
        news = self._roll.answered(job.key.serial, now.wall_s)
        usual_s = job.spent_s + _USUAL * (spent_s - job.spent_s) if job.spent_s else spent_s
        due_at_utc = job.grid.after(now.utc)
        self._jobs[job.key] = Job(
            key=job.key, grid=job.grid, due_at_utc=due_at_utc, spent_s=usual_s
        )
        if news and any(each.kind is NewsKind.LINK_ANSWERS for each in news):
            self._rebuild()
        elif before.misses or not before.has_answered:
            self._wake(job.key.serial)
        else:
            heapq.heappush(self._known, (due_at_utc, job.key))
        return Finished(news=news, is_frame_due=True) if news else _WITHOUT_NEWS

    def _wake(self, serial: str) -> None:
        """Put every job of a meter among those of good standing."""
        for key in self._of_meter[serial]:
            heapq.heappush(self._known, (self._jobs[key].due_at_utc, key))

    def _put(self, job: Job) -> None:
        self._jobs[job.key] = job
        standing = self._roll.of(job.key.serial)
        if not standing.misses:
            heap = self._known if standing.has_answered else self._new
            heapq.heappush(heap, (job.due_at_utc, job.key))

    def _rebuild(self) -> None:
        self._known, self._new, self._quiet = [], [], []
        for job in self._jobs.values():
            self._put(job)
        for serial in self._of_meter:
            standing = self._roll.of(serial)
            if standing.misses:
                heapq.heappush(self._quiet, (standing.quiet_until_s, serial))

    def _first(self, heap: list[tuple[datetime, JobKey]]) -> Job | None:
        """Return the job at the top of a heap; entries that no longer hold are dropped."""
        while heap:
            due_at_utc, key = heap[0]
            job = self._jobs.get(key)
            standing = self._roll.of(key.serial)
            is_here = standing.has_answered == (heap is self._known) and not standing.misses
            if job is not None and is_here and job.due_at_utc == due_at_utc:
                return job
            heapq.heappop(heap)
        return None

    def _first_quiet(self) -> str | None:
        while self._quiet:
            _, serial = self._quiet[0]
            if self._roll.of(serial).misses and serial in self._of_meter:
                return serial
            heapq.heappop(self._quiet)
        return None

    def _first_due(self, heap: list[tuple[datetime, JobKey]], now: Moment) -> Job | None:
        job = self._first(heap)
        return job if job is not None and job.due_at_utc <= now.utc else None

    def _earn(self, now: Moment) -> None:
        """Add the share of the time that has passed to what probes may cost."""
        earned_s = (now.wall_s - self._credited_s) * PROBE_SHARE
        self._credit_s = min(PROBE_CREDIT_S, self._credit_s + earned_s)
        self._credited_s = now.wall_s

    def _probe(self, now: Moment) -> Job | None:
        """Return a job of the silent meter whose turn it is, when there is time for it."""
        serial = self._first_quiet()
        if serial is None or now.wall_s < self._quiet[0][0]:
            return None
        if self._credit_s < 0 and self._roll.is_anybody_well():
            return None
        heapq.heappop(self._quiet)
        jobs = [self._jobs[key] for key in self._of_meter[serial]]
        return min(jobs, key=_turn)


def _turn(job: Job) -> tuple[datetime, datetime, JobKey]:
    """Order the jobs of a silent meter: the one whose absence was reported longest ago."""
    return (job.absent_at_utc or _LONG_AGO, job.due_at_utc, job.key)
