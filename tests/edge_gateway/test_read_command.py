"""`edge-gateway read`: one meter as the gateway would read it, as a table and as JSON."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typing_extensions import override

from edge_gateway.__main__ import main
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from firmware_profiles.probe import MeantMeter
from firmware_profiles.simulator_io import (
    NoAnswer,
    NoSuchRegister,
    SimulatedLink,
    SimulatedLinks,
)
from firmware_profiles.words import WordImage
from tests.edge_gateway.cjt188_meters import Cjt188Line, Fault, SimulatedMeter, bcd
from tests.edge_gateway.mbus_meters import MbusLine
from tests.edge_gateway.rig import LOOPBACK, ROOT, MeterServer, good
from tests.edge_gateway.served_line import on_pty
from tests.firmware_profiles.test_profile_hints import HEAD, ROW, ROWS
from tests.free_ports import free_port
from wire_contracts.quantities import Quantity

HEAT = SimulatedMeter(meter_type=0x20, address="00110040314132")


MAG11 = "twoflow_mag11@2"
PROOF = """
[[source]]
where = "made up"
kind = "code"

[[test]]
name = "by hand"
origin = "computed"
fc = 3
regs = { "0" = "0000 4148", "2" = "0000 4148", "4" = "0000 4148" }
expect = { flow_m3h = "12.5", energy_kwh = "12.5", supply_temp_degc = "12.5" }
"""


def golden_meter(reference: str) -> SimulatedLinks:
    """The meter of a profile's first golden vector at unit 7; it has no other register."""
    return meter_of(load_profile(reference).golden[0].words)


def mag11_meter() -> SimulatedLinks:
    """A MAG-11 at unit 7 with its unit codes, by which it is known, and its sensor number."""
    codes = {(3, 65): 0x1C, (3, 1581): 0x7F, (3, 294): 0, (3, 295): 1234}
    return meter_of({**load_profile(MAG11).golden[1].words, **codes})


def meter_of(image: WordImage) -> SimulatedLinks:
    """A meter at unit 7 with these registers and no other."""

    def answer(unit: int, function: int, address: int, count: int) -> list[int]:
        if unit != 7:
            raise NoAnswer
        asked = [(function, at) for at in range(address, address + count)]
        if any(at not in image for at in asked):
            raise NoSuchRegister
        return [image[at] for at in asked]

    return SimulatedLinks([SimulatedLink(name="meter", answer=answer)])


def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["read", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_json_is_one_object_with_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with golden_meter("microsensor_mfe600h@1") as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, err = read(
            capsys, url, "--unit", "7", "--profile", "microsensor_mfe600h@1", "--json"
        )
    body = json.loads(out)

    assert (status, err) == (0, "")
    assert out.count("\n") == 1
    assert set(body) == {
        "url",
        "unit",
        "at",
        "ms",
        "profile",
        "revision",
        "good",
        "quantities",
        "events",
        "local",
        "raw",
        "faults",
        "hints",
    }
    assert (body["url"], body["unit"], body["good"]) == (url, "7", True)
    assert (body["profile"], body["revision"]) == ("microsensor_mfe600h", 1)
    assert body["quantities"]["flow_m3h"] == {"value": 12.5, "unit": "m3/h", "quality": "good"}
    assert body["raw"]["4/4112"] == "4148"
    assert body["ms"] > 0
    assert body["at"].endswith("+00:00")


def test_without_a_serial_the_meter_says_its_number_and_is_held_to_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile = "diehl_sharky_775_kwh@1"
    meant = MeantMeter(serial="12345678", device_address=7)
    image = encode_values(load_profile(profile), {Quantity.ENERGY_KWH: 5000.0}, identity=meant)
    with meter_of(image) as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        asked = (url, "--unit", "7", "--profile", profile, "--json")
        _, out, _ = read(capsys, *asked)
        _, other, _ = read(capsys, *asked, "--serial", "87654321")
    body, refused = json.loads(out), json.loads(other)

    assert body["quantities"]["energy_kwh"] == {"value": 5000.0, "unit": "kWh", "quality": "good"}
    assert "the meter says 12345678: compare it with its name plate" in body["hints"]
    assert refused["quantities"]["energy_kwh"]["quality"] == "bad_mismatch"


@pytest.mark.parametrize(("serial", "status"), [("HM-100001", 1), ("12345678", 0), ("KAM:1", 0)])
def test_a_serial_that_the_guard_can_never_show_is_refused_by_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], serial: str, status: int
) -> None:
    (tmp_path / "gateway.toml").write_text(
        f"""
[gateway]
id = "gw-01"
data = "data"
[mqtt]
host = "{LOOPBACK}"
[[link]]
name = "plant"
url = "tcp://{LOOPBACK}:6"
[[link.meter]]
serial = "{serial}"
device_address = 1
profile = "kamstrup_multical_legacy_kwh@1"
""",
        encoding="utf-8",
    )
    found = main(["check-config", "--config", str(tmp_path / "gateway.toml")])
    said = capsys.readouterr().err

    assert found == status
    assert ("meter 'HM-100001': serial: 'HM-100001'" in said) == (status == 1)


def test_a_wrong_word_order_that_a_person_named_is_hinted_at(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A map of floats in the other order: 12.35 m3/h reads 1e-18."""
    rows = "".join(
        ROW.format(name=name, address=address, unit=unit, quantity=quantity)
        for name, address, unit, quantity in ROWS
    )
    swapped = (HEAD + rows + PROOF).replace('word_order = "big"', 'word_order = "little"')
    (tmp_path / "floats@1.toml").write_text(swapped, encoding="utf-8")
    words = struct.unpack(">6H", struct.pack(">3f", 12.35, 45678.9, 71.3))
    with meter_of({(3, at): word for at, word in enumerate(words)}) as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        profiles = ("--profiles", str(tmp_path), "--profile", "floats@1")
        status, out, _ = read(capsys, url, "--unit", "7", *profiles, "--json")
    body = json.loads(out)

    assert (status, body["good"]) == (1, False)
    assert body["quantities"]["flow_m3h"]["quality"] == "suspect_range"
    assert any("word order? in ABCD" in hint for hint in body["hints"])


def test_a_meter_whose_units_no_register_tells_is_read_with_a_hint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile = "sontex_supercal_531_kwh@1"
    image = encode_values(load_profile(profile), {Quantity.ENERGY_KWH: 5000.0})
    with meter_of(image) as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        _, out, _ = read(capsys, url, "--unit", "7", "--profile", profile)

    assert "look at" in out
    assert "sontex_supercal_531_mwh@1: " in out
    assert "the display shows energy in MWh" in out


def test_an_unfit_file_beside_the_profile_takes_no_reading_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "unfit@1.toml").write_text('[profile]\nid = "unfit"\n')
    with golden_meter("microsensor_mfe600h@1") as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        call = (url, "--unit", "7", "--profile", "microsensor_mfe600h@1", "--json")
        status, out, err = read(capsys, *call, "--profiles", str(tmp_path))

    assert (status, err) == (0, "")
    assert json.loads(out)["good"]


def test_the_table_shows_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with golden_meter("microsensor_mfe600h@1") as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, _ = read(capsys, url, "--unit", "7", "--profile", "microsensor_mfe600h@1")
    lines = out.splitlines()

    assert status == 0
    assert lines[0].startswith(f"microsensor_mfe600h@1 at 7, {url}: ")
    assert ["flow_m3h", "12.5", "m3/h", "good"] in [line.split() for line in lines]
    assert "  4/4112: 4148 0000" in lines


def test_without_a_profile_the_meter_is_identified_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mag11_meter() as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, _ = read(capsys, url, "--unit", "7")

    assert status == 0
    assert out.startswith(f"{MAG11} at 7")


def same_everywhere() -> SimulatedLinks:
    """What is no meter: 500 in every input register, no holding register."""

    def answer(_unit: int, function: int, _address: int, count: int) -> list[int]:
        if function != 4:
            raise NoSuchRegister
        return [500] * count

    return SimulatedLinks([SimulatedLink(name="meter", answer=answer)])


@pytest.mark.parametrize(
    "meter",
    [
        partial(golden_meter, "tuf_2000m@1"),
        partial(golden_meter, "microsensor_mfe600h@1"),
        same_everywhere,
    ],
)
def test_a_meter_that_nobody_knows_is_not_read(
    meter: Callable[[], SimulatedLinks], capsys: pytest.CaptureFixture[str]
) -> None:
    with meter() as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, err = read(capsys, url, "--unit", "7")
        json_status, text, _ = read(capsys, url, "--unit", "7", "--json")

    why = "read: profile: not identified, fitting: none; name one with --profile"
    body = json.loads(text)
    assert (status, json_status, out, err) == (2, 2, "", f"{why}\n")
    assert (body["good"], body["quantities"], body["hints"]) == (False, {}, [why])


def test_a_silent_meter_is_no_value_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with golden_meter("microsensor_mfe600h@1") as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, _ = read(
            capsys,
            url,
            "--unit",
            "9",
            "--profile",
            "microsensor_mfe600h@1",
            "--timeout",
            "0.05",
            "--json",
        )
    body = json.loads(out)

    assert status == 1
    assert not body["good"]
    assert {each["quality"] for each in body["quantities"].values()} == {"bad_timeout"}
    assert {each["value"] for each in body["quantities"].values()} == {None}
    assert body["raw"] == {}
    assert body["faults"]


def test_a_line_that_is_not_there_is_status_1_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"cjt188://{LOOPBACK}:{free_port()}"
    status, out, _ = read(capsys, url, "--unit", "20:00110040314132")

    assert status == 1
    assert "the line cannot be opened: " in out


def test_a_line_that_is_not_there_is_one_object_without_a_profile_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = read(
        capsys, f"tcp://{LOOPBACK}:{free_port()}", "--unit", "7", "--timeout", "0.1", "--json"
    )
    body = json.loads(out)

    assert (status, body["good"], body["quantities"], body["profile"]) == (1, False, {}, None)
    assert body["faults"][0].startswith("identify: bad_timeout: ")
    assert err.startswith("read: unit 7: ")
    assert err.endswith("name a --profile\n")


def test_a_silent_mbus_meter_has_no_quantity_that_nobody_has_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with MbusLine(meters=[]) as line:
        url = f"mbus://{LOOPBACK}:{line.port}"
        status, out, _ = read(capsys, url, "--unit", "5", "--timeout", "0.1", "--json")
    body = json.loads(out)

    assert (status, body["quantities"]) == (1, {})
    assert body["faults"]


def test_a_meter_that_said_nothing_is_of_no_profile(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"cjt188://{LOOPBACK}:{free_port()}"
    arguments = (url, "--unit", "20:00110040314132", "--timeout", "0.1")
    status, out, _ = read(capsys, *arguments, "--json")
    _, text, _ = read(capsys, *arguments)
    body = json.loads(out)

    assert status == 1
    assert (body["profile"], body["revision"]) == (None, None)
    assert text.startswith("no profile at 20:00110040314132")


def test_a_cjt188_meter_says_itself_what_its_data_are(capsys: pytest.CaptureFixture[str]) -> None:
    with Cjt188Line([SimulatedMeter(meter_type=0x20, address="00110040314132")]) as line:
        url = f"cjt188://{LOOPBACK}:{line.port}"
        status, out, _ = read(capsys, url, "--unit", "20:00110040314132", "--json")
    body = json.loads(out)

    assert status == 0
    assert (body["profile"], body["revision"]) == ("cjt188_heat", 1)
    assert body["quantities"]["supply_temp_degc"]["value"] == 85.5
    assert body["raw"]["telegram"].startswith("6820324131400011")
    assert body["local"]["valve"] == "open"


class Clockless(SimulatedMeter):
    """A water meter whose clock was never set."""

    @override
    def data(self) -> bytes:
        return bcd(12345) + b"\x2c" + bcd(12000) + b"\x2c" + bytes(9)


def test_a_cjt188_meter_without_a_clock_is_doubted_with_what_to_compare(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Cjt188Line([Clockless(meter_type=0x10, address="00110040314132")]) as line:
        url = f"cjt188://{LOOPBACK}:{line.port}"
        status, out, _ = read(capsys, url, "--unit", "10:00110040314132", "--json")
        _, stated, _ = read(
            capsys, url, "--unit", "10:00110040314132", "--profile", "cjt188_water_low@1", "--json"
        )
    (hint,) = json.loads(out)["hints"]

    assert status == 1
    assert "123.45 by cjt188_water_low@1 or 452301 by cjt188_water_high@1" in hint
    assert (json.loads(stated)["good"], json.loads(stated)["hints"]) == (True, [])


def test_one_bad_value_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    line = Cjt188Line([HEAT], fault=lambda: Fault.CHECKSUM)
    with line:
        url = f"cjt188://{LOOPBACK}:{line.port}"
        status, out, _ = read(capsys, url, "--unit", "20:00110040314132", "--timeout", "1")

    assert status == 1
    assert "bad_crc" in out
    assert "telegram: bad_crc: checksum: is " in out


def test_a_command_of_its_own_reads_a_serial_port() -> None:
    with on_pty(Cjt188Line([SimulatedMeter(meter_type=0x10, address=f"{1:014d}")])) as device:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "edge_gateway",
                "read",
                f"cjt188://{device}?baud=115200",
                "--unit",
                "10:00000000000001",
                "--profile",
                "cjt188_water@1",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert (done.returncode, done.stderr) == (0, "")
    assert ["volume_m3", "100.01", "m3", "good"] in [
        line.split() for line in done.stdout.splitlines()
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["tcp://127.0.0.1", "--unit", "x", "--profile", "tuf_2000m@1"],
            "read: link 'tcp://127.0.0.1' meter 'unit x': device_address: is 'x'; give a whole",
        ),
        (
            ["tcp://127.0.0.1", "--unit", "7", "--profile", "nobody@1"],
            "read: link 'tcp://127.0.0.1' meter 'unit 7': profile: profile 'nobody@1': ",
        ),
        (["nowhere", "--unit", "7"], "read: url: 'nowhere' is no link URL; write it like"),
        (
            ["cjt188://127.0.0.1:1", "--unit", "7"],
            "read: link 'cjt188://127.0.0.1:1' meter 'unit 7': device_address: '7' is not TYPE:",
        ),
    ],
)
def test_a_wrong_call_is_status_2_and_one_line(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = read(capsys, *arguments)

    assert (status, out) == (2, "")
    assert err.startswith(text)
    assert err.count("\n") == 1


def test_words_are_shown_as_a_profile_writer_needs_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with MeterServer(units={7: good}) as server:
        url = f"tcp://{LOOPBACK}:{server.port}"
        arguments = [url, "--unit", "7", "--words", "3:16+3", "--words", "4:1"]
        status, out, err = read(capsys, *arguments)
        json_status, json_out, _ = read(capsys, *arguments, "--json")

    assert (status, out, err) == (0, "1B68 1B69 1B6A\n1B59\n", "")
    assert json_status == 0
    assert json.loads(json_out) == {
        "url": url,
        "unit": "7",
        "raw": {"3/16": "1B68", "3/17": "1B69", "3/18": "1B6A", "4/1": "1B59"},
        "faults": [],
    }


def test_words_that_are_refused_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with golden_meter("tuf_2000m@1") as server:
        url = f"tcp://{LOOPBACK}:{server.ports['meter']}"
        status, out, err = read(capsys, url, "--unit", "7", "--words", "3:60000+2")
        _, body, _ = read(capsys, url, "--unit", "7", "--words", "3:60000+2", "--json")

    assert json.loads(body)["faults"] == ["3:60000+2: bad_exception_2: exception 2"]
    assert (status, out) == (1, "")
    assert err == "read: words: 3:60000+2: bad_exception_2: exception 2\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["tcp://127.0.0.1", "--unit", "7", "--words", "3:0+126"], "read: words: '3:0+126' cannot"),
        (["tcp://127.0.0.1", "--unit", "7", "--words", "5:0"], "read: words: '5:0' cannot be"),
        (["tcp://127.0.0.1", "--unit", "7", "--words", "3:65535+2"], "read: words: '3:65535+2'"),
        (["tcp://127.0.0.1", "--unit", "x", "--words", "3:0"], "read: unit: 'x' is no Modbus"),
        (["mbus://127.0.0.1:1", "--unit", "7", "--words", "3:0"], "read: words: only Modbus has"),
        (["bad", "--unit", "7", "--words", "3:0"], "read: url: 'bad' is no link URL"),
    ],
)
def test_words_that_cannot_be_asked_are_a_wrong_call(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = read(capsys, *arguments)

    assert (status, out) == (2, "")
    assert err.startswith(text)


@pytest.mark.parametrize("seconds", ["0", "1000", "soon"])
def test_a_time_out_that_cannot_be_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["read", "tcp://127.0.0.1", "--unit", "1", "--timeout", seconds])

    assert caught.value.code == 2
    assert "--timeout" in capsys.readouterr().err
