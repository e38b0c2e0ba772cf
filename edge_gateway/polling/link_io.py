"""One thread per link: waits for the next due job, reads it, hands the frame to the outbox."""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.clock_step import clock_step
from edge_gateway.config import ConfigError
from edge_gateway.figures import LinkFigures
from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.driver import Identity, JobKind, JobRead
from edge_gateway.links.learnt import Learnt
from edge_gateway.links.modbus_write_io import WriteReport
from edge_gateway.moments import Moment
from edge_gateway.polling.drivers_io import make_line
from edge_gateway.polling.framing import build_frame
from edge_gateway.polling.kept_learnt import MeterKey
from edge_gateway.polling.learnt_store import LearntStore
from edge_gateway.polling.meter_clocks import MeterClocks
from edge_gateway.polling.profiles_io import IDENTIFY, LinkSetup
from edge_gateway.polling.schedule import Finished, Job, JobKey, Schedule
from edge_gateway.polling.standing import News, NewsKind
from edge_gateway.queue.outbox_io import Outbox
from wire_contracts.clock import Clock
from wire_contracts.quality import BAD_PROFILE

LONGEST_WAIT_S = 1.0
"""Wall seconds after which the clock is looked at again, in case somebody has set it."""

LEARNT_EVERY_S = 10.0
"""Wall seconds between two looks at what the driver has learnt; a kill costs no more."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParts:
    """What every link works with.

    Attributes:
        clock: The gateway's clock.
        outbox: Takes the frames.
        announce: Takes a kind and a text for the server.
        is_raw_kept: Whether the words as read travel with each frame.
        learnt: Remembers what is learnt of the meters; None: nobody does.
    """

    clock: Clock
    outbox: Outbox
    announce: Callable[[str, str], None]
    is_raw_kept: bool
    learnt: LearntStore | None = None


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
        self._keys = {
            meter.serial: MeterKey(setup.config.url, meter.serial, str(meter.device_address))
            for meter in setup.meters
        }
        self._line = make_line(setup.order(parts.clock, self._known()))
        now = self._now()
        self._schedule = Schedule(
            clock=parts.clock, now=now, backoff_max_s=setup.config.backoff_max_s
        )
        self._schedule.add(
            [
                (JobKey(meter.serial, group), cadence)
                for meter in setup.meters
                for group, cadence in meter.intervals.items()
            ],
            now,
            setup.zone,
        )
        self._unknown = {meter.serial for meter in setup.meters if meter.is_unknown}
        self._quarantined: set[str] = set()
        self._clocks = MeterClocks(setup.zone, setup.clock_drift_s)
        self._frames = 0
        self._left: Callable[[], None] | None = None
        self._looked_s = self._learnt_s = now.wall_s
        self._last = now
        self._started_s = time.monotonic()
        self._last_good: dict[str, datetime] = {}
        self._sound: dict[tuple[str, str], bool] = {}
        self._errands: queue.SimpleQueue[Errand] = queue.SimpleQueue()
        self._is_ended = False
        self._ending = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Poll until told to stop, then close the link."""
        log = _LOG.bind(link=self.name)
        log.info("link.started", meters=len(self._setup.meters), jobs=len(self._schedule.jobs))
        now = self._now()
        while not stop.is_set():
            if self._run_errands():
                now = self._now()
            self._look_around(now)
            job = self._schedule.pick(now)
            if job is None:
                self._work_off()
                wait_s = self._schedule.seconds_to_next(now)
                stop.wait(min(LONGEST_WAIT_S, wait_s))
                now = self._now()
            else:
                now = self._run_job(job, now)
        self._work_off()
        self._cancel_errands()
        self._remember()
        self._line.driver.close()
        log.info("link.stopped", frames=self._frames)

    def _known(self) -> Mapping[str, Learnt]:
        """Return what was learnt of the link's meters before, by serial."""
        store = self._parts.learnt
        known = {} if store is None else {name: store.of(key) for name, key in self._keys.items()}
        return {serial: learnt for serial, learnt in known.items() if learnt is not None}

    def _remember(self) -> None:
        """Hand on what the driver has learnt."""
        if self._parts.learnt is not None:
            learnt = self._line.driver.learnt()
            self._parts.learnt.take({self._keys[name]: each for name, each in learnt.items()})

    def ask(self, errand: Errand) -> bool:
        """Have something done between two jobs; any thread may. Return False when it is too late.

        It waits for the job under way, and at most `LONGEST_WAIT_S` beyond it.
        """
        with self._ending:
            if not self._is_ended:
                self._errands.put(errand)
            return not self._is_ended

    def has_meter(self, serial: str) -> bool:
        """Return whether a meter is on this link."""
        return any(meter.serial == serial for meter in self._setup.meters)

    def groups(self, serial: str) -> tuple[str, ...]:
        """Return the groups that a meter is read in, sorted; none while nobody knows what it is."""
        jobs = (key.group for key in self._schedule.jobs if key.serial == serial)
        return tuple(sorted(group for group in jobs if group != IDENTIFY))

    def read_now(self, serial: str, group: str) -> JobRead:
        """Read one group out of turn and hand its frame on; in the link's thread only."""
        if serial in self._unknown:
            return JobRead(has_answered=False, faults=(_NOT_IDENTIFIED,))
        started = self._now()
        self._follow_clock(started)
        read = self._line.driver.read(JobKind(serial=serial, group=group), retry_count=1)
        self._hand_on(JobKind(serial=serial, group=group), started, read)
        return read

    def identify(self, serial: str) -> Identity | Fault:
        """Ask what answers at a meter's address; in the link's thread only."""
        meter = next(meter for meter in self._setup.meters if meter.serial == serial)
        return self._line.driver.identify(str(meter.device_address))

    @property
    def is_writable(self) -> bool:
        """Whether anything on this link may be written."""
        return self._line.writer is not None

    def write(self, serial: str, register: str, value: Decimal) -> WriteReport | None:
        """Write a register of a meter; in the link's thread only. None: the link is read-only."""
        writer = self._line.writer
        return None if writer is None else writer.write(serial, register, value)

    def _run_errands(self) -> bool:
        """Return whether there were any; nobody else takes them out."""
        has_any = False
        while not self._errands.empty():
            has_any = True
            self._work_off()
            self._errands.get_nowait().work(self)
        return has_any

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
            load=self._schedule.load,
            stretched=self._schedule.stretched_groups(),
            unknown=tuple(sorted(frozenset(self._unknown))),
            clock_drifts_s=self._clocks.drifts_s,
            suspects=self._schedule.suspects(),
            crc_errors=counts.crc_errors,
            late_answers=counts.late_answers,
            probes=counts.probes,
            running_s=time.monotonic() - self._started_s,
            busy_s=counts.busy_s,
            turnaround_p50_s=counts.turnarounds.quantile_s(0.5),
            turnaround_p99_s=counts.turnarounds.quantile_s(0.99),
            last_good=self._last_good.copy(),
            has_sound_frame=any(self._sound.copy().values()),
            meters=tuple(meter.serial for meter in self._setup.meters),
        )

    def _now(self) -> Moment:
        return Moment(utc=self._parts.clock.now_utc(), wall_s=time.monotonic())

    def _look_around(self, now: Moment) -> None:
        """Once a second: is the link asked for too much? Whether the clock was set: each time."""
        self._follow_clock(now)
        if now.wall_s - self._looked_s < LONGEST_WAIT_S:
            return
        self._looked_s = now.wall_s
        self._schedule.correct_for_clock(now)
        self._tell(self._schedule.look_at_load(now))
        for notice in self._line.take_notices():
            _LOG.warning("link.news", kind=notice.kind, text=notice.text)
            self._parts.announce(notice.kind, f"link {self.name}: {notice.text}")
        if now.wall_s - self._learnt_s >= LEARNT_EVERY_S:
            self._learnt_s = now.wall_s
            self._remember()

    def _follow_clock(self, now: Moment) -> None:
        """Have what was learnt outlast a step of the clock: as much time has passed as before."""
        moved = clock_step(self._last, now, self._parts.clock)
        if moved is not None:
            self._work_off()
            self._line.driver.clock_moved(moved, now.utc - moved)
        self._last = now

    def _run_job(self, job: Job, started: Moment) -> Moment:
        """Read what the job asks for; return when the line was free again."""
        key = job.key
        if key.group == IDENTIFY and key.serial in self._unknown:
            self._work_off()
            self._identify_job(key, started)
            return self._now()
        kind = JobKind(key.serial, key.group)
        heard = self._line.hear(kind, self._retry_count(key.serial), self._work_off, started.utc)
        now = self._now()
        self._work_off()
        if heard.has_asked:
            finished = self._finish(
                key,
                (started, now),
                has_answered=heard.has_answered,
                is_link_down=heard.is_link_down,
            )
        else:
            finished = self._schedule.passed_over(key, now)
        if finished.is_frame_due:
            self._left = lambda: self._hand_on(kind, started, heard.read())
        if finished.news:
            self._tell(finished.news)
        return now

    def _work_off(self) -> None:
        """Hand on what was read last, unless it was done while the next meter was asked."""
        left, self._left = self._left, None
        if left is not None:
            left()

    def _finish(
        self,
        key: JobKey,
        span: tuple[Moment, Moment],
        *,
        has_answered: bool,
        is_link_down: bool,
    ) -> Finished:
        """Note a job by when it was started and when it was over."""
        started, now = span
        if is_link_down:
            return self._schedule.postpone(key, now)
        spent_s = now.wall_s - started.wall_s
        return self._schedule.finish(key, now, spent_s=spent_s, has_answered=has_answered)

    def _identify_job(self, key: JobKey, started: Moment) -> None:
        """Ask an unknown meter what it is, and poll it once that is certain."""
        said = self.identify(key.serial)
        is_fault = isinstance(said, Fault)
        finished = self._finish(
            key,
            (started, self._now()),
            has_answered=not isinstance(said, Fault) or not said.is_silence,
            is_link_down=isinstance(said, Fault) and said.kind is FaultKind.LINK_DOWN,
        )
        self._tell(finished.news)
        if isinstance(said, Identity) and len(said.profiles) == 1:
            self._adopt(key.serial, said.profiles[0])
        elif not is_fault:
            self._quarantine(key.serial, said)

    def _adopt(self, serial: str, reference: str) -> None:
        try:
            meter = self._setup.identified(serial, reference)
        except ConfigError as error:
            self._quarantine(serial, str(error))
            return
        if self._line.take is None:
            return
        self._line.take(self._setup.modbus_meter(meter))
        self._unknown.discard(serial)
        self._quarantined.discard(serial)
        cadences = [(JobKey(serial, group), every) for group, every in meter.intervals.items()]
        self._schedule.exchange(serial, cadences, self._now(), self._setup.zone)
        _LOG.info("meter.identified", link=self.name, device=serial, profile=reference)
        self._parts.announce("meter_identified", f"{serial} on link {self.name} is {reference}")

    def _quarantine(self, serial: str, said: Identity | Fault | str) -> None:
        if serial in self._quarantined:
            return
        self._quarantined.add(serial)
        reason = said if isinstance(said, str) else "nothing that is known fits its answers"
        if isinstance(said, Identity) and said.profiles:
            each = "; ".join(said.told_by or said.profiles)
            reason = f"its answers fit several profiles equally well; its display tells: {each}"
        _LOG.warning("meter.unknown", link=self.name, device=serial, reason=reason)
        self._parts.announce(
            "meter_unknown", f"{serial} on link {self.name} is not polled: {reason}"
        )

    def _look_at_clock(self, serial: str, shown: datetime, at_utc: datetime) -> None:
        drift_s = self._clocks.look(serial, shown, at_utc)
        if drift_s is None:
            return
        side = "ahead" if drift_s > 0 else "behind"
        self._parts.announce(
            "meter_clock", f"{serial}: its own clock is {abs(drift_s):.0f} s {side}"
        )

    def _retry_count(self, serial: str) -> int:
        """Return how often to repeat: not at all for a meter that was silent, now or ever."""
        standing = self._schedule.standing(serial)
        is_trusted = standing.has_answered and not standing.misses
        return self._setup.config.retry_count if is_trusted else 0

    def _hand_on(self, job: JobKind, started: Moment, read: JobRead) -> None:
        for notice in read.notices:
            self._parts.announce(notice.kind, notice.text)
        frame = build_frame(job, read, started.utc, is_raw_kept=self._parts.is_raw_kept)
        self._parts.outbox.add(frame, time.monotonic() - started.wall_s)
        self._frames += 1
        if read.meter_clock is not None:
            self._look_at_clock(job.serial, read.meter_clock, started.utc)
        self._sound[job.serial, job.group] = bool(read.values) and not read.quality
        if any(quantity not in read.quality for quantity in read.values):
            self._last_good[job.serial] = started.utc

    def _tell(self, news: Sequence[News]) -> None:
        for each in news:
            text = _TEXTS[each.kind].format(link=self.name, meter=each.serial, details=each.text)
            _LOG.warning("link.news", kind=each.kind, text=text)
            self._parts.announce(each.kind, text)
            if each.kind is NewsKind.LINK_SILENT:
                self._line.driver.close()
                self._schedule.reopened()


_NOT_IDENTIFIED = Fault(
    kind=FaultKind.MISMATCH, quality=BAD_PROFILE, detail="the meter is not identified yet"
)
_TEXTS: Mapping[NewsKind, str] = {
    NewsKind.METER_SILENT: "{meter} on link {link} gives no usable answer",
    NewsKind.METER_ANSWERS: "{meter} on link {link} answers again",
    NewsKind.LINK_SILENT: "no meter of link {link} answers; the line is opened afresh",
    NewsKind.LINK_ANSWERS: "link {link} is heard again",
    NewsKind.OVERRUN: "link {link}: {details}",
}
