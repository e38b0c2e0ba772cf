"""The command meter-telegrams as people and scripts call it."""

import base64
import io
import json
from pathlib import Path

import pytest

from meter_telegrams.__main__ import main
from meter_telegrams.mbus.joining import decode_readout
from tests.meter_telegrams.telegram_builder import WATER, Device, air, answer, crc, mode_5

METER = Device(device_type=WATER)
RECORDS = bytes.fromhex("0c1378563412")
KEY = bytes(range(16))
GOOD = answer(METER, RECORDS)


def run(*words: str) -> int:
    return main(["decode", *words])


def test_a_frame_is_told_record_by_record(capsys: pytest.CaptureFixture[str]) -> None:
    status = run("mbus", GOOD.hex())

    shown = capsys.readouterr().out
    assert status == 0
    assert "12345678 LMP version 1: water" in shown
    assert "volume_m3             12345.678  good" in shown


def test_json_has_records_quantities_and_who(capsys: pytest.CaptureFixture[str]) -> None:
    status = run("mbus", GOOD.hex(" ").upper(), "--json")

    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert told["meter"]["id"] == "12345678"
    assert told["quantities"] == {"volume_m3": {"quality": "good", "value": 12345.678}}
    assert told["records"][0]["measure"] == "volume"
    assert told["records"][0]["value"] == 12345.678
    assert told["profile"] == "mbus@1"


def test_a_refused_telegram_says_why_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    status = run("mbus", GOOD[:-3].hex() + "000016")

    told = capsys.readouterr()
    assert status == 1
    assert told.out == ""
    assert told.err.startswith("link layer: checksum: is 00, the bytes add up to ")
    assert told.err.rstrip().endswith("; read the meter again [telegram.checksum]")


def test_a_key_opens_an_encrypted_telegram(capsys: pytest.CaptureFixture[str]) -> None:
    telegram = air(METER, mode_5(METER, RECORDS, KEY)).hex()

    assert run("wmbus", telegram, "--key", KEY.hex()) == 0
    assert "12345.678" in capsys.readouterr().out
    assert run("wmbus", telegram) == 1
    assert "give the meter's key" in capsys.readouterr().err
    assert run("wmbus", telegram, "--key", bytes(16).hex()) == 1
    assert "telegram.wrong_key" in capsys.readouterr().err


def test_a_file_has_one_telegram_a_line_and_full_ones_teach_compact_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = crc(b"\x0c\x13").to_bytes(2, "little") + crc(RECORDS).to_bytes(2, "little")
    compact = air(METER, b"\x79" + heads + RECORDS[2:])
    file = tmp_path / "telegrams.txt"
    lines = ["# a full and a compact one", air(METER, b"\x78" + RECORDS).hex(), "", compact.hex()]
    file.write_text("\n".join(lines), encoding="utf-8")

    status = run("wmbus", str(file), "--json")

    values = [
        json.loads(line)["quantities"]["volume_m3"]["value"]
        for line in capsys.readouterr().out.splitlines()
    ]
    assert status == 0
    assert values == [12345.678, 12345.678]


def test_the_telegrams_of_a_long_answer_are_joined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "telegrams.txt"
    parts = [answer(METER, RECORDS + b"\x1f"), answer(METER, bytes.fromhex("025AF401"))]
    file.write_text("\n".join(each.hex() for each in parts), encoding="utf-8")

    status = run("mbus", str(file), "--json")

    (line,) = capsys.readouterr().out.splitlines()
    assert status == 0
    assert set(json.loads(line)["quantities"]) == {"volume_m3", "temperature_degc"}


@pytest.mark.parametrize("row", ["{}", '{{"hex": "{}"}}'])
def test_neither_json_cases_nor_other_meters_are_joined(
    row: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cases.jsonl"
    frames = [answer(METER, RECORDS + b"\x1f"), answer(Device(identification="00000007"), RECORDS)]
    file.write_text("\n".join(row.format(each.hex()) for each in frames))

    assert run("mbus", str(file), "--json") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_raw_bytes_of_a_stored_readout_are_one_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    raw = answer(METER, RECORDS + b"\x1f") + answer(METER, bytes.fromhex("025AF401"))

    assert run("mbus", raw.hex(), "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["quantities"]) == {
        "volume_m3",
        "temperature_degc",
    }
    assert len(decode_readout(raw).records) == 2


def test_one_bad_line_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "telegrams.txt"
    file.write_text(f"{GOOD[:-1].hex()}\n{GOOD.hex()}\n", encoding="utf-8")

    status = run("mbus", str(file))

    told = capsys.readouterr()
    assert status == 1
    assert told.err.startswith(f"{file}:1: link layer: length: ")
    assert "12345.678" in told.out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("mbus", "no-such-file"), "is neither hexadecimal nor a file"),
        (("mbus", ""), "telegram: is empty; give hexadecimal digits"),
        (("mbus", "685"), "write pairs of hexadecimal digits"),
        (("wmbus", "44", "--key", "12"), "give 32 hexadecimal digits"),
    ],
)
def test_a_wrong_call_says_what_to_write(
    words: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    "row",
    [
        json.dumps({"telegram": GOOD.hex()}),
        json.dumps({"case": "one", "hex": GOOD.hex(), "key": None}),
        json.dumps({"d": "HM-1", "raw": base64.b64encode(GOOD).decode()}),
        GOOD.hex(),
    ],
)
def test_standard_input_has_one_telegram_a_line_json_too(
    row: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"# two\n{row}\n\n{row}\n"))
    status = run("mbus", "-", "--json")
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert status == 0
    assert [each["quantities"]["volume_m3"] for each in shown] == [
        shown[0]["quantities"]["volume_m3"]
    ] * 2


def test_a_json_line_may_hold_the_key_of_its_own_meter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "telegrams.jsonl"
    telegram = air(METER, mode_5(METER, RECORDS, KEY))
    file.write_text(json.dumps({"telegram": telegram.hex(), "key": KEY.hex()}))

    assert run("wmbus", str(file)) == 0
    assert "12345.678" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ('{"hex": 1}', "telegram: is missing; give it as `telegram`"),
        ('{"hex": ', "telegram: is no JSON object"),
        ('{"raw": "*"}', "it is the base64 of a stored frame"),
        ('{"hex": "68", "key": "1"}', "give 32 hexadecimal digits"),
    ],
)
def test_a_json_line_that_holds_no_telegram_is_a_wrong_call(
    row: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "telegrams.jsonl"
    file.write_text(row)

    assert run("mbus", str(file)) == 2
    assert f"{file}:1: " in (said := capsys.readouterr().err)
    assert text in said


def test_a_file_without_telegrams_is_a_wrong_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "empty.txt"
    file.write_text("# nothing\n", encoding="utf-8")

    assert run("mbus", str(file)) == 2
    assert "there are none" in capsys.readouterr().err
