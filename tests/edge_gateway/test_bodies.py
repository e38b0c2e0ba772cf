"""A frame in the queue is the frame that was read, byte for byte a frame of the wire."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.queue.bodies import frame_body
from wire_contracts.frames import Frame, frame_json, parse_frame
from wire_contracts.payloads import unpack
from wire_contracts.quantities import Quantity

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


def frame(values: dict[Quantity, float], device: str = "W-1") -> Frame:
    return Frame(
        seq=0,
        device=device,
        measured_at_utc=datetime(2026, 1, 1, tzinfo=UTC),
        profile="x@1",
        group="fast",
        values=values,
        raw=b"\x00\x01",
    )


@given(st.dictionaries(st.sampled_from(Quantity), NUMBERS, max_size=8), TEXTS)
def test_what_is_kept_is_what_was_read(values: dict[Quantity, float], device: str) -> None:
    read = frame(values, device)

    kept = frame_body(read, 7)

    assert json.loads(kept) == {**frame_json(read), "s": 7}
    assert list(json.loads(kept)) == sorted(json.loads(kept))
    assert parse_frame(unpack("queue", kept)).values == values


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_kept(value: float) -> None:
    with pytest.raises(ValueError, match=r"Out of range|not JSON compliant"):
        frame_body(frame({Quantity.FLOW_M3H: value}), 7)


def test_a_device_called_null_is_a_device() -> None:
    assert parse_frame(unpack("queue", frame_body(frame({}, "null"), 7))).device == "null"
