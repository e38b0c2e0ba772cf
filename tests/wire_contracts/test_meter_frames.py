"""Lines of a file of readings: what is written is what is read, and a broken line names itself."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire_contracts.test_frames import frames, texts
from wire_contracts.errors import ContractError
from wire_contracts.meter_frames import (
    LONGEST_LINE,
    UNNUMBERED,
    MeterFrame,
    dump_meter_frame,
    frame_lines,
    parse_meter_frame,
)

GOOD = {"meter": "M-1", "d": "D-1", "t": 1_793_600_000_000, "p": "p@1", "g": "fast", "v": {}}


@given(meter_id=texts, frame=frames)
def test_a_line_reads_back_as_it_was_written(meter_id: str, frame: object) -> None:
    line = MeterFrame(meter_id=meter_id, frame=frame)  # type: ignore[arg-type]  # drawn Frame

    data = dump_meter_frame(line)
    again = parse_meter_frame("f: line 1", data)

    assert b"\n" not in data
    assert again.meter_id == meter_id
    assert again.frame.seq == UNNUMBERED
    assert dump_meter_frame(again) == data


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_or_refused_by_name(data: bytes) -> None:
    refusal = "f: line 7: "
    try:
        parse_meter_frame("f: line 7", data)
    except ContractError as error:
        refusal = str(error)

    assert refusal.startswith("f: line 7: ")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"meter": None}, "f: line 1: meter: is missing; send a text"),
        ({"s": 5}, "f: line 1: s: is there; leave it out"),
        ({"d": None}, "f: line 1: d: is missing; send a text"),
        (
            {"v": {"flow_m3h": 1.0}, "q": {"flow_m3h": "bad_crc"}},
            (
                "f: line 1: v.flow_m3h: has a value and the quality 'bad_crc'; "
                "send no value with a bad quality"
            ),
        ),
    ],
)
def test_a_line_that_is_no_frame_of_a_meter_is_refused(
    change: dict[str, object], text: str
) -> None:
    with pytest.raises(ContractError) as caught:
        parse_meter_frame("f: line 1", json.dumps({**GOOD, **change}).encode())

    assert str(caught.value) == text


def test_a_line_without_end_is_one_line_and_the_next_keeps_its_number() -> None:
    file = io.BytesIO(b"a\n\n" + b"x" * (5 * LONGEST_LINE) + b"\r\nb\r\nc")
    found = list(frame_lines(file))

    assert [(number, data[:1]) for number, data in found] == [
        (1, b"a"),
        (3, b"x"),
        (4, b"b"),
        (5, b"c"),
    ]
    assert len(found[1][1]) > LONGEST_LINE


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"{", "is no JSON"),
        (b"[]", "is no JSON object"),
        (b'{"meter":"\xed\xa0\x80"}', "is no JSON"),
        (b'{"meter":"\\ud800"}', "is no JSON"),
        (b" " * (LONGEST_LINE + 1), f"has {LONGEST_LINE + 1} bytes"),
    ],
)
def test_a_line_that_is_no_object_says_what_one_is(data: bytes, problem: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_meter_frame("f: line 1", data)

    assert str(caught.value) == (
        f"f: line 1: line: {problem}; write one JSON object of at most 65536 bytes per line"
    )
