"""What a bus report says of links and meters, wherever the figures come from, and how it looks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wire_contracts.fields import JsonObject

FULL = 0.8
"""Share of the time above which a bus has no room for repeats (gateway notes 4.6: capacity is
counted at 80 % load)."""

MANY_CRC_ERRORS = 0.01
"""Share of requests above which a line is to be looked at: a sound RS-485 bus has none, one per
cent shows as missing values (judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFigures:
    """One meter of a link.

    Attributes:
        serial: Its serial.
        reads: How often it was read; None where that is not counted by meter.
        good: Reads that brought a value.
        p50_ms: Milliseconds that half of its reads did not exceed.
        p99_ms: The same of 99 in 100.
        good_age_s: Seconds since the newest frame with a value; None: none yet, or not known.
        note: What is to be said of it: `silent`, or what went wrong last.
    """

    serial: str
    reads: int | None = None
    good: int | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    good_age_s: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusFigures:
    """One link.

    Attributes:
        name: The link.
        is_open: Whether its line is open.
        load: Share of the time that the line was taken, 0..1; None: not known.
        requests: Requests sent.
        timeouts: Those that nothing answered.
        exceptions: Those that an exception answered.
        mismatches: Those after which something else came.
        crc_errors: Those after which bytes came that pass no checksum.
        late_answers: Answers that came after their time-out and were recognised as late.
        probes: Requests sent only to learn that no late answer is on its way.
        reopens: How often the line was closed because it was doubted or lost.
        silent_count: Meters that do not answer.
        p50_ms: Milliseconds of turnaround that half of the answers did not exceed.
        p99_ms: The same of 99 in 100.
        meters: Its meters.
    """

    name: str
    is_open: bool
    load: float | None = None
    requests: int = 0
    timeouts: int = 0
    exceptions: int = 0
    mismatches: int = 0
    crc_errors: int = 0
    late_answers: int = 0
    probes: int = 0
    reopens: int = 0
    silent_count: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    meters: Sequence[MeterFigures] = ()

    @property
    def crc_rate(self) -> float:
        """Return the share of requests that a wrong checksum spoilt."""
        return self.crc_errors / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BusReport:
    """What all links have done.

    Attributes:
        source: Where the figures come from, for people.
        links: The links, in the order of the settings.
    """

    source: str
    links: Sequence[BusFigures]


def report_json(report: BusReport) -> JsonObject:
    """Return it as one JSON object (docs/gateway.md)."""
    return {"source": report.source, "links": [_link_json(link) for link in report.links]}


def _link_json(link: BusFigures) -> JsonObject:
    return {
        "name": link.name,
        "open": link.is_open,
        "load": link.load,
        "requests": link.requests,
        "timeouts": link.timeouts,
        "exceptions": link.exceptions,
        "mismatches": link.mismatches,
        "crc_errors": link.crc_errors,
        "crc_rate": round(link.crc_rate, 6),
        "late_answers": link.late_answers,
        "probes": link.probes,
        "reopens": link.reopens,
        "silent": link.silent_count,
        "p50_ms": link.p50_ms,
        "p99_ms": link.p99_ms,
        "meters": [
            {
                "serial": meter.serial,
                "reads": meter.reads,
                "good": meter.good,
                "p50_ms": meter.p50_ms,
                "p99_ms": meter.p99_ms,
                "good_age_s": meter.good_age_s,
                "note": meter.note,
            }
            for meter in link.meters
        ],
    }


def report_text(report: BusReport) -> Iterator[str]:
    """Yield the lines for the eye, and what to make of them."""
    yield report.source
    for link in report.links:
        state = "open" if link.is_open else "closed"
        load = "load unknown" if link.load is None else f"load {100 * link.load:.1f} %"
        turnaround = f"turnaround p50 {_ms(link.p50_ms)}, p99 {_ms(link.p99_ms)}"
        yield f"link {link.name}: {state}, {load}, {link.requests} requests, {turnaround}"
        yield (
            f"  {link.timeouts} time-outs, {link.exceptions} exceptions, "
            f"{link.mismatches} mismatches, {link.crc_errors} wrong checksums "
            f"({100 * link.crc_rate:.2f} %), reopened {link.reopens} times"
        )
        if link.probes or link.late_answers:
            yield f"  {link.late_answers} late answers recognised, {link.probes} probes for them"
        yield from (f"  ! {hint}" for hint in _hints(link))
        width = max([len(meter.serial) for meter in link.meters], default=0)
        yield from (f"  {meter.serial:{width}}  {_meter(meter)}" for meter in link.meters)


def _hints(link: BusFigures) -> Iterator[str]:
    if link.silent_count:
        yield f"{link.silent_count} of {len(link.meters)} meters do not answer"
    if link.load is not None and link.load > FULL:
        yield "the bus is full: longer intervals, fewer meters, or a faster line"
    if link.crc_rate > MANY_CRC_ERRORS:
        yield "many wrong checksums: terminators, shield, ground, or two meters at one address"


def _meter(meter: MeterFigures) -> str:
    words = []
    if meter.reads is not None:
        words.append(f"{meter.good or 0} of {meter.reads} reads good")
    if meter.p50_ms is not None:
        words.append(f"p50 {_ms(meter.p50_ms)}, p99 {_ms(meter.p99_ms)}")
    if meter.good_age_s is not None:
        words.append(f"last good {meter.good_age_s:.0f} s ago")
    if meter.note:
        words.append(meter.note)
    return ", ".join(words) or "no good frame yet"


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f} ms"
