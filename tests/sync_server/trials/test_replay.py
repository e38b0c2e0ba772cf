"""A file of readings goes through the real ingest, detection and alerts, the same way each time."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_server.trials.replay_io import ReplayFiles, replay
from sync_server.trials.trial_errors import TrialError

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HALF_DONE = 40.0
Reading = dict[str, str | float]


def _meters(folder: Path, names: Sequence[str], role: str = "home") -> Path:
    path = folder / "meters.csv"
    rows = [f"{name},water,3600,{role},{START.timestamp():.0f},1000000" for name in names]
    path.write_text(
        "meter,medium,interval_s,role,eval_start,v_register_modulus_dm3\n" + "\n".join(rows)
    )
    return path


def _stamp(at_utc: datetime) -> str:
    return at_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _series(meter: str, hours: int, begin_m3: float = 100.0) -> Iterator[Reading]:
    total_m3 = begin_m3
    for hour in range(hours):
        at_utc = START + hour * HOUR
        total_m3 += 0.05 if hour % 24 in {7, 8, 19} else 0.0
        yield {
            "meter": meter,
            "ts": _stamp(at_utc),
            "recv": _stamp(at_utc + timedelta(seconds=20)),
            "volume_m3": round(total_m3, 3),
        }


def _written(folder: Path, readings: Sequence[Reading]) -> Path:
    path = folder / "readings.jsonl"
    ordered = sorted(readings, key=lambda each: str(each["recv"]))
    path.write_text("".join(json.dumps(each) + "\n" for each in ordered))
    return path


def _exchanged(hours: int) -> list[Reading]:
    """One home whose register jumps: another meter hangs there from the eighth day on."""
    before = list(_series("H-1", hours))
    after = [
        {**each, "volume_m3": round(float(each["volume_m3"]) + 4321.0, 3)} if at >= 192 else each
        for at, each in enumerate(before)
    ]
    return [*after, *_series("H-2", hours)]


def _silent(_share: float, _count: int) -> None:
    """Show no progress."""


def _run(folder: Path, name: str) -> bytes:
    alerts = folder / name
    files = ReplayFiles(readings=folder / "readings.jsonl", meters=folder / "meters.csv")
    replay(files, alerts, folder / f"{name}.work", _silent)
    return alerts.read_bytes()


def test_an_exchanged_meter_is_told_with_what_explains_it(tmp_path: Path) -> None:
    _meters(tmp_path, ["H-1", "H-2"])
    _written(tmp_path, _exchanged(210))

    lines = [json.loads(line) for line in _run(tmp_path, "alerts.jsonl").splitlines()]

    found = [line for line in lines if line["kind"] == "exchange"]
    assert [line["meter"] for line in found] == ["H-1"]
    at_utc = datetime.fromisoformat(found[0]["detected_at"])
    assert START + 192 * HOUR <= at_utc <= START + 197 * HOUR
    assert {"observed", "expected", "unit", "from", "to"} <= found[0]["evidence"].keys()
    assert found[0]["rule_version"]


def test_the_same_file_gives_the_same_bytes_and_leaves_no_folder(tmp_path: Path) -> None:
    _meters(tmp_path, ["H-1", "H-2"])
    _written(tmp_path, _exchanged(200))

    first, second = _run(tmp_path, "one.jsonl"), _run(tmp_path, "two.jsonl")

    assert first == second
    assert first
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "meters.csv",
        "one.jsonl",
        "readings.jsonl",
        "two.jsonl",
    ]


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    _meters(tmp_path, ["H-1", "H-2"])
    _written(tmp_path, _exchanged(230))
    whole = _run(tmp_path, "whole.jsonl")
    command = [sys.executable, "-m", "sync_server", "replay"]
    command += ["--readings", str(tmp_path / "readings.jsonl")]
    command += ["--meters", str(tmp_path / "meters.csv"), "--alerts", str(tmp_path / "cut.jsonl")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"] " in line and float(line.partition(b"] ")[2].partition(b"%")[0]) >= HALF_DONE:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.wait()

    assert (tmp_path / "cut.jsonl.work").is_dir() is not (tmp_path / "cut.jsonl").exists()
    if not (tmp_path / "cut.jsonl").exists():
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "cut.jsonl").read_bytes() == whole


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ts": "yesterday"}, r"readings.jsonl: line 3: ts: 'yesterday' is no time; write 2026"),
        ({"ts": "2026-03-01T02:00:00"}, "line 3: ts: .* has no time zone; write it in UTC"),
        ({"volume_m3": "7"}, "line 3: volume_m3: is '7', not a number; write a number"),
        ({"volume_m3": 1e30}, r"line 3: volume_m3: 1e\+30 is outside"),
        ({"meter": "H-9"}, "line 3: meter: 'H-9' is not in the file of meters; add it there"),
        ({"energy": 1.0}, "line 3: energy: is not a known field; use energy_kwh, flow_m3h"),
        ({"recv": "2026-02-01T00:00:00Z"}, "line 3: recv: is before the line above; sort the file"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_remedy(
    tmp_path: Path, change: Reading, text: str
) -> None:
    _meters(tmp_path, ["H-1"])
    path = _written(tmp_path, list(_series("H-1", 5)))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[2] |= change
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))

    with pytest.raises(TrialError, match=text):
        _run(tmp_path, "alerts.jsonl")


def test_no_json_is_named_too(tmp_path: Path) -> None:
    _meters(tmp_path, ["H-1"])
    (tmp_path / "readings.jsonl").write_text('{"meter":\n')

    with pytest.raises(TrialError, match=r"line 1: line: is not JSON .*; write one object a line"):
        _run(tmp_path, "alerts.jsonl")


@pytest.mark.parametrize(
    ("heading", "row", "text"),
    [
        ("meter,medium,interval_s", "H-1,water,3600", "meters.csv: line 1: role: is missing"),
        ("meter,medium,interval_s,role", "H-1,oil,3600,home", "line 2: medium: 'oil' is not known"),
        ("meter,medium,interval_s,role", "H-1,gas,0,home", "line 2: interval_s: '0'; give whole"),
        ("meter,medium,interval_s,role", "H-1,gas,60,pub", "line 2: role: 'pub' is not known"),
        ("meter,medium,interval_s,role", "", "meters.csv: file: has no meters"),
    ],
)
def test_a_meter_that_cannot_be_used_is_named(
    tmp_path: Path, heading: str, row: str, text: str
) -> None:
    (tmp_path / "meters.csv").write_text(f"{heading}\n{row}\n" if row else f"{heading}\n")
    _written(tmp_path, [])

    with pytest.raises(TrialError, match=text):
        _run(tmp_path, "alerts.jsonl")


def test_a_folder_of_another_run_is_not_gone_on_with(tmp_path: Path) -> None:
    _meters(tmp_path, ["H-1"])
    _written(tmp_path, list(_series("H-1", 5)))
    work = tmp_path / "alerts.jsonl.work"
    work.mkdir()
    (work / "files.json").write_text("{}")

    with pytest.raises(TrialError, match="belongs to a run over other files; remove that folder"):
        _run(tmp_path, "alerts.jsonl")
