"""Long work is shown: one line that is written over on a terminal, elsewhere only the stages."""

import io
import os
import pty
import select
import tty
from pathlib import Path

from edge_gateway.commands.progress_io import Progress


def everything(descriptor: int) -> bytes:
    """What was written to a terminal and not read yet."""
    data = b""
    while select.select([descriptor], [], [], 0.2)[0]:
        data += os.read(descriptor, 4096)
    return data


def test_a_terminal_sees_one_line_that_is_taken_away_at_the_end() -> None:
    inner, outer = pty.openpty()
    tty.setraw(outer)
    with open(outer, "w", encoding="utf-8", closefd=False) as stream, Progress(stream) as progress:
        progress.step("unit 1")
        progress.step("unit 2, too soon to be shown")
        progress.stage("9600 8N1")
        progress.clear()
    seen = everything(inner)
    os.close(inner)
    os.close(outer)

    assert seen == b"\r\x1b[Kunit 1\r\x1b[K9600 8N1\n"


def test_a_file_sees_the_stages_alone(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.step("unit 1")
        progress.stage("9600 8N1")
        progress.stage(f"{tmp_path.name} done")

    assert stream.getvalue() == f"9600 8N1\n{tmp_path.name} done\n"
