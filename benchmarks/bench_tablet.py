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
    """One figure with its limit; `is_met` is whether it stays within."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Return whether the limit is kept."""
        return self.value <= self.limit

    def line(self) -> str:
        """Return the figure as it is printed."""
        word = "met" if self.is_met else "MISSED"
        return f"{self.name:58} {self.value:9.2f} {self.unit:3} limit {self.limit:7.1f}  {word}"


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
    first, listed, cpu = [], [], []
    for number in range(STARTS):
        folder = work / f"start-{number}"
        shutil.copytree(store, folder)
        found = scene("start", folder)
        first.append(float(str(found["first_frame_s"])))
        listed.append(float(str(found["list_s"])))
        cpu.append(float(str(found["list_cpu_s"])))
    print(f"  processor seconds of a start to the list: {statistics.median(cpu):.2f}")
    return [
        _row("first frame, software GL (median of 5)", statistics.median(first), 1.0, "s"),
        _row(
            "list of 10,000 orders visible, software GL (median of 5)",
            statistics.median(listed),
            1.8,
            "s",
        ),
    ]


def _frames(store: Path, work: Path) -> list[Row]:
    folder = work / "scroll"
    shutil.copytree(store, folder)
    scrolled = scene("scroll", folder)
    pulls = []
    for number in range(PULLS):
        pulled = scene("pull", work / f"pull-{number}")
        pulls.append(share(pulled["frames_ms"], 99.5))
    return [
        _row("Python per frame while scrolling, p95", share(scrolled["frames_ms"], 95), 3.0, "ms"),
        _row(
            "frame during pulls of 10,000, p99.5 of 2,000 (median of 3)",
            statistics.median(pulls),
            33.0,
            "ms",
        ),
        _row("memory with the list of 10,000, no GL", float(str(scrolled["rss_mb"])), 200.0, "MB"),
    ]


def _saving(store: Path, work: Path) -> list[Row]:
    folder = work / "save"
    shutil.copytree(store, folder)
    saved = scene("save", folder)
    return [
        _row("tap to durable, p95 of 120 answers", share(saved["durable_ms"], 95), 50.0, "ms"),
        _row("longest frame while answers are saved", share(saved["frames_ms"], 100), 50.0, "ms"),
    ]


def _row(name: str, value: float, limit: float, unit: str) -> Row:
    row = Row(name=name, value=value, limit=limit, unit=unit)
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
