"""A late frame says so on its way, and nothing else about it changes."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.queue.bodies import frame_body
from edge_gateway.queue.queued import StoredFrame
from edge_gateway.uplink.batching import batch_payload, late_by
from wire_contracts.frames import Frame, parse_batch
from wire_contracts.payloads import unpack
from wire_contracts.quantities import Quantity

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVERY = timedelta(minutes=15)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


def sent(device: str, group: str, age: timedelta) -> Frame:
    """Return the frame as the server reads it."""
    frame = Frame(
        seq=1,
        device=device,
        measured_at_utc=NOW - age,
        profile="x@1",
        group=group,
        values={Quantity.FLOW_M3H: 1.5},
    )
    stored = StoredFrame(seq=1, body=frame_body(frame, 1))
    is_late = late_by(NOW, lambda _device, _group: EVERY)
    payload, late_count = batch_payload("gw-1", 7, [stored], is_late)
    (read,) = parse_batch(unpack("topic", payload)).frames
    assert late_count == read.is_historical
    return read


@given(TEXTS, TEXTS, st.integers(0, 60))
def test_a_frame_is_late_after_two_periods_whatever_its_names(
    device: str, group: str, minutes: int
) -> None:
    read = sent(device, group, timedelta(minutes=minutes))

    assert read.is_historical is (minutes > 30)
    assert (read.device, read.group) == (device, group)
    assert read.values == {Quantity.FLOW_M3H: 1.5}


def test_names_that_look_like_the_key_do_not_hide_lateness() -> None:
    assert sent('x","h":1', '"h":', timedelta(hours=2)).is_historical
    assert not sent('x","h":1', '"h":', timedelta(0)).is_historical


def test_a_frame_that_says_it_already_is_not_told_twice() -> None:
    body = b'{"d":"W","g":"fast","h":1,"p":"x@1","s":1,"t":1,"v":{}}'
    payload, _ = batch_payload("gw-1", 7, [StoredFrame(seq=1, body=body)], lambda _body: True)

    assert payload.count(b'"h":') == 1
    assert json.loads(payload)["f"][0]["h"] == 1
