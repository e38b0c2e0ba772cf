"""How fast the tablet is: first frame, the list of 10,000 orders, frames, memory, saving an answer.

Run `make bench-tablet`. Every scene is a process of its own. The start is drawn by software GL
(needs the GL libraries); the frames are Python's share alone, without GL, as on a machine whose
GPU draws. Wall seconds are this machine's: look at the load that stands beside them.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent
STARTS = 5
PULLS = 3

Scene = dict[str, float | list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure with its limit; `is_met` is whether it stays within.

    `worked` is the same of the screen's thread's processor time: what a machine with other work
    makes longer is the difference. None where nothing was measured.
    """

    name: str
    value: float
    limit: float
    unit: str
    worked: float | None = None

    @property
    def is_met(self) -> bool:
        """Return whether the limit is kept."""
        return self.value <= self.limit

    def line(self) -> str:
        """Return the figure as it is printed."""
        word = "met" if self.is_met else "MISSED"
        line = f"{self.name:58} {self.value:9.2f} {self.unit:3} limit {self.limit:7.1f}  {word}"
        return line if self.worked is None else f"{line}  (processor {self.worked:.2f})"


def scene(name: str, folder: Path) -> Scene:
    """Run one scene; return what it measured."""
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    environment["LAMP_STARTED_S"] = str(time.time())
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.tablet_scene", name, str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            found: Scene = json.loads(line.removeprefix("RESULT "))
            return found
    message = f"tablet benchmark: {name}: gave no result\n{done.stderr[-2000:]}"
    raise RuntimeError(message)


def share(values: object, percent: float) -> float:
    """Return a percentile of what a scene measured."""
    if not isinstance(values, list):
        message = f"tablet benchmark: {values!r} is no list of measurements"
        raise TypeError(message)
    ordered = sorted(values)
    return float(ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)])


def _starts(store: Path, work: Path) -> list[Row]:
    found = []
    for number in range(STARTS):
        folder = work / f"start-{number}"
        shutil.copytree(store, folder)
        found.append(scene("start", folder))

    def median(key: str) -> float:
        return statistics.median(float(str(each[key])) for each in found)

    return [
        _row(
            Row(
                name="first frame, software GL (median of 5)",
                value=median("first_frame_s"),
                worked=median("first_frame_cpu_s"),
                limit=1.0,
                unit="s",
            )
        ),
        _row(
            Row(
                name="list of 10,000 orders visible, software GL (median of 5)",
                value=median("list_s"),
                worked=median("list_cpu_s"),
                limit=1.8,
                unit="s",
            )
        ),
    ]


def _frames(store: Path, work: Path) -> list[Row]:
    folder = work / "scroll"
    shutil.copytree(store, folder)
    scrolled = scene("scroll", folder)
    pulls = [scene("pull", work / f"pull-{number}") for number in range(PULLS)]
    return [
        _row(
            Row(
                name="Python per frame while scrolling, p95",
                value=share(scrolled["frames_ms"], 95),
                worked=share(scrolled["worked_ms"], 95),
                limit=3.0,
                unit="ms",
            )
        ),
        _row(
            Row(
                name="frame during pulls of 10,000, p99.5 of 2,000 (median of 3)",
                value=statistics.median(share(each["frames_ms"], 99.5) for each in pulls),
                worked=statistics.median(share(each["worked_ms"], 99.5) for each in pulls),
                limit=33.0,
                unit="ms",
            )
        ),
        _row(
            Row(
                name="memory with the list of 10,000, no GL",
                value=float(str(scrolled["rss_mb"])),
                limit=200.0,
                unit="MB",
            )
        ),
    ]


def _saving(store: Path, work: Path) -> list[Row]:
    folder = work / "save"
    shutil.copytree(store, folder)
    saved = scene("save", folder)
    return [
        _row(
            Row(
                name="tap to durable, p95 of 120 answers",
                value=share(saved["durable_ms"], 95),
                limit=50.0,
                unit="ms",
            )
        ),
        _row(
            Row(
                name="longest frame while answers are saved",
                value=share(saved["frames_ms"], 100),
                worked=share(saved["worked_ms"], 100),
                limit=50.0,
                unit="ms",
            )
        ),
    ]


def _row(row: Row) -> Row:
    print(row.line(), flush=True)
    return row


def main() -> int:
    """Run every scene; print and keep what came of it; 1 when a limit was missed."""
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        scene("prepare", work / "store")
        rows = [
            *_starts(work / "store", work),
            *_frames(work / "store", work),
            *_saving(work / "store", work),
        ]
    machine = (
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}; "
        f"load before {load_before:.1f}, after {os.getloadavg()[0]:.1f}"
    )
    lines = [row.line() for row in rows]
    print(machine)
    RESULTS.mkdir(exist_ok=True)
    body = {"machine": machine, "rows": [{**asdict(row), "is_met": row.is_met} for row in rows]}
    (RESULTS / "tablet.json").write_text(json.dumps(body, indent=1) + "\n")
    (RESULTS / "tablet.txt").write_text("\n".join([*lines, machine]) + "\n")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
