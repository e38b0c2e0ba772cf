"""Keeps the gateway on one processor: one interpreter works on one at a time."""

import os
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

_STAT = Path("/proc/self/stat")
_FIELD_OF_PROCESSOR = 39
"""Where the kernel says which processor a process runs on; proc(5), counted from 1."""

_LOG: FilteringBoundLogger = structlog.get_logger()


def keep_to_one_processor() -> int | None:
    """Keep this process, and every thread it starts from now on, on the processor it runs on.

    Links, queue and uplink hand one interpreter to each other some thousand times a second. Handed
    to a thread on another processor that costs a wake-up there and cold caches here: on two
    processors the whole pipeline did 86,000 to 131,000 points a second, on one of them 138,000 to
    172,000, in the same rounds (ADR 0025).

    Which one: the kernel has just put the process where there was room. An administrator narrows
    the choice with systemd's `CPUAffinity=` or `taskset`.

    Returns:
        Number of the processor; None where the system cannot be asked, does not allow it (a filter
        of system calls, as systemd's `~@resources`), or leaves no choice.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = os.sched_getaffinity(0)
    if len(allowed) == 1:
        return None
    here = _processor_now()
    chosen = here if here in allowed else max(allowed)
    try:
        os.sched_setaffinity(0, {chosen})
    except OSError as error:
        _LOG.warning("processor.not_kept", error=str(error))
        return None
    return chosen


def _processor_now() -> int | None:
    try:
        behind_name = _STAT.read_text("ascii", errors="replace").rpartition(")")[2].split()
        return int(behind_name[_FIELD_OF_PROCESSOR - 3])
    except (OSError, ValueError, IndexError):
        return None
