"""Decides which job of a link is due: phases spread, dead meters last and rarely."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from edge_gateway.moments import Moment
from wire_contracts.clock import Clock

SUSPECT_AFTER = 2
"""Misses in a row after which a meter that has answered before is suspect; gateway notes 5."""

PROBE_SHARE = 0.05
"""Largest share of a link's time that goes into meters that do not answer; gateway notes 5."""

_JITTER = 0.2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JobKey(NamedTuple):
    """One register group of one meter; there is never more than one job for it."""

    serial: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and when it is due next, in the gateway's clock.

    Attributes:
        key: Meter and group.
        interval: From one due instant to the next.
        phase: Offset of the due instants from multiples of the interval since 1970.
        due_at_utc: The next instant.
    """

    key: JobKey
    interval: timedelta
    phase: timedelta
    due_at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a meter has answered lately, in wall seconds of a monotonic clock.

    Attributes:
        misses: Jobs in a row without any answer.
        quiet_until_s: No request before this.
    """

    misses: int = 0
    quiet_until_s: float = 0.0

    @property
    def is_suspect(self) -> bool:
        """Whether the meter has stopped answering."""
        return self.misses >= SUSPECT_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The jobs of one link and the standing of its meters.

    Attributes:
        jobs: Every job, once.
        standings: Serial to standing; a meter that is not listed is in good standing.
        started_s: When the link began, monotonic wall seconds.
        probed_s: Wall seconds spent in vain on suspects since then.
        backoff_max_s: Longest wall seconds between two probes of one meter.
        skipped_count: Due instants that were passed over because the link was late.
    """

    jobs: Mapping[JobKey, Job]
    started_s: float
    standings: Mapping[str, Standing] = field(default_factory=dict)
    probed_s: float = 0.0
    backoff_max_s: float = 300.0
    skipped_count: int = 0

    def standing(self, serial: str) -> Standing:
        """Return how the meter has answered lately."""
        return self.standings.get(serial, Standing())

    def suspects(self) -> tuple[str, ...]:
        """Return the serials that have stopped answering, sorted."""
        return tuple(sorted(name for name, seen in self.standings.items() if seen.is_suspect))


def new_schedule(
    intervals: Iterable[tuple[JobKey, timedelta]],
    *,
    now: Moment,
    backoff_max_s: float = 300.0,
) -> Schedule:
    """Return a schedule whose jobs of equal interval are spread evenly over that interval.

    Every job is due at once for the first time, so that a restarted gateway has fresh readings.
    """
    listed = list(intervals)
    jobs = {}
    for key, interval in listed:
        same = [other for other, length in listed if length == interval]
        phase = interval * same.index(key) / len(same)
        jobs[key] = Job(key=key, interval=interval, phase=phase, due_at_utc=now.utc)
    return Schedule(jobs=jobs, started_s=now.wall_s, backoff_max_s=backoff_max_s)


def instant_after(moment: datetime, interval: timedelta, phase: timedelta) -> datetime:
    """Return the first due instant strictly after `moment`."""
    count = (moment - _EPOCH - phase) // interval + 1
    return _EPOCH + phase + count * interval


def pick_job(schedule: Schedule, now: Moment) -> Job | None:
    """Return the job to run now: the longest due of a healthy meter, else one probe, else None."""
    due = [job for job in schedule.jobs.values() if job.due_at_utc <= now.utc]
    healthy = [job for job in due if not schedule.standing(job.key.serial).is_suspect]
    probes = [job for job in due if _may_probe(schedule, job.key.serial, now.wall_s)]
    return min(healthy or probes, key=lambda job: (job.due_at_utc, job.key), default=None)


def _may_probe(schedule: Schedule, serial: str, now_s: float) -> bool:
    if now_s < schedule.standing(serial).quiet_until_s:
        return False
    return schedule.probed_s <= PROBE_SHARE * max(0.0, now_s - schedule.started_s)


def finish_job(
    schedule: Schedule, key: JobKey, now: Moment, *, spent_s: float, has_answered: bool
) -> Schedule:
    """Return the schedule after a job has run: its next instant, and its meter's standing.

    A late job goes on with the newest instant; the ones between are counted, not caught up.

    Args:
        schedule: The schedule the job was picked from.
        key: The job.
        now: When it ended.
        spent_s: Wall seconds it took.
        has_answered: Whether the meter said anything; an exception is an answer.
    """
    job = schedule.jobs[key]
    before = schedule.standing(key.serial)
    skipped = 0 if before.is_suspect else max(0, (now.utc - job.due_at_utc) // job.interval)
    is_wasted = before.is_suspect and not has_answered
    following = replace(job, due_at_utc=instant_after(now.utc, job.interval, job.phase))
    after = Standing() if has_answered else _missed(schedule, key.serial, now.wall_s)
    return replace(
        schedule,
        jobs={**schedule.jobs, key: following},
        standings={**schedule.standings, key.serial: after},
        probed_s=schedule.probed_s + (spent_s if is_wasted else 0.0),
        skipped_count=schedule.skipped_count + skipped,
    )


def postpone_job(schedule: Schedule, key: JobKey, now: Moment) -> Schedule:
    """Return the schedule after a job that the link itself prevented: no meter is blamed."""
    job = schedule.jobs[key]
    following = replace(job, due_at_utc=instant_after(now.utc, job.interval, job.phase))
    return replace(schedule, jobs={**schedule.jobs, key: following})


def _missed(schedule: Schedule, serial: str, now_s: float) -> Standing:
    """Return the standing after silence; a meter that never answered is suspect at once."""
    before = schedule.standings.get(serial)
    misses = SUSPECT_AFTER if before is None else before.misses + 1
    if misses < SUSPECT_AFTER:
        return Standing(misses=misses)
    pause_s = min(schedule.backoff_max_s, 2.0 ** min(misses - 1, 30))
    spread = zlib.crc32(f"{serial} {misses}".encode()) / 2**32
    pause_s *= 1 - _JITTER + 2 * _JITTER * spread
    return Standing(misses=misses, quiet_until_s=now_s + pause_s)


def correct_for_clock(schedule: Schedule, now: Moment) -> Schedule:
    """Return the schedule with no instant further away than one interval.

    After the clock was set back, instants computed before would lie hours ahead.
    """
    jobs = {
        key: job
        if job.due_at_utc <= now.utc + job.interval
        else replace(job, due_at_utc=instant_after(now.utc, job.interval, job.phase))
        for key, job in schedule.jobs.items()
    }
    return replace(schedule, jobs=jobs)


def seconds_to_next(schedule: Schedule, now: Moment, clock: Clock) -> float:
    """Return the wall seconds until a job may be due, 0 when one is; at least one job exists."""
    waits = []
    for job in schedule.jobs.values():
        due_s = clock.wall_seconds((job.due_at_utc - now.utc).total_seconds())
        standing = schedule.standing(job.key.serial)
        if standing.is_suspect:
            budget_s = schedule.probed_s / PROBE_SHARE - (now.wall_s - schedule.started_s)
            due_s = max(due_s, standing.quiet_until_s - now.wall_s, budget_s)
        waits.append(max(0.0, due_s))
    return min(waits)
