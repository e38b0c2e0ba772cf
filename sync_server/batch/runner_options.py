"""Owns what a person says on the command line of who does the parts of a long work."""

import argparse
from dataclasses import dataclass
from enum import StrEnum


class RunnerKind(StrEnum):
    """IN_PROCESS: here. DASK: by workers of Dask, on this machine or at `--scheduler`."""

    IN_PROCESS = "in-process"
    DASK = "dask"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """What was asked for.

    Attributes:
        kind: Who does the parts.
        scheduler: Address of a cluster's scheduler; None: workers of this machine.
        workers: How many workers on this machine; None: one for each processor.
    """

    kind: RunnerKind = RunnerKind.IN_PROCESS
    scheduler: str | None = None
    workers: int | None = None


def add_runner_options(command: argparse.ArgumentParser) -> None:
    """Let a command be told who does its parts."""
    command.add_argument(
        "--runner",
        type=RunnerKind,
        choices=list(RunnerKind),
        default=RunnerKind.IN_PROCESS,
        help="who does the work: this process, or workers of Dask (lamplighter[batch])",
    )
    command.add_argument("--scheduler", help="a cluster's scheduler, such as tls://HOST:8786")
    command.add_argument("--workers", type=_count, help="workers on this machine; else one a core")


def runner_options(options: argparse.Namespace) -> RunnerOptions:
    """Return what was asked for; the address of a cluster alone asks for Dask, too."""
    is_dask = options.scheduler is not None or options.workers is not None
    return RunnerOptions(
        kind=RunnerKind.DASK if is_dask else options.runner,
        scheduler=options.scheduler,
        workers=options.workers,
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        message = f"{text!r} is no number of workers; give 1 or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)
