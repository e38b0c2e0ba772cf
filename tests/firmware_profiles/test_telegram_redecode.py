"""Stored telegrams decoded again by the rules of this release."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from firmware_profiles.__main__ import main
from firmware_profiles.errors import WordsError
from firmware_profiles.redecode_telegrams import TelegramRedecoder, telegram_references
from meter_telegrams.cjt188.frames import encode_frame, parse_frame
from meter_telegrams.mbus.frames import long_frame
from tests.firmware_profiles.test_profile_redecode import line
from tests.meter_telegrams.test_cjt188_telegrams import WATER_ANSWER
from wire_contracts.meter_frames import MeterFrame, dump_meter_frame, parse_meter_frame
from wire_contracts.quantities import Quantity

HEADER = bytes.fromhex("78563412 2423 28 07 55 00 0000")
"""Water meter 12345678 of an invented maker; status 00, no signature."""

VOLUME = bytes.fromhex("04 13 87D61200")
"""1234567 litres: DIF 04 32-bit whole number, VIF 13 volume in 10^-3 m3."""

FLOW = bytes.fromhex("02 3B DC05")
"""1500 litres per hour: DIF 02 16-bit whole number, VIF 3B flow in 10^-3 m3/h."""

MORE = b"\x1f"


def answer(data: bytes) -> bytes:
    return long_frame(0x08, 5, 0x72, HEADER + data)


def stored(telegrams: bytes | None, profile: str = "mbus@1") -> MeterFrame:
    return line({}, "telegram", profile=profile, raw=telegrams)


def test_an_mbus_readout_of_two_telegrams_is_read_as_one() -> None:
    telegrams = answer(VOLUME + MORE) + answer(FLOW)

    frame = TelegramRedecoder(reference="mbus@1").redecode(stored(telegrams)).frame

    assert frame.values == {Quantity.VOLUME_M3: 1234.567, Quantity.FLOW_M3H: 1.5}
    assert (frame.profile, frame.raw, frame.quality) == ("mbus@1", None, {})


def test_a_cjt188_answer_is_read_by_the_layout_that_is_asked_for() -> None:
    sent = stored(WATER_ANSWER, profile="cjt188_water@1")

    right = TelegramRedecoder(reference="cjt188_water@1").redecode(sent).frame
    wrong = TelegramRedecoder(reference="cjt188_water_jy@1").redecode(sent).frame

    assert right.values.keys() == {Quantity.VOLUME_M3}
    assert (wrong.values, wrong.quality) == ({}, {Quantity.VOLUME_M3: "bad_profile"})
    assert wrong.profile == "cjt188_water_jy@1"


@pytest.mark.parametrize("reference", telegram_references())
@pytest.mark.parametrize(
    "telegram", [None, b"\x68", b"\x68\x03\x03\x68", b"\x10\x40\x05\x45\x16", answer(b"")[:-1]]
)
def test_what_is_no_answer_of_a_meter_is_refused_with_a_reason(
    reference: str, telegram: bytes | None
) -> None:
    with pytest.raises(WordsError, match=r"^raw: .+"):
        TelegramRedecoder(reference=reference).redecode(stored(telegram))


def test_zeros_of_a_meter_that_started_stay_in_doubt_when_they_are_decoded_again() -> None:
    decoder = TelegramRedecoder(reference="mbus@1")
    zero = bytes.fromhex("04 13 00000000")
    found = []
    for minute, record in enumerate((VOLUME, zero, zero, VOLUME)):
        sent = stored(answer(record))
        at_utc = sent.frame.measured_at_utc + timedelta(minutes=minute)
        sent = replace(sent, frame=replace(sent.frame, measured_at_utc=at_utc))
        found.append(decoder.redecode(sent).frame.quality)

    doubted = {Quantity.VOLUME_M3: "suspect_rate"}
    assert found == [{}, doubted, doubted, {}]


def test_a_refusal_of_the_meter_is_no_data() -> None:
    frame = replace(parse_frame(WATER_ANSWER), control=0xC1)
    refusal = encode_frame(frame, wake_up_count=0)

    with pytest.raises(WordsError, match=r"raw: control: is C1, no answer with meter data"):
        TelegramRedecoder(reference="cjt188_water@1").redecode(stored(refusal))


def test_the_command_decodes_telegrams_by_their_reference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, out = tmp_path / "frames.jsonl", tmp_path / "out.jsonl"
    good = stored(answer(VOLUME))
    lines = [good, replace(good, frame=replace(good.frame, raw=b"\x68"))]
    frames.write_bytes(b"".join(dump_meter_frame(each) + b"\n" for each in lines))

    status = main(["redecode", str(frames), "--profile", "mbus@1", "--out", str(out)])

    (written,) = out.read_bytes().splitlines()
    assert status == 1
    assert parse_meter_frame("out", written).frame.values == {Quantity.VOLUME_M3: 1234.567}
    assert f"{frames}: line 2: raw: " in capsys.readouterr().err
