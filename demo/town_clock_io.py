"""The file that ties several processes, and several runs, to one town time."""

import json
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from demo.town_clock import Anchor, TownClock, resumed

SAVED_EVERY_S = 1.0
"""Machine seconds between two saves: a killed town goes on at most this much (x rate) later."""


class ClockFileError(ValueError):
    """The clock file cannot be read; the text names the file and the remedy."""


HELD_FOR_S = 86_400.0
"""How far ahead the anchor of a held town lies: longer than any start takes."""


def start_clock(
    path: Path, start_utc: datetime, rate: float, *, is_held: bool = False
) -> TownClock:
    """Return the town's clock for the process that starts the town, and write its file.

    The first run begins at `start_utc`. A later run over the same file goes on where the town
    was last seen, however long the machine was off in between. A held clock stands still in
    every process until `let_go`.
    """
    first_utc = start_utc
    if path.exists():
        before, latest_utc = _read(path)
        first_utc = max(start_utc, resumed(latest_utc, before, SAVED_EVERY_S))
    anchor = Anchor(start_utc=first_utc, wall_start_s=_now_s(is_held), rate=rate)
    clock = TownClock(anchor, time.monotonic)
    save_progress(path, clock)
    return clock


def _now_s(is_held: bool) -> float:  # noqa: FBT001  # one caller, two lines above
    return time.monotonic() + (HELD_FOR_S if is_held else 0.0)


def let_go(path: Path, clock: TownClock) -> None:
    """Let a held town run, in this process and in every process that joined its clock."""
    clock.anchor = replace(clock.anchor, wall_start_s=time.monotonic())
    save_progress(path, clock)


def join_clock(path: Path) -> TownClock:
    """Return the clock that another process of this machine started with `start_clock`.

    `time.monotonic` is one clock for all processes of a machine (Python library reference), so
    a change of the machine's date moves no town.

    Raises:
        ClockFileError: The file is missing or is not a clock file.
    """
    return TownClock(_read(path)[0], time.monotonic, lambda: _read(path)[0])


def save_progress(path: Path, clock: TownClock) -> None:
    """Write the anchor and the town's present time; the file is replaced whole."""
    anchor = clock.anchor
    body = {
        "start_utc": anchor.start_utc.isoformat(),
        "wall_start_s": anchor.wall_start_s,
        "rate": anchor.rate,
        "latest_utc": clock.now_utc().isoformat(),
    }
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_text(json.dumps(body) + "\n", encoding="utf-8")
    fresh.replace(path)


def keep_saving(path: Path, clock: TownClock, stop: threading.Event) -> None:
    """Save the progress every `SAVED_EVERY_S` until `stop`, and once more at the end."""
    while not stop.wait(SAVED_EVERY_S / 2):
        save_progress(path, clock)
    save_progress(path, clock)


def _read(path: Path) -> tuple[Anchor, datetime]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        anchor = Anchor(
            start_utc=datetime.fromisoformat(body["start_utc"]).astimezone(UTC),
            wall_start_s=float(body["wall_start_s"]),
            rate=float(body["rate"]),
        )
        return anchor, datetime.fromisoformat(body["latest_utc"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path}: is no town clock ({error}); delete the demo's data with demo-reset"
        raise ClockFileError(message) from error
