"""One thread per link: waits for the next due job, reads it, hands the frame to the outbox."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.figures import LinkFigures
from edge_gateway.links.answers import Fault
from edge_gateway.links.driver import Identity, JobKind, JobRead
from edge_gateway.moments import Moment
from edge_gateway.polling.drivers_io import make_line
from edge_gateway.polling.framing import build_frame
from edge_gateway.polling.profiles_io import LinkSetup
from edge_gateway.polling.schedule import (
    Job,
    JobKey,
    correct_for_clock,
    finish_job,
    new_schedule,
    pick_job,
    postpone_job,
    seconds_to_next,
)
from edge_gateway.queue.outbox_io import Outbox
from wire_contracts.clock import Clock

LONGEST_WAIT_S = 1.0
"""Wall seconds after which the clock is looked at again, in case somebody has set it."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParts:
    """What every link works with.

    Attributes:
        clock: The gateway's clock.
        outbox: Takes the frames.
        announce: Takes a kind and a text for the server.
        is_raw_kept: Whether the words as read travel with each frame.
    """

    clock: Clock
    outbox: Outbox
    announce: Callable[[str, str], None]
    is_raw_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something to do on a link between two jobs, in the link's own thread.

    Attributes:
        work: Does it; it may use the link's meters and must not raise.
        cancel: Called instead when the link ends before its turn.
    """

    work: "Callable[[LinkWorker], None]"
    cancel: Callable[[], None]


class LinkWorker:
    """Polls the meters of one link, one request at a time."""

    def __init__(self, setup: LinkSetup, parts: LinkParts) -> None:
        """Plan the jobs; nothing is opened or read before `run`."""
        self.name = setup.config.name
        self._setup = setup
        self._parts = parts
        self._line = make_line(setup.order(parts.clock))
        self._schedule = new_schedule(
            [
                (JobKey(meter.serial, group), interval)
                for meter in setup.meters
                for group, interval in meter.intervals.items()
            ],
            now=self._now(),
            backoff_max_s=setup.config.backoff_max_s,
        )
        self._frames = 0
        self._started_s = time.monotonic()
        self._last_good: dict[str, datetime] = {}
        self._errands: queue.SimpleQueue[Errand] = queue.SimpleQueue()
        self._is_ended = False
        self._ending = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Poll until told to stop, then close the link."""
        log = _LOG.bind(link=self.name)
        log.info("link.started", meters=len(self._setup.meters), jobs=len(self._schedule.jobs))
        while not stop.is_set():
            self._run_errands()
            now = self._now()
            self._schedule = correct_for_clock(self._schedule, now)
            job = pick_job(self._schedule, now)
            if job is None:
                wait_s = seconds_to_next(self._schedule, now, self._parts.clock)
                stop.wait(min(LONGEST_WAIT_S, wait_s))
                continue
            self._run_job(job)
        self._cancel_errands()
        self._line.driver.close()
        log.info("link.stopped", frames=self._frames)

    def ask(self, errand: Errand) -> bool:
        """Have something done between two jobs; any thread may. Return False when it is too late.

        It waits for the job under way, and at most `LONGEST_WAIT_S` beyond it.
        """
        with self._ending:
            if not self._is_ended:
                self._errands.put(errand)
            return not self._is_ended

    def groups(self, serial: str) -> tuple[str, ...]:
        """Return the groups of a meter of this link, sorted; empty for another's."""
        return tuple(sorted(key.group for key in self._schedule.jobs if key.serial == serial))

    def read_now(self, serial: str, group: str) -> JobRead:
        """Read one group out of turn and hand its frame on; in the link's thread only."""
        started = self._now()
        read = self._line.driver.read(JobKind(serial=serial, group=group), retry_count=1)
        self._hand_on(JobKey(serial, group), started, read)
        return read

    def identify(self, serial: str) -> Identity | Fault:
        """Ask what answers at a meter's address; in the link's thread only."""
        meter = next(meter for meter in self._setup.meters if meter.serial == serial)
        return self._line.driver.identify(str(meter.device_address))

    def _run_errands(self) -> None:
        while True:
            try:
                errand = self._errands.get_nowait()
            except queue.Empty:
                return
            errand.work(self)

    def _cancel_errands(self) -> None:
        with self._ending:
            self._is_ended = True
        while not self._errands.empty():
            self._errands.get_nowait().cancel()

    def figures(self) -> LinkFigures:
        """Return what the link has done, for the health message."""
        counts = self._line.counts()
        return LinkFigures(
            name=self.name,
            is_open=counts.is_open,
            requests=counts.requests,
            timeouts=counts.timeouts,
            exceptions=counts.exceptions,
            mismatches=counts.mismatches,
            reopens=counts.reopens,
            frames=self._frames,
            skipped=self._schedule.skipped_count,
            suspects=self._schedule.suspects(),
            crc_errors=counts.crc_errors,
            running_s=time.monotonic() - self._started_s,
            busy_s=counts.busy_s,
            turnaround_p50_s=counts.turnarounds.quantile_s(0.5),
            turnaround_p99_s=counts.turnarounds.quantile_s(0.99),
            last_good=dict(self._last_good),
            meters=tuple(meter.serial for meter in self._setup.meters),
        )

    def _now(self) -> Moment:
        return Moment(utc=self._parts.clock.now_utc(), wall_s=time.monotonic())

    def _run_job(self, job: Job) -> None:
        key = job.key
        started = self._now()
        read = self._line.driver.read(
            JobKind(serial=key.serial, group=key.group), retry_count=self._retry_count(key.serial)
        )
        self._hand_on(key, started, read)
        now = self._now()
        if read.is_link_down:
            self._schedule = postpone_job(self._schedule, key, now)
            return
        was_suspect = self._schedule.standing(key.serial).is_suspect
        self._schedule = finish_job(
            self._schedule,
            key,
            now,
            spent_s=now.wall_s - started.wall_s,
            has_answered=read.has_answered,
        )
        self._report_standing(key.serial, was_suspect=was_suspect)

    def _retry_count(self, serial: str) -> int:
        """Return how often to repeat: not at all for a meter that was silent, now or ever."""
        standing = self._schedule.standings.get(serial)
        is_trusted = standing is not None and not standing.misses
        return self._setup.config.retry_count if is_trusted else 0

    def _hand_on(self, key: JobKey, started: Moment, read: JobRead) -> None:
        for notice in read.notices:
            self._parts.announce(notice.kind, notice.text)
        job = JobKind(serial=key.serial, group=key.group)
        frame = build_frame(job, read, started.utc, is_raw_kept=self._parts.is_raw_kept)
        self._parts.outbox.add(frame)
        self._frames += 1
        if read.values:
            self._last_good = {**self._last_good, key.serial: started.utc}

    def _report_standing(self, serial: str, *, was_suspect: bool) -> None:
        is_suspect = self._schedule.standing(serial).is_suspect
        if is_suspect and not was_suspect:
            _LOG.warning("meter.silent", link=self.name, device=serial)
            self._parts.announce(
                "meter_silent", f"{serial} on link {self.name} has stopped answering"
            )
        if was_suspect and not is_suspect:
            _LOG.info("meter.answers_again", link=self.name, device=serial)
            self._parts.announce("meter_answers", f"{serial} on link {self.name} answers again")
