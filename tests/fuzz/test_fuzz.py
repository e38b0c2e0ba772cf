"""Bytes of strangers are read or refused in words: no other error, no hang, no swelling memory.

By day one short run over all parsers, always the same; each night five minutes for each of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.fuzz_targets import BATCH, Target, edited, targets

ROOT = Path(__file__).resolve().parents[2]
RUNS_BY_DAY = 6000
"""Seven seconds of processor time, half of which goes into the start and the watching of code."""

SECONDS_BY_NIGHT = 300
NAMES = [each.name for each in targets()]


def _fuzz(tmp_path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run_fuzz", *words, "--finds", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )


def _said(run: "subprocess.CompletedProcess[str]") -> str:
    return "\n".join((run.stdout + run.stderr).splitlines()[-60:])


def test_every_parser_takes_any_bytes(tmp_path: Path) -> None:
    run = _fuzz(tmp_path, "all", "--runs", str(RUNS_BY_DAY), "--seed", "7")

    assert run.returncode == 0, _said(run)
    assert f"{RUNS_BY_DAY} runs" in run.stdout + run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.nightly
@pytest.mark.timeout(SECONDS_BY_NIGHT + 120)
@pytest.mark.parametrize("name", NAMES)
def test_a_parser_takes_any_bytes_for_minutes(name: str, tmp_path: Path) -> None:
    run = _fuzz(tmp_path, name, "--seconds", str(SECONDS_BY_NIGHT))

    assert run.returncode == 0, _said(run)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", targets(), ids=NAMES)
def test_what_fuzzing_begins_with_and_once_found_is_taken(target: Target) -> None:
    for data in (*target.seeds, *FOUND.get(target.name, ())):
        target.run(data)

    assert target.seeds


FOUND = {
    "batch": [b"!!4\x7f!4\x7f"],
    "xlsform": [b"survey\ntype=integer|name=a|label=\x01A"],
    "network": [b"[" * 5000, b'{"features":' * 3000],
}
"""An event that is no text; a character that no XML holds; brackets deeper than Python reads."""


def test_bytes_choose_where_a_value_is_changed_and_into_what() -> None:
    assert edited(BATCH, b"") == BATCH
    assert {str(edited(BATCH, bytes([1, 2, 3, step]))) for step in range(40)} != {str(BATCH)}
