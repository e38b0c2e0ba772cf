"""`meter-telegrams decode cjt188`: the published answers, as text and as JSON."""

import json

import pytest

from meter_telegrams.__main__ import main
from meter_telegrams.cjt188.frames import Cjt188Frame, encode_frame, parse_frame
from tests.meter_telegrams.test_cjt188_telegrams import HEAT_ANSWER, MISPRINTED, WATER_ANSWER


def decoded(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["decode", "cjt188", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def changed(*, control: int = 0x81, data: bytes | None = None) -> str:
    frame = parse_frame(HEAT_ANSWER)
    other = Cjt188Frame(
        meter_type=frame.meter_type,
        address=frame.address,
        control=control,
        data=frame.data if data is None else data,
    )
    return encode_frame(other).hex()


def test_a_published_answer_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = decoded(capsys, HEAT_ANSWER.hex())
    lines = [line.split() for line in out.splitlines()]

    assert (status, err) == (0, "")
    assert out.startswith("20:00000040314132: cjt188_heat_jy@1; clock 2015-07-10 12:00:53\n")
    assert ["=>", "volume_m3", "10.34", "good"] in lines
    assert ["valve", "open"] in lines


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = decoded(capsys, WATER_ANSWER.hex(), "--json")

    assert status == 0
    assert json.loads(out) == {
        "bus": "cjt188",
        "meter": {"type": "10", "address": "00002020120218"},
        "profile": "cjt188_water@1",
        "quantities": {"volume_m3": {"value": 2.0, "quality": "suspect_range"}},
        "events": [],
        "local": {"settled_volume_m3": 2.0, "status": "00FF", "valve": "open"},
        "meter_clock": None,
    }


@pytest.mark.parametrize(
    ("telegram", "text"),
    [
        (MISPRINTED.hex(), "checksum: is 08, the bytes add up to 13"),
        (HEAT_ANSWER[:20].hex(), "length: 16 bytes, the frame says 59"),
        (changed(control=0xC1, data=b"\x01\x04\x00"), "control: the meter refused, status 010400"),
        (changed(control=0x01), "control: is 01, no answer with data (81)"),
        (changed(data=b"\xd1\x20\x01"), "identifier: is D120, not 901F"),
        (changed(data=b"\x90\x1f\x01\x00"), "data: 1 bytes of a meter of type 20 prove no profile"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason(
    telegram: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert decoded(capsys, telegram) == (1, "", f"{text}\n")
