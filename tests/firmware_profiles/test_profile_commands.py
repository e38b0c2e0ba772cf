"""The commands for a person with a manual and a meter: new, decode, simulate, diff, schema."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from firmware_profiles.__main__ import main
from firmware_profiles.vocabulary import KINDS
from tests.firmware_profiles.profile_text import TEXT

SHARED = Path(__file__).parents[2] / "firmware_profiles" / "profiles" / "drafts"


def test_a_new_file_can_be_read_and_says_what_to_fill_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my_meter@1.toml"

    assert main(["new", "--output", str(path)]) == 0
    assert capsys.readouterr().out == (
        f"{path}: written; firmware-profiles check says what to fill in\n"
    )
    assert main(["check", str(path)]) == 1
    said = capsys.readouterr().out.replace(f"{path}: ", "")
    assert said.splitlines() == [
        "profile.rev: is missing: this is a draft; add rev = 1",
        "profile.manufacturer: is still to be filled in; copy the nameplate",
        "profile.model: is still to be filled in; copy the nameplate",
        "source.where: is still to be filled in; name the manual and its page",
        "test: there is no golden vector; add a [[test]] with words and values",
        "note: profile.confidence: is medium; compare a reading with the display",
        "register: no register produces a wire quantity; name quantities",
        "register.total.quantity: '?' is unknown; use a word of docs/profiles.md",
        "register.total.unit: '?' is unknown; use a known unit",
        "my_meter@draft: 8 to do, 0 golden vectors fail",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_file_is_printed_for_every_kind(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "site_meter", "--kind", kind]) == 0
    text = capsys.readouterr().out
    path = tmp_path / "site_meter.toml"
    path.write_text(text, encoding="utf-8")

    assert f'kind = "{kind}"' in text
    assert "firmware-profiles check site_meter@1.toml" in text
    assert main(["check", str(path)]) == 1
    assert "site_meter@draft: " in capsys.readouterr().out


def test_a_file_that_is_there_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine")

    assert main(["new", "--output", str(path)]) == 2
    assert "File exists; name a file that is not there yet" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["new", "My Meter"]) == 2
    assert "new: id: 'My Meter'; use 1 to 60 of a-z" in capsys.readouterr().err


def test_check_says_everything_of_every_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right = tmp_path / "wrong.toml", tmp_path / "example_heat@1.toml"
    wrong.write_text(TEXT.replace("count = 2", "count = 1").replace("rev = 1", "rev = -1"))
    right.write_text(TEXT)

    assert main(["check", str(wrong), str(right)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{wrong}: register.flow.count: 1 does not fit f32, which takes 2; write count = 2",
        f"{wrong}: profile.rev: -1 is outside 1..9999; correct the number",
        f"{wrong}: 2 errors; what it lacks beside them is not known yet",
        f"{right}: example_heat@1: 0 to do, 0 golden vectors fail",
    ]


def test_an_unreadable_file_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = tmp_path / "right.toml"
    right.write_text(TEXT)

    assert main(["check", str(tmp_path / "none.toml"), str(right)]) == 2
    said = capsys.readouterr()
    assert "none.toml: file: No such file or directory" in said.err
    assert "0 to do" in said.out


def test_every_map_that_ships_as_a_draft_is_checked_without_a_crash(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [str(path) for path in sorted(SHARED.glob("*.toml"))]

    assert main(["check", *files]) == 1
    said = capsys.readouterr()
    assert len([line for line in said.out.splitlines() if "golden vectors fail" in line]) == 21
    assert said.err == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--registers", "C148 0000", "--address", "1024"],
        ["--registers", "C1480000", "--address", "1024"],
        ["--registers", "0xC148, 0x0000", "--address", "1024"],
        ["--registers", "[49480, 0]", "--address", "1024"],
        ["--registers", '{"1024": "C148 0000"}'],
        ["--registers", '{"3": {"1024": [49480, 0]}}'],
        ["--registers", '{"1024": 49480, "1025": 0}'],
        ["--registers", '{"holding": {"1024": "C148 0000"}}'],
        ["--registers", '{"3+0": {"1024": ["C148", "0x0000"]}}'],
        ["--registers", "@{file}"],
    ],
)
def test_words_are_taken_in_every_form_a_person_copies_them(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "words.json"
    file.write_text('{"3": {"1024": [49480, 0]}}')
    arguments = [each.replace("{file}", str(file)) for each in words]

    assert main(["decode", "twoflow_mag11@1", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["registers"] == {"flow": -12.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C14", "'C14' is no word; write four hexadecimal digits per word"),
        ("", "--registers: holds no words; give hex, JSON or @FILE of these"),
        ("[]", "--registers: holds no words; give hex, JSON or @FILE of these"),
        ("[1", "--registers: is no JSON ("),
        ("[" * 100_000, "--registers: is no JSON ("),
        ("[70000]", "70000 is no word; write 0..65535, or hex in quotes"),
        ("[true]", "True is no word; write 0..65535"),
        ('{"3": {"70000": [1]}}', "'70000' is no address; it is zero-based, 0..65535"),
        ('{"3": {"65535": [1, 2]}}', "--address: 65535 is outside 0..65535; it is zero-based"),
        ('{"7": {"0": [1]}}', "'7' is no function code; give hex such as"),
        ('{"0": 5.5}', "--registers: 5.5 is no list of words; give hex such as"),
        ("@nowhere", "nowhere cannot be read; name a text file after the @"),
    ],
)
def test_words_in_no_form_are_refused(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decode", "twoflow_mag11@1", "--registers", text]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("draft", [path.stem for path in sorted(SHARED.glob("*.toml"))])
def test_a_draft_without_groups_shows_its_quantities(
    draft: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = json.dumps({"3": {"0": [0, 1] * 60}})

    assert main(["decode", draft, "--registers", words]) == 0
    answer = json.loads(capsys.readouterr().out)
    bad = {name for name, code in answer["all"]["quality"].items() if code.startswith("bad_")}
    assert bad & answer["all"]["values"].keys() == set()


def test_diff_names_every_field_that_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "a.toml", tmp_path / "b.toml"
    old.write_text(TEXT)
    changed = TEXT.replace("rev = 1", "rev = 2").replace('slow = "1h"', 'day = "1d"')
    changed = changed.replace('unit = "m3/h"', 'unit = "L/h"\nscale = "0.1"')
    new.write_text(changed + '\n[[quirk]]\ntext = "slow"\n')

    assert main(["diff", str(old), str(new)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "revision: 1 -> 2",
        "registers.flow.scale: 1 -> 0.1",
        "registers.flow.unit: m3/h -> L/h",
        "groups.slow: removed",
        "groups.day: added",
        "quirks: nothing -> slow",
        "example_heat@1 and example_heat@2: 6 differences",
    ]
    assert main(["diff", str(old), str(old)]) == 0


def test_show_says_which_revisions_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for revision in (1, 2, 10):
        text = TEXT.replace("rev = 1", f"rev = {revision}")
        (tmp_path / f"example_heat@{revision}.toml").write_text(text)

    assert main(["--directory", str(tmp_path), "show", "example_heat@2"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "example_heat@2: Example E-1",
        "revisions 1, 2, 10",
    ]


def test_diff_matches_rows_by_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "a.toml", tmp_path / "b.toml"
    row = '\n[[status]]\nregister = "flow"\nvalue = 1\nname = "full"\nevent = "tamper"\n'
    row += 'severity = "fault"\n'
    old.write_text(TEXT + row + row.replace("value = 1", "value = 2"))
    new.write_text(TEXT + row + row.replace("value = 1", "value = 3") + row.replace("full", "x"))

    assert main(["diff", str(old), str(new)]) == 1
    assert capsys.readouterr().out.splitlines()[:2] == [
        "status.full (1).value: 2 -> 3",
        "status.x: added",
    ]


def test_the_schema_knows_what_the_loader_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    register = schema["properties"]["register"]["items"]

    assert "u32" in register["properties"]["type"]["enum"]
    assert register["required"] == ["name", "fc", "address", "count", "type"]
    assert schema["properties"]["profile"]["properties"]["kind"]["enum"] == sorted(KINDS)


@contextmanager
def simulated(*arguments: str) -> Iterator[ModbusTcpClient]:
    """Return a client of a simulated meter that runs as a person starts it, and ends by Ctrl-C."""
    with subprocess.Popen(
        [sys.executable, "-m", "firmware_profiles", "simulate", "twoflow_mag11@1", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = int(line.split(" on 127.0.0.1:")[1].split()[0])
        client = ModbusTcpClient("127.0.0.1", port=port, timeout=0.3, retries=0)
        try:
            assert client.connect()  # type: ignore[no-untyped-call]  # pymodbus states none
            yield client
        finally:
            client.close()  # type: ignore[no-untyped-call]  # the same
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=20)
            assert (process.returncode, output, errors) == (0, "", "")


def test_a_simulated_meter_answers_what_it_was_told(tmp_path: Path) -> None:
    del tmp_path
    with simulated("--set", "flow_m3h=2.5", "--unit", "7") as client:
        found = client.read_holding_registers(1024, count=2, device_id=7)

        assert found.registers == [0x4020, 0]


def test_a_busy_meter_says_so() -> None:
    with simulated("--fault", "busy", "--unit", "7") as client:
        assert client.read_holding_registers(1024, count=2, device_id=7).exception_code == 6


def test_a_simulated_meter_ends_by_itself_when_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "tuf_2000m@1", "--seconds", "0.01"]) == 0
    assert "tuf_2000m@1 answers on 127.0.0.1:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "flow=1"], "--set: 'flow=1' is no quantity of tuf_2000m@1 with a number; write"),
        (["--set", "flow_m3h=much"], "write QUANTITY=VALUE with one of flow_m3h"),
        (["--set", "flow_m3h=nan"], "--set: 'flow_m3h=nan' is no quantity of tuf_2000m@1 with a"),
        (["--set", "flow_m3h=-inf"], "--set: 'flow_m3h=-inf' is no quantity of tuf_2000m@1 with"),
        (["--event", "tsunami"], "--event: tuf_2000m@1 cannot report 'tsunami'; it can report"),
        (["--unit", "300"], "simulate: --unit: 300 is outside 0..255"),
        (["--port", "70000"], "simulate: --port: "),
    ],
)
def test_a_simulation_that_cannot_be_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "tuf_2000m@1", *arguments, "--seconds", "0.01"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["nan", "-1", "inf", "soon"])
def test_a_simulation_of_no_length_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "tuf_2000m@1", f"--seconds={seconds}"])

    assert ended.value.code == 2
    assert "argument --seconds" in capsys.readouterr().err


def test_the_commands_need_no_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "firmware_profiles", "new"],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        timeout=60,
    )

    assert done.stdout.startswith(b"# A new profile.")
