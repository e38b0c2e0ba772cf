"""CJ/T 188 through the whole gateway: settings, poll, frame, queue."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_gateway.__main__ import main
from tests.edge_gateway.cjt188_meters import Cjt188Line, SimulatedMeter
from tests.edge_gateway.rig import LOOPBACK, ROOT, until
from tests.edge_gateway.served_line import on_pty
from tests.free_ports import free_port

SETTINGS = """
[gateway]
id = "gw-01"
data = "state"
[mqtt]
host = "127.0.0.1"
port = {broker}
[queue]
commit_s = 0.05
[[link]]
name = "risers"
url = "{url}"
timeout_s = 2.0
[[link.meter]]
serial = "HEAT-1"
device_address = "{heat}"
profile = "{profile}"
intervals = {{telegram = "1s"}}
[[link.meter]]
serial = "WATER-1"
device_address = "10:00000000000001"
intervals = {{telegram = "1s"}}
"""
HEAT = "20:00110040314132"


def settings_file(
    folder: Path, url: str, *, heat: str = HEAT, profile: str = "cjt188_heat@1"
) -> Path:
    file = folder / "gateway.toml"
    text = SETTINGS.format(broker=free_port(), url=url, heat=heat, profile=profile)
    file.write_text(text)
    return file


def meters() -> list[SimulatedMeter]:
    return [
        SimulatedMeter(meter_type=0x20, address="00110040314132"),
        SimulatedMeter(meter_type=0x10, address=f"{1:014d}"),
    ]


def exported(file: Path, target: Path) -> list[dict[str, object]]:
    assert main(["queue", "export", str(target), "--config", str(file)]) == 0
    return [json.loads(line) for line in target.read_text().splitlines()]


def run_until(line: Cjt188Line, file: Path) -> None:
    """Run a gateway until each meter was asked twice, and let it commit."""
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_gateway", "run", "--config", str(file)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: min(meter.asked for meter in line.meters) >= 2, within_s=30)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert process.returncode == 0


def check_frames(frames: list[dict[str, object]]) -> None:
    heat = [frame for frame in frames if frame["d"] == "HEAT-1"]
    water = [frame for frame in frames if frame["d"] == "WATER-1"]

    assert {(frame["p"], frame["g"]) for frame in heat} == {("cjt188_heat@1", "telegram")}
    assert {frame["p"] for frame in water} == {"cjt188_water@1"}
    assert {"energy_kwh", "volume_m3", "supply_temp_degc"} <= set(dict(heat[0])["v"])  # type: ignore[call-overload]
    assert water[0]["v"] == {"volume_m3": 100.01}
    assert all(frame["raw"] for frame in (*heat, *water))


def test_frames_of_a_converter_behind_tcp_reach_the_queue(tmp_path: Path) -> None:
    with Cjt188Line(meters()) as line:
        file = settings_file(tmp_path, f"cjt188://{LOOPBACK}:{line.port}")
        run_until(line, file)

    check_frames(exported(file, tmp_path / "frames.jsonl"))


def test_frames_of_a_serial_line_reach_the_queue(tmp_path: Path) -> None:
    line = Cjt188Line(meters())
    with on_pty(line) as device:
        file = settings_file(tmp_path, f"cjt188://{device}?baud=115200")
        run_until(line, file)

    check_frames(exported(file, tmp_path / "frames.jsonl"))


def test_check_shows_what_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = settings_file(tmp_path, "cjt188:///dev/ttyUSB0")
    status = main(["check-config", "--config", str(file)])
    lines = capsys.readouterr().out.splitlines()

    assert status == 0
    assert "link risers: cjt188:///dev/ttyUSB0, time-out 2 s" in lines
    assert f"  HEAT-1 at {HEAT}: cjt188_heat@1" in lines
    assert "    telegram: every 0:00:01" in lines
    doubts = [line for line in lines if "byte order" in line]
    assert doubts[0].endswith("name cjt188_heat_low@1 or cjt188_heat_high@1")


@pytest.mark.parametrize(
    ("heat", "profile", "text"),
    [
        ("7", "cjt188_heat@1", "device_address: '7' is not TYPE:ADDRESS; write the type"),
        ("22:11223344556677", "cjt188_heat@1", "device_address: type 22 is not read; use 10 to"),
        (HEAT, "cjt188_water@1", "profile: 'cjt188_water@1' reads no heat meter; use cjt188_heat"),
    ],
)
def test_a_wrong_meter_is_refused_before_the_start(
    tmp_path: Path, heat: str, profile: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings_file(tmp_path, "cjt188:///dev/ttyUSB0", heat=heat, profile=profile)
    status = main(["check", "--config", str(file)])
    shown = capsys.readouterr()

    assert status == 1
    assert text in shown.err
    assert "link 'risers'" in shown.err
    assert shown.err.count("\n") == 1
