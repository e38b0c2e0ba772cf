"""Measures links itself: reads every meter in turn for some seconds, all links at once."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edge_gateway.clock_io import SystemClock
from edge_gateway.commands.bus_figures import BusFigures, MeterFigures
from edge_gateway.links.driver import JobKind, JobRead
from edge_gateway.links.patience import quantile
from edge_gateway.polling.drivers_io import make_line
from edge_gateway.polling.profiles_io import LinkSetup
from firmware_profiles.cadence import period_of

LINE_PAUSE_S = 0.5
"""Wall seconds before a line that cannot be opened is tried again."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What the reads of one meter came to."""

    durations_ms: list[float] = field(default_factory=list)
    good: int = 0
    note: str = ""

    def add(self, read: JobRead, duration_ms: float) -> None:
        self.durations_ms.append(duration_ms)
        if read.values:
            self.good += 1
        elif read.faults:
            last = read.faults[-1]
            self.note = f"{last.quality}: {last.detail or last.kind}"

    def figures(self, serial: str) -> MeterFigures:
        ordered = sorted(self.durations_ms)
        return MeterFigures(
            serial=serial,
            reads=len(ordered),
            good=self.good,
            p50_ms=round(quantile(ordered, 0.5), 1) if ordered else None,
            p99_ms=round(quantile(ordered, 0.99), 1) if ordered else None,
            note=self.note,
        )


def measure_links(
    links: Sequence[LinkSetup], seconds: float, step: Callable[[float], None]
) -> Sequence[BusFigures]:
    """Return what every link did in so many wall seconds of reading without a pause.

    Args:
        links: The links; nobody else may be using them.
        seconds: How long.
        step: Told the seconds that are left, now and then, in the calling thread.
    """
    found: dict[str, BusFigures] = {}
    until_s = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_measure, args=(link, until_s, found), daemon=True)
        for link in links
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            step(max(0.0, until_s - time.monotonic()))
            thread.join(0.1)
    return [found[link.config.name] for link in links if link.config.name in found]


def _measure(link: LinkSetup, until_s: float, found: dict[str, BusFigures]) -> None:
    line = make_line(link.order(SystemClock()))
    tallies = {meter.serial: _Tally() for meter in link.meters}
    durations_s: dict[JobKind, list[float]] = {}
    pause = threading.Event()
    for job in _rounds(link, until_s):
        asked_s = time.monotonic()
        read = line.driver.read(job, retry_count=0)
        taken_s = time.monotonic() - asked_s
        tallies[job.serial].add(read, 1000 * taken_s)
        durations_s.setdefault(job, []).append(taken_s)
        if read.is_link_down:
            pause.wait(max(0.0, min(LINE_PAUSE_S, until_s - asked_s)))
    counts = line.counts()
    line.driver.close()
    found[link.config.name] = BusFigures(
        name=link.config.name,
        is_open=counts.is_open,
        load=_load(link, durations_s),
        requests=counts.requests,
        timeouts=counts.timeouts,
        exceptions=counts.exceptions,
        mismatches=counts.mismatches,
        crc_errors=counts.crc_errors,
        late_answers=counts.late_answers,
        probes=counts.probes,
        reopens=counts.reopens,
        silent_count=sum(not tally.good for tally in tallies.values()),
        p50_ms=_ms(counts.turnarounds.quantile_s(0.5)),
        p99_ms=_ms(counts.turnarounds.quantile_s(0.99)),
        meters=_meters(link, tallies),
    )


def _load(link: LinkSetup, durations_s: Mapping[JobKind, Sequence[float]]) -> float | None:
    """Return the share of the link's time that its intervals ask for, as its jobs took now.

    None before anything was read; above 1 the link cannot keep its intervals.
    """
    if not durations_s:
        return None
    periods_s = {
        JobKind(serial=meter.serial, group=group): period_of(cadence).total_seconds()
        for meter in link.meters
        for group, cadence in meter.intervals.items()
    }
    wanted = sum(sum(each) / len(each) / periods_s[job] for job, each in durations_s.items())
    return round(wanted, 4)


def _rounds(link: LinkSetup, until_s: float) -> Iterator[JobKind]:
    """Yield every group of every known meter in turn, until the time is over; once at least."""
    jobs = [
        JobKind(serial=meter.serial, group=group)
        for meter in link.meters
        if not meter.is_unknown
        for group in meter.intervals
    ]
    is_first = True
    while jobs and (is_first or time.monotonic() < until_s):
        for job in jobs:
            if not is_first and time.monotonic() >= until_s:
                return
            yield job
        is_first = False


def _meters(link: LinkSetup, tallies: Mapping[str, _Tally]) -> Sequence[MeterFigures]:
    return [
        MeterFigures(serial=meter.serial, reads=0, good=0, note="not identified: name its profile")
        if meter.is_unknown
        else tallies[meter.serial].figures(meter.serial)
        for meter in link.meters
    ]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)
