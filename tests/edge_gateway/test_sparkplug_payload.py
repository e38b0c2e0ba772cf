"""Our Sparkplug bytes are those of Google's protocol buffers, and nobody's bytes harm us."""

import json
from dataclasses import replace

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.sparkplug.payload import (
    MAX_PAYLOAD_BYTES,
    DataType,
    Metric,
    Payload,
    PayloadError,
    SparkplugQuality,
    dump_payload,
    parse_payload,
)
from tests.edge_gateway.sparkplug_reference import PayloadMessage

UINT64 = st.integers(0, 2**64 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
VALUES = st.one_of(
    st.tuples(st.just(DataType.INT64), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(DataType.UINT64), UINT64),
    st.tuples(st.just(DataType.DOUBLE), st.floats(allow_nan=False)),
    st.tuples(st.just(DataType.BOOLEAN), st.booleans()),
    st.tuples(st.just(DataType.STRING), TEXTS),
    st.tuples(st.sampled_from(DataType), st.none()),
)


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    data_type, value = draw(VALUES)
    return Metric(
        name=draw(st.none() | TEXTS),
        alias=draw(st.none() | UINT64),
        timestamp_ms=draw(st.none() | UINT64),
        data_type=data_type,
        value=value,
        is_historical=draw(st.booleans()),
        quality=draw(st.none() | st.sampled_from(SparkplugQuality)),
        texts=draw(st.dictionaries(TEXTS.filter(lambda key: key != "Quality"), TEXTS, max_size=2)),
    )


PAYLOADS = st.builds(
    Payload,
    timestamp_ms=st.none() | UINT64,
    seq=st.none() | UINT64,
    metrics=st.lists(metrics(), max_size=4),
)


@given(PAYLOADS)
def test_what_is_written_is_read_back(payload: Payload) -> None:
    assert parse_payload(dump_payload(payload)) == payload


@given(PAYLOADS)
def test_our_bytes_are_those_of_googles_encoder(payload: Payload) -> None:
    ours = dump_payload(payload)

    message = PayloadMessage.FromString(ours)

    assert message.SerializeToString(deterministic=True) == ours
    said = json.loads(json_format.MessageToJson(message))
    assert len(said.get("metrics", [])) == len(payload.metrics)


def test_a_command_of_a_host_is_understood() -> None:
    message = json_format.ParseDict(
        {
            "timestamp": 1,
            "metrics": [
                {"name": "Node Control/Rebirth", "datatype": 11, "booleanValue": True},
                {"name": "temperature", "datatype": 9, "floatValue": 1.5, "isTransient": True},
                {"name": "setpoint", "datatype": 3, "intValue": 2**32 - 7},
            ],
            "uuid": "passed over",
        },
        PayloadMessage(),
    )

    payload = parse_payload(message.SerializeToString())

    assert [metric.value for metric in payload.metrics] == [True, 1.5, -7]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_refused(data: bytes) -> None:
    refusal = ""
    try:
        payload = parse_payload(data)
    except PayloadError as error:
        refusal = str(error)
    else:
        assert replace(payload) == payload

    assert refusal == "" or (refusal.startswith("payload: ") and "; " in refusal)


@given(PAYLOADS.filter(lambda payload: len(payload.metrics) > 0), st.data())
def test_a_payload_cut_inside_its_metrics_is_refused(payload: Payload, data: st.DataObject) -> None:
    only_metrics = dump_payload(Payload(metrics=payload.metrics[:1]))
    cut = data.draw(st.integers(1, len(only_metrics) - 1))

    with pytest.raises(PayloadError):
        parse_payload(only_metrics[:cut])


def test_a_payload_without_end_is_refused_unread() -> None:
    with pytest.raises(PayloadError, match="send less"):
        parse_payload(bytes(MAX_PAYLOAD_BYTES + 1))
