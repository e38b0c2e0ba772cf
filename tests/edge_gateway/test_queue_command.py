"""`edge-gateway queue`: what waits, and all of it as JSON lines, from sound files and damaged."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge_gateway.__main__ import main
from edge_gateway.config import QueueConfig
from edge_gateway.queue.queue_store import open_queue
from tests.edge_gateway.rig import ROOT, MeterServer, committed, from_image, until
from tests.edge_gateway.test_gateway_command import written
from tests.edge_gateway.test_queue_file import NOW, acked, frames
from tests.free_ports import free_port
from wire_contracts.fields import FieldReader
from wire_contracts.frames import parse_frame

SETTINGS = """
[gateway]
id = "gw-01"
data = "."
[mqtt]
host = "127.0.0.1"
[[link]]
name = "plant"
host = "127.0.0.1"
[[link.meter]]
serial = "HM-1"
device_address = 7
profile = "tuf_2000m@1"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(SETTINGS)
    return file


def filled(folder: Path, *, count: int = 6, sent: int = 0) -> tuple[Path, int]:
    """A queue file with frames of which the first are acknowledged, and its epoch."""
    path = folder / "queue.sqlite3"
    store, _ = open_queue(path, QueueConfig(), NOW)
    with closing(store):
        store.put(frames(count))
        if sent:
            store.acknowledge(acked(store, range(1, sent + 1)), NOW)
        return path, store.epoch


def damaged(path: Path) -> None:
    """Fold the log into the file, then overwrite two kilobytes in its middle."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 2048 * 2048
    data[middle : middle + 2048] = b"\xa5" * 2048
    path.write_bytes(data)


def queue(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["queue", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_export_writes_every_frame_with_its_epoch_and_standing(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, epoch = filled(tmp_path, count=6, sent=2)
    target = tmp_path / "frames.jsonl"
    status, out, err = queue(capsys, "export", str(target), "--config", str(settings))
    lines = [json.loads(line) for line in target.read_text().splitlines()]

    assert (status, out, err) == (0, "4 open, 2 sent\n", f"reading {path}\n")
    assert [line["s"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {line["ep"] for line in lines} == {epoch}
    assert [line["state"] for line in lines] == ["sent"] * 2 + ["open"] * 4
    body = {key: value for key, value in lines[3].items() if key not in {"ep", "state"}}
    assert parse_frame(FieldReader(place="line", values=body)).device == "HM-3"


def test_open_frames_alone_go_to_standard_output(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path, count=3, sent=2)
    status, out, err = queue(capsys, "export", "-", "--open", "--config", str(settings))

    assert status == 0
    assert [json.loads(line)["s"] for line in out.splitlines()] == [3]
    assert err.endswith("1 open, 0 sent\n")


def test_a_damaged_file_is_exported_as_far_as_it_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, epoch = filled(tmp_path, count=800)
    damaged(path)
    status, out, _ = queue(capsys, "export", "-", "--from", str(path))
    lines = [json.loads(line) for line in out.splitlines()]

    assert status == 0
    assert 400 < len(lines) < 800
    assert {line["ep"] for line in lines} == {epoch}
    for line in lines:
        assert line["v"] == {"flow_m3h": (line["s"] - 1) / 4}


def test_a_file_that_is_no_queue_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "queue.sqlite3"
    path.write_bytes(b"not a database" * 500)
    status, out, err = queue(capsys, "export", "-", "--from", str(path))

    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == (f"{path}: queue: nothing of it can be read; name a queue file")


def test_an_export_never_writes_over_a_file(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path)
    target = tmp_path / "frames.jsonl"
    target.write_text("mine")
    status, _, err = queue(capsys, "export", str(target), "--config", str(settings))

    assert status == 2
    assert err == f"queue: file: {target} is there already; name another\n"
    assert target.read_text() == "mine"


def test_an_export_that_fails_leaves_nothing_half_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"no queue" * 1000)
    queue(capsys, "export", str(tmp_path / "frames.jsonl"), "--from", str(broken))

    assert [file.name for file in tmp_path.iterdir()] == ["broken"]


def test_a_file_in_a_folder_that_is_not_there_is_refused(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path)
    target = tmp_path / "no" / "frames.jsonl"
    status, _, err = queue(capsys, "export", str(target), "--config", str(settings))

    assert status == 2
    assert err.startswith(f"queue: file: {target} cannot be written: No such file or directory; ")


@pytest.mark.parametrize(
    ("output", "status", "said"),
    [
        ("| head -n 1", "130", ""),
        ("> /dev/full", "1", "queue: [Errno 28] No space left on device"),
    ],
)
def test_an_output_that_takes_no_more_ends_without_a_traceback(
    settings: Path, tmp_path: Path, output: str, status: str, said: str
) -> None:
    filled(tmp_path, count=600)
    command = f"{sys.executable} -m edge_gateway queue export - --config {settings}"
    ended = subprocess.run(
        ["bash", "-c", f"{command} {output} > {tmp_path / 'out'}; echo ${{PIPESTATUS[0]}}"]
        if output.startswith("|")
        else ["bash", "-c", f"{command} {output}; echo $?"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = ended.stderr.splitlines()[1:]

    assert ended.stdout.strip() == status
    assert lines == ([said] if said else [])


@pytest.mark.parametrize("command", [["stat"], ["export", "-"]])
def test_before_the_first_start_it_says_what_to_do(
    settings: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = queue(capsys, *command, "--config", str(settings))

    assert (status, out) == (1, "")
    assert "queue: there is no such file; start the gateway once" in err


def test_a_source_that_is_no_file_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = queue(capsys, "export", "-", "--from", "/there/is/none")

    assert (status, out) == (2, "")
    assert err == "queue: from: /there/is/none is no file; name a queue file\n"


def test_stat_names_what_stands_beside_the_file(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, epoch = filled(tmp_path, count=800)
    damaged(path)
    store, _ = open_queue(path, QueueConfig(), NOW)
    store.close()
    status, out, _ = queue(capsys, "stat", "--config", str(settings))
    beside = [line for line in out.splitlines() if line.startswith("beside it")]

    assert status == 0
    assert f"queue.sqlite3.epoch-{epoch}: an earlier epoch, " in "\n".join(beside)
    assert "damaged, kept; `queue export` reads what is left of it" in "\n".join(beside)


def test_an_export_works_while_the_gateway_runs(tmp_path: Path) -> None:
    with MeterServer(units={7: from_image({(3, 1441): 7})}) as plant:
        file = written(tmp_path, broker=free_port(), meters=plant.port)
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_gateway", "run", "--config", str(file)],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        path = tmp_path / "state" / "queue.sqlite3"
        until(lambda: path.exists() and main(["queue", "stat", "--config", str(file)]) == 0)
        until(lambda: committed(path) > 0)
        target = tmp_path / "frames.jsonl"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "edge_gateway",
                "queue",
                "export",
                str(target),
                "--config",
                str(file),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        is_alive = process.poll() is None
        process.kill()
        process.wait()

    assert (done.returncode, is_alive) == (0, True)
    assert done.stdout.endswith(" open, 0 sent\n")
    assert all(json.loads(line)["d"] == "HM-1" for line in target.read_text().splitlines())
