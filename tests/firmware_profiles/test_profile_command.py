"""The command firmware-profiles tells a person what to do, and a script whether it is good."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_profiles.__main__ import main
from firmware_profiles.words import pack_words
from tests.firmware_profiles.profile_text import TEXT


def test_the_command_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "firmware_profiles", "list", "--drafts"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "tuf_2000m@1" in done.stdout
    assert "kamstrup_multical_legacy" in done.stdout


def test_every_golden_vector_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test"]) == 0
    assert "tuf_2000m@1: 3 vectors (dump, computed, computed), 0 fail" in capsys.readouterr().out


def test_a_failing_vector_is_shown_and_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT.replace("flow_m3h = 10", 'flow_m3h = "10.5"'))

    assert main(["test", str(path)]) == 1
    assert f"{path}: test.ten: flow_m3h: 10.0, expected 10.5" in capsys.readouterr().out
    assert main(["check", str(path)]) == 1
    assert "0 to do, 1 golden vectors fail" in capsys.readouterr().out


def test_check_lists_what_a_draft_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT.replace("rev = 1\n", ""))

    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: profile.rev: is missing: this is a draft; add rev = 1",
        f"{path}: example_heat@draft: 1 to do, 0 golden vectors fail",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ('group = "fast"', 'group = "fast"\nmin = 5\nmax = 1'),
            (
                "register.flow.min: 5 is above max 1: every value would be suspect; "
                "exchange min and max"
            ),
        ),
        (
            ('kind = "heat"', 'kind = "gas"'),
            (
                "register.flow.quantity: 'flow' of gas without its state is never sent; write "
                "volume_actual/flow_actual or volume_base/flow_base, or wire = false"
            ),
        ),
    ],
    ids=["limits", "gas"],
)
def test_check_finds_what_would_only_show_on_a_running_meter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], said: str
) -> None:
    path = tmp_path / "example_heat@1.toml"
    path.write_text(TEXT.replace(*change))

    assert main(["check", str(path)]) == 1
    assert f"{path}: {said}" in capsys.readouterr().out.splitlines()


def test_check_says_under_which_name_a_gateway_finds_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT)

    assert main(["check", str(path)]) == 0
    note = "note: file name: a gateway looks for example_heat@1.toml; rename it for use"
    assert capsys.readouterr().out.splitlines()[0] == f"{path}: {note}"


def test_check_is_content_with_a_complete_profile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "example_heat@1.toml"
    path.write_text(TEXT)

    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: example_heat@1: 0 to do, 0 golden vectors fail\n"


@pytest.mark.parametrize("profile", ["tuf_2000m@1", "kamstrup_multical_legacy"])
def test_show_prints_registers_and_quirks(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", profile]) == 0
    shown = capsys.readouterr().out

    assert profile in shown
    assert "quirk: " in shown
    assert "status " in shown


def test_words_from_a_terminal_are_decoded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "twoflow_mag11@1", "--address", "1024", "--words", "C148 0000"]) == 0
    answer = json.loads(capsys.readouterr().out)

    assert answer["registers"] == {"flow": -12.5}
    assert answer["fast"]["values"] == {"flow_m3h": -12.5}
    assert answer["fast"]["quality"]["power_kw"] == "bad_mismatch"


def test_the_raw_of_a_frame_is_decoded(capsys: pytest.CaptureFixture[str]) -> None:
    raw = base64.b64encode(pack_words({(3, 1024): 0xC148, (3, 1025): 0})).decode()

    assert main(["decode", "twoflow_mag11@1", "--raw", raw]) == 0
    assert json.loads(capsys.readouterr().out)["registers"] == {"flow": -12.5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nix@1"], "profile 'nix@1': reference: there is no such profile; use one of "),
        (["check", "none.toml"], "none.toml: file: No such file or directory; give the path"),
        (
            ["decode", "tuf_2000m@1", "--words", "12G4"],
            "--words: '12G4' is no word; write four hexadecimal",
        ),
        (["decode", "tuf_2000m@1", "--address", "65537"], "--address: 65537 is outside"),
        (["decode", "tuf_2000m@1", "--raw", "?"], "--raw: is not base64; give the raw of a frame"),
    ],
)
def test_a_wrong_call_says_what_to_correct(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(message)


def test_a_sites_own_folder_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "example_heat@1.toml").write_text(TEXT)

    assert main(["--directory", str(tmp_path), "list"]) == 0
    assert "example_heat@1" in capsys.readouterr().out
    assert main(["--directory", str(tmp_path), "test"]) == 0


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ("import firmware_profiles.__main__ as m, sys\n"
         "sys.stdin.read()\nsys.exit(m.main(['list']))")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, b"")
