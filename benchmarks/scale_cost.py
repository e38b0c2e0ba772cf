"""Reads how much processor time the processes of a benchmark have had, by kind (Linux)."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Fields of /proc/PID/stat behind the command's name; proc(5)."""

Seconds = Mapping[str, float]
"""By kind of process."""


def processor_s(data_folder: Path) -> Seconds:
    """Return the processor seconds of what runs below this process, and of its PostgreSQL.

    Args:
        data_folder: Of the PostgreSQL, whose processes are nobody's children.
    """
    stats = dict(_stats())
    postmaster = int((data_folder / "postmaster.pid").read_text().split("\n", 1)[0])
    found: dict[str, float] = {}
    for root, kind in ((os.getpid(), None), (postmaster, "PostgreSQL")):
        for pid in _tree(root, stats):
            name = kind or _kind(pid)
            if name is not None:
                found[name] = found.get(name, 0.0) + stats[pid][1]
    return found


def since(before: Seconds, after: Seconds) -> dict[str, float]:
    """Return what each kind has had in between."""
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def _stats() -> Iterator[tuple[int, tuple[int, float]]]:
    """Yield each process with its parent and its processor seconds."""
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        seconds = (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_PER_S
        yield int(folder.name), (int(fields[_PARENT]), seconds)


def _tree(root: int, stats: Mapping[int, tuple[int, float]]) -> list[int]:
    found = [root]
    for pid in found:
        found += [child for child, (parent, _) in stats.items() if parent == pid]
    return found


def _kind(pid: int) -> str | None:
    """Return what a process is to the benchmark; None: not measured."""
    try:
        command = (PROC / str(pid) / "cmdline").read_bytes().decode()
    except (FileNotFoundError, ProcessLookupError):
        return None
    kinds = {
        "mosquitto.conf": "broker",
        "ingest_gateways": "gateways",
        "sync_server": "writers",
        "scale_floor": "writers",
    }
    return next((kind for word, kind in kinds.items() if word in command), None)
