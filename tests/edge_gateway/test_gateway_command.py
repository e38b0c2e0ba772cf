"""The command `edge-gateway`: what a person types and what comes back."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_gateway.__main__ import main
from tests.edge_gateway.rig import (
    LOOPBACK,
    ROOT,
    MeterServer,
    Mosquitto,
    committed,
    from_image,
    until,
)
from tests.free_ports import free_port

SETTINGS = """
[gateway]
id = "gw-01"
data = "state"
[mqtt]
host = "127.0.0.1"
port = {broker}
username = "gw-01"
password_file = "secret"
[queue]
commit_s = 0.05
[[link]]
name = "plant"
host = "127.0.0.1"
port = {meters}
[[link.meter]]
serial = "HM-1"
device_address = 7
profile = "tuf_2000m@1"
intervals = {{fast = "1s"}}
"""

QUEUE = Path("state") / "queue.sqlite3"
METER = from_image({(3, 1441): 7})
"""Says that it is unit 7, as the profile wants to know before it is polled."""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return written(tmp_path, broker=free_port(), meters=free_port())


def written(folder: Path, *, broker: int, meters: int) -> Path:
    (folder / "secret").write_text("correct horse")
    file = folder / "gateway.toml"
    file.write_text(SETTINGS.format(broker=broker, meters=meters))
    return file


def test_check_shows_what_each_group_costs(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["check", "--config", str(settings)])

    shown = capsys.readouterr().out
    assert status == 0
    assert "HM-1 at 7: tuf_2000m@1" in shown
    assert "fast: every 0:00:01, " in shown
    assert "correct horse" not in shown


@pytest.mark.parametrize(
    ("scheme", "profile", "is_told"),
    [
        ("rtu+tcp", "cn_ic_card_gas@1", True),
        ("tcp", "cn_ic_card_gas@1", False),
        ("rtu+tcp", "diehl_sharky_775@1", False),
        ("rtu+tcp", "twoflow_mag11@2", False),
    ],
)
def test_check_names_meters_that_another_master_may_be_taken_for(
    settings: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    scheme: str,
    profile: str,
    is_told: bool,
) -> None:
    text = settings.read_text().replace("tuf_2000m@1", profile).replace("intervals", "# intervals")
    plant = text.index("host", text.index("[[link]]"))
    rest = text[text.index("[[link.meter]]") :]
    numbered = rest.replace("HM-1", "12345678")
    settings.write_text(f'{text[:plant]}url = "{scheme}://h:1"\n{numbered}')
    status = main(["check", "--config", str(settings)])

    assert status == 0
    assert ("look at: the answer to another master" in capsys.readouterr().out) is is_told


def test_a_wrong_file_ends_with_status_1_and_one_line(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.write_text(settings.read_text().replace("tuf_2000m@1", "tuf_2000m@999"))
    status = main(["check", "--config", str(settings)])

    shown = capsys.readouterr()
    assert (status, shown.out) == (1, "gateway gw-01: broker " + broker_of(settings) + "\n")
    assert "meter 'HM-1': profile: " in shown.err
    assert shown.err.count("\n") == 1


def broker_of(settings: Path) -> str:
    port = next(line for line in settings.read_text().splitlines() if line.startswith("port"))
    return f"{LOOPBACK}:{port.split()[-1]}"


def test_queue_stat_before_the_first_start_says_what_to_do(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["queue", "stat", "--config", str(settings)])

    assert status == 1
    assert "queue.sqlite3: queue: there is no such file; start the gateway once" in (
        capsys.readouterr().err
    )


def test_every_thread_of_a_gateway_keeps_to_one_processor(tmp_path: Path) -> None:
    with Mosquitto(folder=tmp_path) as broker, MeterServer(units={7: METER}) as plant:
        file = written(tmp_path, broker=broker.port, meters=plant.port)
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_gateway", "run", "--config", str(file)],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: committed(tmp_path / QUEUE) > 0)
        threads = [int(each.name) for each in Path(f"/proc/{process.pid}/task").iterdir()]
        kept_to = {frozenset(os.sched_getaffinity(thread)) for thread in threads}
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)

    assert len(threads) > 2
    assert len(kept_to) == 1
    assert len(next(iter(kept_to))) == 1
    assert next(iter(kept_to)) <= os.sched_getaffinity(0)


def test_a_gateway_told_to_stop_commits_closes_and_logs_no_secret(tmp_path: Path) -> None:
    with Mosquitto(folder=tmp_path) as broker, MeterServer(units={7: METER}) as plant:
        file = written(tmp_path, broker=broker.port, meters=plant.port)
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_gateway", "run", "--config", str(file), "--verbose"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: committed(tmp_path / QUEUE) > 0)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    events = [json.loads(line)["event"] for line in log.splitlines()]

    assert process.returncode == 0
    assert "gateway.started" in events
    assert events[-1] == "gateway.stopped"
    assert "outbox.committed" in events
    assert "correct horse" not in log


def test_queue_stat_counts_what_is_waiting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with MeterServer(units={7: METER}) as plant:
        file = written(tmp_path, broker=free_port(), meters=plant.port)
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_gateway", "run", "--config", str(file)],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: committed(tmp_path / QUEUE) > 0)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    status = main(["queue", "stat", "--config", str(file)])

    shown = capsys.readouterr().out
    assert status == 0
    assert "open         " in shown
    assert "last seq     0" not in shown


def test_a_second_gateway_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with MeterServer(units={7: METER}) as plant:
        file = written(tmp_path, broker=free_port(), meters=plant.port)
        command = [sys.executable, "-m", "edge_gateway", "run", "--config", str(file)]
        first = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        until(lambda: plant.asked)
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        first.kill()
        first.wait()

    assert second.returncode == 1
    assert "data: another gateway is using it; give each its own folder" in second.stderr
