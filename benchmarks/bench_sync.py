"""Measures the sync of a real tablet with a real server against HTTP and SQLite without a protocol.

Run `make bench-sync` on a machine that does nothing else. Each round measures the plain limit and
ours one after the other, in turn first; value and limit in the table are the medians of the rounds,
the ratio is the median of the rounds' ratios, because what else the machine does changes from round
to round. Before the push that is measured, each side pushes one edit: a server compiles the
statements of a push when the first one comes, once in its life. Servers are processes of their own;
the tablet is this one. The processor time of both sides together tells what the same costs where
there is but one processor, or a busy one.

    sync_town      orders of 1 kB, crews, tablets
    sync_plain     the limit: requests and sqlite3, no protocol
    sync_ours      the tablet's real store and engine
    sync_site      the servers, and a relay that counts bytes
    sync_swarm     500 tablets at 07:30
"""

import gc
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TypeVar

from benchmarks.sync_ours import OurTablet
from benchmarks.sync_plain import PlainTablet, make_server_file, make_tablet_file
from benchmarks.sync_site import (
    Served,
    counting_relay,
    plain_server,
    real_server,
    run_swarm,
)
from benchmarks.sync_town import (
    CHANGED_ORDERS,
    ORDERS,
    MorningTown,
    OrderTown,
    found_morning_town,
    found_order_town,
)

ROUNDS = 11
EDITS = 1000
MORNINGS = 3
RESULTS = Path(__file__).parent / "results"
_OK = 200
_LEAST_S = 1e-6
DURABILITY = (
    "Durability: every commit is synced (FULL) on both sides, but a sync is nearly free on a "
    "virtual disk."
)

Round = Mapping[str, float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table; `limit` and `ratio` are 0 where the target is a number of its own."""

    name: str
    value: float
    unit: str
    limit: float
    ratio: float
    target: str
    ok: bool


def main() -> None:
    """Measure, print the table, write the results."""
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _tell("making the towns, about two minutes")
        town, morning = found_order_town(folder), found_morning_town(folder)
        rounds = []
        for number in range(1, ROUNDS + 1):
            rounds.append(_round(town, _folder(folder, f"round-{number}"), number))
            load.append(os.getloadavg()[0])
            _tell(f"round {number} of {ROUNDS}: {_shown(rounds[-1])}")
        wire = _bytes(town, _folder(folder, "wire"))
        mornings = [
            _morning(morning, _folder(folder, f"morning-{number}")) for number in range(MORNINGS)
        ]
    results = [*judge(rounds), *judge_wire(wire), *judge_mornings(mornings)]
    lines = [_machine(), _load_line(load), *table(results), DURABILITY]
    print("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sync.txt").write_text("\n".join(lines) + "\n")
    (RESULTS / "sync.json").write_text(
        json.dumps([asdict(each) for each in results], indent=2) + "\n"
    )


def _folder(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    return folder


def _round(town: OrderTown, folder: Path, number: int) -> Round:
    figures: dict[str, float] = {}
    contestants: list[Callable[[], Round]] = [
        lambda: _plain_round(town, _folder(folder, "plain")),
        lambda: _our_round(town, _folder(folder, "ours")),
    ]
    for contestant in contestants[:: 1 if number % 2 else -1]:
        gc.collect()
        os.sync()
        figures.update(contestant())
    return figures


def _edited(town: OrderTown) -> list[str]:
    return [order_id for order_id, _ in town.documents[:: ORDERS // EDITS]]


def _first_edited(town: OrderTown) -> list[str]:
    """Return an order that `_edited` leaves out, for a push of one edit that is not measured."""
    return [town.documents[1][0]]


def _plain_round(town: OrderTown, folder: Path) -> Round:
    make_server_file(folder / "server", town.documents)
    make_tablet_file(folder / "tablet")
    with plain_server(folder / "server") as server:
        tablet = PlainTablet(folder / "tablet", server.url)
        pull, pulled = _timed(server, tablet.pull)
        tablet.edit(_first_edited(town))
        tablet.push()
        tablet.edit(_edited(town))
        push, pushed = _timed(server, tablet.push)
        tablet.close()
    if (pulled, pushed) != (ORDERS, EDITS):
        message = f"the plain limit pulled {pulled} rows and pushed {pushed} edits"
        raise RuntimeError(message)
    return _figures("plain pull", pull) | _figures("plain push", push)


def _our_round(town: OrderTown, folder: Path) -> Round:
    with real_server(town.template, folder) as server:
        tablet = OurTablet(_folder(folder, "tablet"), server.url, town)
        pull, _ = _timed(server, tablet.sync)
        tablet.edit(_first_edited(town))
        tablet.push(1)
        tablet.edit(_edited(town))
        push, _ = _timed(server, lambda: tablet.push(EDITS))
        tablet.demand_no_looks()
        tablet.close()
    return _figures("pull", pull) | _figures("push", push)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """How long something took, and the processor time of both sides together."""

    wall_s: float
    processor_s: float


def _timed(server: Served, act: Callable[[], T]) -> tuple[_Taken, T]:
    before_s, started_s = server.processor_s() + process_time(), perf_counter()
    answer = act()
    wall_s = perf_counter() - started_s
    processor_s = server.processor_s() + process_time() - before_s
    return _Taken(wall_s=wall_s, processor_s=processor_s), answer


def _figures(name: str, taken: _Taken) -> dict[str, float]:
    return {name: taken.wall_s, f"processor of {name}": taken.processor_s}


def _edit_and_push(tablet: OurTablet, town: OrderTown) -> None:
    tablet.edit(_edited(town))
    tablet.push(EDITS)


def _bytes(town: OrderTown, folder: Path) -> Round:
    """Return what goes over the wire, both ways together, headers and all."""
    figures: dict[str, float] = {}
    with (
        real_server(town.template, folder) as near,
        counting_relay(near.url) as (url, traffic),
    ):
        tablet = OurTablet(_folder(folder, "tablet"), url, town)
        for name, act in (
            ("pull", tablet.sync),
            ("idle", tablet.sync),
            ("push", lambda: _edit_and_push(tablet, town)),
        ):
            act()
            carried = traffic.taken()
            figures[f"{name} up"], figures[f"{name} down"] = carried.up, carried.down
        tablet.close()
    make_server_file(folder / "plain", town.documents)
    make_tablet_file(folder / "plain-tablet")
    with plain_server(folder / "plain") as near, counting_relay(near.url) as (url, traffic):
        plain = PlainTablet(folder / "plain-tablet", url)
        plain.pull()
        figures["plain pull"] = (carried := traffic.taken()).up + carried.down
        plain.close()
    return figures


def _morning(town: MorningTown, folder: Path) -> Round:
    tokens = folder / "tokens.json"
    tokens.write_text(json.dumps(town.tablets))
    with real_server(town.template, folder) as server:
        tablets = run_swarm(server.url, tokens)
    times = [seconds for seconds, _, _ in tablets]
    wrong = [each for each in tablets if each[1] != _OK or each[2] < CHANGED_ORDERS]
    figures = {
        "p99": statistics.quantiles(times, n=100, method="inclusive")[98],
        "median": statistics.median(times),
        "errors": float(len(wrong)),
    }
    _tell(f"morning of {len(tablets)} tablets: {_shown(figures)}")
    return figures


def judge(rounds: Sequence[Round]) -> list[Result]:
    """Return the lines of pull and push."""
    return [
        _against(f"pull of {ORDERS:,} orders of 1 kB", rounds, ("pull", "plain pull"), 1.5),
        _processor(rounds, "pull"),
        _against(f"push of {EDITS:,} edits", rounds, ("push", "plain push"), 2.0),
        _processor(rounds, "push"),
    ]


def _processor(rounds: Sequence[Round], what: str) -> Result:
    names = (f"processor of {what}", f"processor of plain {what}")
    return _against("  processor time of both sides", rounds, names, None)


def _against(
    name: str, rounds: Sequence[Round], names: tuple[str, str], most: float | None
) -> Result:
    ours, plain = names
    ratio = statistics.median(each[ours] / max(each[plain], _LEAST_S) for each in rounds)
    return Result(
        name=name,
        value=round(statistics.median(each[ours] for each in rounds), 3),
        unit="s",
        limit=round(statistics.median(each[plain] for each in rounds), 3),
        ratio=round(ratio, 2),
        target="none" if most is None else f"<= {most:.1f}",
        ok=most is None or ratio <= most,
    )


def judge_wire(wire: Round) -> list[Result]:
    """Return the lines of the bytes, both directions together."""
    pull = (wire["pull up"] + wire["pull down"]) / 1e6
    plain = wire["plain pull"] / 1e6
    idle = wire["idle up"] + wire["idle down"]
    return [
        Result(
            name="  bytes of that pull, to and fro",
            value=round(pull, 3),
            unit="MB",
            limit=round(plain, 3),
            ratio=round(pull / plain, 2),
            target="<= 1.8 MB",
            ok=pull <= 1.8,  # noqa: PLR2004  # sync spec 3
        ),
        _alone("  bytes of that push, sent", wire["push up"] / 1e3, "kB"),
        _alone("idle poll, to and fro", idle, "B", 400),
    ]


def judge_mornings(mornings: Sequence[Round]) -> list[Result]:
    """Return the lines of the 500 tablets."""
    middle: dict[str, float] = defaultdict(float)
    for name in ("p99", "median"):
        middle[name] = statistics.median(each[name] for each in mornings)
    errors = sum(each["errors"] for each in mornings)
    return [
        _alone("500 tablets at once, p99", middle["p99"], "s", 5),
        _alone("  the middle one", middle["median"], "s"),
        _alone("  errors", errors, "tablets", 0),
    ]


def _alone(name: str, value: float, unit: str, most: float | None = None) -> Result:
    return Result(
        name=name,
        value=round(value, 2),
        unit=unit,
        limit=0,
        ratio=0,
        target="none" if most is None else f"<= {most:g} {unit}",
        ok=most is None or value <= most,
    )


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of the table for a person."""
    lines = [f"{'':36}{'value':>10} {'limit':>10} {'ratio':>7}  target"]
    for each in results:
        verdict = "" if each.target == "none" else " ok" if each.ok else " MISSED"
        limit, ratio = (each.limit, each.ratio) if each.limit else ("", "")
        lines.append(
            f"{each.name:36}{each.value:>10} {limit:>10} {ratio:>7}  "
            f"{each.target}{verdict} ({each.unit})"
        )
    return lines


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in text if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or "unknown processor"
    return (
        f"{processor}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}; "
        f"SQLite {sqlite3.sqlite_version}; Python {platform.python_version()}"
    )


def _load_line(load: Sequence[float]) -> str:
    shown = ", ".join(f"{each:.1f}" for each in load)
    return f"Load average before the first and after each round: {shown}"


def _shown(figures: Round) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
