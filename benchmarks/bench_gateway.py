"""Measures the gateway against what the library, the bus and the disk can do at best.

Run `make bench-gateway`. Throughput is measured in rounds, limit and value one after the other;
the ratio is the median of the rounds' ratios, because what else the machine does changes from
round to round. Meters, broker, server and gateway are processes of their own.

    gateway_meters    simulated meters: a bare socket, and a pseudo-terminal paced like a wire
    gateway_limits    the bare pymodbus loop
    gateway_sink      the server's end: takes batches and acknowledges them
    gateway_process   the gateway, on a clock that may run faster
    gateway_backlog   a queue file with 100,000 frames
    gateway_peer      ThingsBoard's gateway, with PEERS=1 in an environment of its own
    gateway_site      starts them all

A clock of 1000 times the wall's makes every meter due at any moment, so that the gateway reads
as fast as it can. One "point" is a 32-bit value in the block that is read; 13 of the 20 have a
name on the wire for a heat meter and travel, all 20 are decoded with their raw words kept.
"""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.gateway_meters import (
    CHAR_S,
    POINTS,
    READINGS,
    REGISTERS,
    RTU_TURNAROUND_S,
    UNITS,
)
from benchmarks.gateway_peer import PEER, PeerSite, peer_python, peer_readings_per_s
from benchmarks.gateway_site import (
    MOSQUITTO,
    Child,
    Count,
    Settings,
    broker,
    child,
    count,
    gateway,
    resident_mb,
    wait_until,
    written_bytes,
)

RESULTS = Path(__file__).parent / "results"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
BARE_S = 3.0
WARM_UP_S = 2.0
PIPELINE_S = 5.0
DEAD_S = 40.0
"""One second between readings, one second to wait, 40 s: how other gateways were measured."""

RTU_S = 20.0
BACKLOG = 100_000
FAST = 1000.0

ONE_DEAD = (25,)
FIVE_DEAD = (5, 15, 25, 35, 45)

RTU_LIMIT = POINTS / ((13 + 2 * REGISTERS + 7) * CHAR_S + RTU_TURNAROUND_S)
"""Points per second of a 9600-baud bus: 93 characters, two silences of 3.5, 20 ms to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table.

    Attributes:
        name: What was measured.
        value: Its figure.
        unit: Of value and limit.
        limit: What can be done at best, or what is allowed.
        ratio: Value over limit; None where the limit is a bound and no measure.
        target: What was asked for.
        ok: Whether it was reached; None: not run.
    """

    name: str
    value: float | None
    unit: str
    limit: float
    ratio: float | None
    target: str
    ok: bool | None


def main() -> None:
    """Measure everything, print the table, keep the results."""
    began_s = time.monotonic()
    load = [os.getloadavg()[0]]
    results = [_throughput()]
    results += _dead_meters()
    results += [_rtu(), _backlog(), _peer(results[0].value or 0.0)]
    load.append(os.getloadavg()[0])
    passed_s = time.monotonic() - began_s
    lines = [
        _machine(),
        f"Load {load[0]:.1f} before, {load[1]:.1f} after; {ROUNDS} rounds, {passed_s:.0f} s",
        "",
        *table(results),
        "",
        "Bytes written: write_bytes of /proc/PID/io of the gateway over the window, WAL, marks and",
        "checkpoints included, over the plain bytes of the batches that left it in that window.",
        "fsync is nearly free on virtual disks; power cut and flash wear were not measured.",
    ]
    text = "\n".join(lines)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gateway.txt").write_text(text + "\n", encoding="utf-8")
    kept = {"machine": lines[0], "load": load, "results": [asdict(each) for each in results]}
    (RESULTS / "gateway.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _site(
    meters: Sequence[str], settings: Callable[[str], Settings], *sink_keeps: str
) -> Iterator["_Site"]:
    """Run meters, broker, sink and gateway in an empty folder."""
    with (
        tempfile.TemporaryDirectory() as name,
        child("benchmarks.gateway_meters", *meters) as plant,
        broker(Path(name)) as port,
        child("benchmarks.gateway_sink", str(port), *sink_keeps) as sink,
    ):
        sink.line()
        with gateway(Path(name), port, settings(plant.line())) as process:
            wait_until(lambda: count(sink).frames, "the first frame")
            yield _Site(sink=sink, gateway=process)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    sink: Child
    gateway: Child

    def over(self, seconds: float) -> tuple[Count, Count]:
        """Return what had come at the begin and at the end of a window."""
        before = count(self.sink)
        time.sleep(seconds)
        return before, count(self.sink)

    def measured_in(self, seconds: float, of: Sequence[str]) -> int:
        """Return the readings of these meters in the first seconds, by when they were measured.

        What had come at a moment would be wrong by a batch, which is a second of a slow gateway.
        """
        begin_ms: int = min(at_ms for at_ms, _, _ in count(self.sink).dated)
        end_ms = begin_ms + int(1000 * seconds)
        wait_until(
            lambda: max(at_ms for at_ms, _, _ in count(self.sink).dated) > end_ms + 2000,
            "the end of the window",
            within_s=2 * seconds,
        )
        dated = count(self.sink).dated
        came = Counter[str]()
        for at_ms, who, many in dated:
            came[who] += many if at_ms < end_ms else 0
        # every meter is asked once more at the start: that makes up for nobody else's loss
        return sum(min(came[who], int(READINGS * seconds)) for who in of)


def _throughput() -> Result:
    values, limits = [], []
    for number in range(ROUNDS):
        limits.append(_bare())
        values.append(_pipeline())
        _tell(f"round {number + 1} of {ROUNDS}: {values[-1] / limits[-1]:.2f}")
    ratios = [value / limit for value, limit in zip(values, limits, strict=True)]
    ratio = statistics.median(ratios)
    return Result(
        name="durable pipeline / bare pymodbus sync loop",
        value=round(statistics.median(values)),
        unit="points/s",
        limit=round(statistics.median(limits)),
        ratio=round(ratio, 3),
        target=">= 0.5",
        ok=ratio >= 0.5,  # noqa: PLR2004  # the target
    )


def _bare() -> float:
    with child("benchmarks.gateway_meters", "tcp") as plant:
        done = subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-m", "benchmarks.gateway_limits", plant.line(), str(BARE_S)],
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout)


def _pipeline() -> float:
    settings = lambda port: Settings(url=_tcp(port), rate=FAST)  # noqa: E731  # one line
    with _site(["tcp"], settings) as site:
        time.sleep(WARM_UP_S)
        before, after = site.over(PIPELINE_S)
    return POINTS * (after.frames - before.frames) / (after.at_s - before.at_s)


def _tcp(port: str) -> str:
    return f"tcp://127.0.0.1:{port}"


def _dead_meters() -> list[Result]:
    """Return the rows of one and of five dead meters; the first also tells what is written."""
    results = []
    last = 0.0
    for dead, target in ((ONE_DEAD, 0.99), (FIVE_DEAD, 0.95)):
        names = [str(unit) for unit in dead]
        healthy = [f"M-{unit}" for unit in UNITS if unit not in dead]
        with _site(["tcp", *names], lambda port: Settings(url=_tcp(port)), "dated") as site:
            written, before = written_bytes(site.gateway.process.pid), count(site.sink)
            rate = site.measured_in(DEAD_S, healthy) / DEAD_S
            after = count(site.sink)
            written = written_bytes(site.gateway.process.pid) - written
        ideal = READINGS * len(healthy)
        _tell(f"{len(dead)} dead: {rate / ideal:.3f}")
        results.append(
            Result(
                name=f"{len(dead)} of 50 meters dead: the healthy, from the start on",
                value=round(rate, 1),
                unit="readings/s",
                limit=ideal,
                ratio=round(rate / ideal, 3),
                target=f">= {target}",
                ok=rate / ideal >= target,
            )
        )
        plain = after.plain_bytes - before.plain_bytes
        last = written / plain
    return [*results, _bound("bytes written per payload byte, 50 frames/s", last, "bytes", 3.5)]


def _bound(name: str, value: float, unit: str, most: float) -> Result:
    return Result(
        name=name,
        value=round(value, 2),
        unit=unit,
        limit=most,
        ratio=None,
        target=f"<= {most:g}",
        ok=value <= most,
    )


def _rtu() -> Result:
    def settings(port: str) -> Settings:
        url = f"rtu://{port}?baud=9600&parity=N&stopbits=1"
        return Settings(url=url, units=(1,), rate=FAST)

    with _site(["rtu"], settings) as site:
        time.sleep(WARM_UP_S)
        before, after = site.over(RTU_S)
    rate = POINTS * (after.frames - before.frames) / (after.at_s - before.at_s)
    ratio = rate / RTU_LIMIT
    return Result(
        name="RTU 9600 8N1, 20 ms turnaround / theory",
        value=round(rate, 1),
        unit="points/s",
        limit=round(RTU_LIMIT, 1),
        ratio=round(ratio, 3),
        target=">= 0.93",
        ok=ratio >= 0.93,  # noqa: PLR2004  # the target
    )


def _backlog() -> Result:
    """Return the memory of a gateway whose queue is full and whose server says nothing."""
    with (
        tempfile.TemporaryDirectory() as name,
        child("benchmarks.gateway_meters", "tcp") as plant,
        broker(Path(name)) as port,
    ):
        folder = Path(name)
        (folder / "var").mkdir()
        file = str(folder / "var" / "queue.sqlite3")
        subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-m", "benchmarks.gateway_backlog", file, str(BACKLOG)], check=True
        )
        with gateway(folder, port, Settings(url=_tcp(plant.line()))) as process:
            pid = process.process.pid
            seen = []
            for _ in range(15):
                time.sleep(1)
                seen.append(resident_mb(pid))
    return _bound(f"resident with {BACKLOG:,} frames queued", max(seen), "MiB", 60.0)


def _peer(ours: float) -> Result:
    python = peer_python()
    name = f"{PEER}: ours is so many times as fast"
    if python is None:
        return Result(
            name=f"{name} (PEERS=1: not run)",
            value=None,
            unit="points/s",
            limit=round(ours),
            ratio=None,
            target=">= 10",
            ok=None,
        )
    with (
        tempfile.TemporaryDirectory() as folder,
        child("benchmarks.gateway_meters", "tcp") as plant,
        broker(Path(folder)) as port,
    ):
        site = PeerSite(
            meter_port=int(plant.line()),
            broker_port=port,
            units=UNITS,
            points=POINTS,
            folder=Path(folder) / "peer",
        )
        rate = peer_readings_per_s(python, site)
    times = ours / rate if rate else float("inf")
    return Result(
        name=name,
        value=round(rate),
        unit="points/s",
        limit=round(ours),
        ratio=round(times, 1),
        target=">= 10",
        ok=times >= 10,  # noqa: PLR2004  # the target
    )


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of the table for a person."""
    lines = [f"{'':52}{'value':>10} {'limit':>10} {'ratio':>7}  target"]
    for each in results:
        verdict = "not run" if each.ok is None else "ok" if each.ok else "MISSED"
        value = "-" if each.value is None else each.value
        ratio = "-" if each.ratio is None else each.ratio
        lines.append(
            f"{each.name:52}{value:>10} {each.limit:>10} {ratio:>7}  "
            f"{each.target} {verdict} ({each.unit})"
        )
    return lines


def _machine() -> str:
    version = subprocess.run(  # noqa: S603  # a fixed command
        [MOSQUITTO, "-h"], capture_output=True, text=True, check=False
    ).stdout.splitlines()[0]
    return (
        f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}; {version}; "
        f"SQLite {sqlite3.sqlite_version}; Python {platform.python_version()}"
    )


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
