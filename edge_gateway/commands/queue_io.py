"""The command `queue`: how much is waiting and kept, and all of it as JSON lines."""

import argparse
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edge_gateway.commands.calls import DONE, CallError, with_config
from edge_gateway.commands.progress_io import Progress
from edge_gateway.config_io import load_config
from edge_gateway.queue.export_io import Standing, exported, queue_files
from edge_gateway.queue.queue_file_io import QueueError
from edge_gateway.queue.queue_store import read_figures
from edge_gateway.run import QUEUE_FILE

STDOUT = "-"


def add_queue(parser: argparse.ArgumentParser) -> None:
    """Give the command its own commands."""
    inner = parser.add_subparsers(dest="queue_command", required=True)
    stat = inner.add_parser("stat", help="how much is waiting and kept")
    with_config(stat).set_defaults(work=_stat)
    export = inner.add_parser("export", help="every frame as a JSON line")
    export.add_argument("file", metavar="FILE", help="where to write; - is standard output")
    source = export.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, help="the settings, a TOML file")
    source.add_argument("--from", type=Path, dest="source", help="one queue file, damaged or not")
    export.add_argument("--open", action="store_true", help="only what the server has not got")
    export.set_defaults(work=_export)


def _stat(options: argparse.Namespace) -> int:
    base = load_config(options.config).data / QUEUE_FILE
    figures = read_figures(base)
    print(f"epoch        {figures.epoch}")
    print(f"last seq     {figures.last_seq}")
    print(f"open         {figures.open_count} frames, {figures.open_bytes} bytes")
    if figures.held_count:
        print(f"  undated    {figures.held_count} of them wait for the time to be known")
    print(f"sent, kept   {figures.kept_count} frames, {figures.kept_bytes} bytes")
    if figures.aside_count:
        print(f"refused      {figures.aside_count} frames that no server took")
    for file in queue_files(base)[1:]:
        print(f"beside it    {file.name}: {_beside(file)}")
    return DONE


def _beside(file: Path) -> str:
    if ".damaged-" in file.name:
        return "damaged, kept; `queue export` reads what is left of it"
    try:
        figures = read_figures(file)
    except QueueError as error:
        return str(error)
    return f"an earlier epoch, {figures.open_count} open, {figures.kept_count} kept"


def _export(options: argparse.Namespace) -> int:
    files = _sources(options)
    counts = {Standing.OPEN: 0, Standing.SENT: 0}
    with Progress() as progress, _target(options.file) as target:
        for line, standing in _lines(files, progress, is_open_only=options.open):
            target.write(f"{line}\n")
            counts[standing] += 1
            progress.step(f"{sum(counts.values())} frames")
    shown = sys.stderr if options.file == STDOUT else sys.stdout
    print(f"{counts[Standing.OPEN]} open, {counts[Standing.SENT]} sent", file=shown)
    return DONE


def _sources(options: argparse.Namespace) -> Iterable[Path]:
    if options.source is None:
        base = load_config(options.config).data / QUEUE_FILE
        if not base.is_file():
            message = f"{base}: queue: there is no such file; start the gateway once"
            raise QueueError(message)
        return [file for file in queue_files(base) if ".damaged-" not in file.name]
    if not options.source.is_file():
        message = f"queue: from: {options.source} is no file; name a queue file"
        raise CallError(message)
    return [options.source]


def _lines(
    files: Iterable[Path], progress: Progress, *, is_open_only: bool
) -> Iterator[tuple[str, Standing]]:
    for file in files:
        progress.stage(f"reading {file}")
        for frame in exported(file):
            if not is_open_only or frame.standing is Standing.OPEN:
                yield frame.line(), frame.standing


@contextmanager
def _target(name: str) -> Generator[TextIO]:
    """Give where to write; a file appears whole under its name, or not at all."""
    if name == STDOUT:
        yield sys.stdout
        return
    path = Path(name)
    unfinished = path.with_name(f"{path.name}.part")
    if path.exists():
        message = f"queue: file: {name} is there already; name another"
        raise CallError(message)
    try:
        with unfinished.open("w", encoding="utf-8") as target:
            yield target
        unfinished.rename(path)
    except OSError as error:
        message = f"queue: file: {name} cannot be written: {error.strerror}; name another"
        raise CallError(message) from error
    finally:
        unfinished.unlink(missing_ok=True)
