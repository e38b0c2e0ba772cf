"""Frames and batches: what comes out is what went in, and a broken frame names its field."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import (
    Batch,
    Frame,
    GapRecord,
    TimeQuality,
    dump_batch,
    frame_json,
    gap_json,
    ms_from_utc,
    ordinary_frame,
    parse_batch,
    parse_frame,
    utc_from_ms,
)
from wire_contracts.payloads import MAX_INFLATED_BYTES, dump_json, pack, unpack
from wire_contracts.quality import BAD_TIMEOUT, SUSPECT_RANGE
from wire_contracts.quantities import Quantity

PLACE = "topic 'lamp/v1/01/gw-07/up'"

moments = st.integers(946_684_800_000, 4_102_444_800_000).map(utc_from_ms)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
good_values = st.dictionaries(
    st.sampled_from([Quantity.FLOW_M3H, Quantity.VOLUME_M3, Quantity.ENERGY_KWH]),
    st.floats(allow_nan=False, allow_infinity=False),
)
qualities = st.dictionaries(
    st.sampled_from([Quantity.POWER_KW, Quantity.SUPPLY_TEMP_DEGC]),
    st.sampled_from([BAD_TIMEOUT, SUSPECT_RANGE]),
)
frames = st.builds(
    Frame,
    seq=st.integers(1, 2**63 - 1),
    device=texts,
    measured_at_utc=moments,
    profile=texts,
    group=texts,
    values=good_values,
    quality=qualities,
    events=st.lists(texts, max_size=3).map(tuple),
    raw=st.none() | st.binary(min_size=1, max_size=64),
    time_quality=st.sampled_from(TimeQuality),
)

odd: st.SearchStrategy[JsonValue] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**53,
        2**70,
        1e308,
        "",
        "x",
        "\0",
        "a" * 65,
        [],
        {},
        {"flow_m3h": True},
    ]
)


@st.composite
def gaps(draw: st.DrawFn) -> GapRecord:
    first = draw(st.integers(1, 10**9))
    last = draw(st.integers(first, 2 * 10**9))
    return GapRecord(
        seq=draw(st.integers(last + 1, 2**63 - 1)),
        first=first,
        last=last,
        count=draw(st.integers(1, last - first + 1)),
        why=draw(texts),
    )


def parsed(payload: bytes) -> Batch:
    return parse_batch(unpack(PLACE, payload))


def one_frame(**changes: object) -> bytes:
    body: dict[str, object] = {
        "s": 812,
        "d": "HM-100001",
        "t": 1795292648000,
        "p": "tuf_2000m@2",
        "g": "fast",
        "v": {"flow_m3h": 1.25},
    }
    body |= changes
    body = {key: value for key, value in body.items() if value is not ...}
    return json.dumps({"v": 1, "gw": "gw-07", "ep": 3, "f": [body]}).encode()


@given(st.lists(frames, max_size=8), st.lists(gaps(), max_size=4), st.integers(0, 2**63 - 1))
def test_a_batch_comes_back_as_it_was_sent(
    sent: list[Frame], lost: list[GapRecord], epoch: int
) -> None:
    bodies = [*map(frame_json, sent), *map(gap_json, lost)]

    batch = parsed(pack(dump_batch("gw-07", epoch, bodies)))

    assert batch == Batch(gateway_id="gw-07", epoch=epoch, frames=sent, gaps=lost, rejected=[])


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_with_a_named_field(payload: bytes) -> None:
    refusals: list[ContractError] = []
    try:
        parsed(payload)
    except ContractError as error:
        refusals.append(error)

    assert all(error.place == PLACE and error.field for error in refusals)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"t": ...}, "f[0].t", Code.FIELD_MISSING),
        ({"t": "noon"}, "f[0].t", Code.FIELD_TYPE),
        ({"t": 12}, "f[0].t", Code.FIELD_RANGE),
        ({"d": ...}, "f[0].d", Code.FIELD_MISSING),
        ({"d": ""}, "f[0].d", Code.FIELD_RANGE),
        ({"v": {"flow_m3h": "1"}}, "f[0].v.flow_m3h", Code.FIELD_TYPE),
        ({"v": {"flow_m3h": True}}, "f[0].v.flow_m3h", Code.FIELD_TYPE),
        ({"v": {"speed": 1}}, "f[0].v.speed", Code.FIELD_UNKNOWN),
        ({"q": {"flow_m3h": "fine"}}, "f[0].q.flow_m3h", Code.FIELD_RANGE),
        ({"q": {"flow_m3h": "bad_timeout"}}, "f[0].v.flow_m3h", Code.FIELD_RANGE),
        ({"e": ["leak_water", 7]}, "f[0].e", Code.FIELD_TYPE),
        ({"raw": "###"}, "f[0].raw", Code.FIELD_TYPE),
        ({"raw": "é"}, "f[0].raw", Code.FIELD_TYPE),
        ({"d": "D\0"}, "f[0].d", Code.FIELD_RANGE),
        ({"gap": {"from": 3, "to": 812, "n": 1, "why": "x"}}, "f[0].gap.to", Code.FIELD_RANGE),
        ({"gap": {"from": 3, "to": 4, "n": 1, "why": "\0"}}, "f[0].gap.why", Code.FIELD_RANGE),
        ({"surprise": 1}, "f[0].surprise", Code.FIELD_UNKNOWN),
    ],
)
def test_a_frame_that_cannot_be_used_is_kept_with_its_reason(
    changes: dict[str, object], field: str, code: Code
) -> None:
    batch = parsed(one_frame(**changes))

    assert not batch.frames
    (rejected,) = batch.rejected
    assert (rejected.seq, rejected.code) == (812, code)
    assert rejected.reason.startswith(f"{PLACE}: {field}: ")
    assert "; " in rejected.reason
    assert json.loads(rejected.body)["s"] == 812


def test_the_missing_field_error_says_what_to_send() -> None:
    (rejected,) = parsed(one_frame(t=...)).rejected

    assert rejected.reason == f"{PLACE}: f[0].t: is missing; send a whole number"


def test_one_broken_frame_leaves_its_neighbours_alone() -> None:
    good = json.loads(one_frame())["f"][0]
    bad = {**good, "s": 813, "t": None}
    payload = json.dumps({"v": 1, "gw": "gw-07", "ep": 3, "f": [good, bad]}).encode()

    batch = parsed(payload)

    assert [frame.seq for frame in batch.frames] == [812]
    assert [rejected.seq for rejected in batch.rejected] == [813]


@pytest.mark.parametrize("seq", [None, 0, -1, "1", 1.5])
def test_a_frame_without_a_usable_number_refuses_the_whole_batch(seq: object) -> None:
    with pytest.raises(ContractError, match=r"f\[0\]\.s"):
        parsed(one_frame(s=seq))


def test_another_version_is_refused_by_its_number() -> None:
    payload = one_frame().replace(b'"v": 1,', b'"v": 2,', 1)

    with pytest.raises(ContractError, match="v: is 2; send version 1"):
        parsed(payload)


def test_a_zlib_bomb_is_refused_before_it_is_inflated() -> None:
    bomb = pack(b" " * (MAX_INFLATED_BYTES + 10) + b"{}")

    with pytest.raises(ContractError, match="inflates to over 1 MiB"):
        unpack(PLACE, bomb)


def test_half_a_character_is_no_json_and_a_whole_one_is() -> None:
    with pytest.raises(ContractError, match="not valid JSON"):
        parsed(one_frame(d="\ud83d"))

    (frame,) = parsed(one_frame(d="\ud83d\ude00")).frames
    assert frame.device == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"gw":"\xed\xa0\x80"}',
        '{"gw":"\\ud800"}'.encode("utf-16-le"),
        '{"gw":"\\ud800"}'.encode("utf-32-le"),
    ],
    ids=["as three bytes", "in UTF-16", "in UTF-32"],
)
def test_half_a_character_does_not_slip_through_in_other_bytes(payload: bytes) -> None:
    with pytest.raises(ContractError, match="not valid JSON"):
        unpack(PLACE, payload)


def test_a_field_named_with_a_nul_character_leaves_a_reason_that_any_database_takes() -> None:
    (rejected,) = parsed(one_frame(**{"zz\0": 1})).rejected

    assert "\0" not in rejected.reason


def test_not_a_number_is_no_json() -> None:
    with pytest.raises(ContractError, match="not valid JSON"):
        parsed(one_frame(v={"flow_m3h": float("nan")}))


@given(moments)
def test_wire_times_survive_the_round_trip(moment: datetime) -> None:
    assert utc_from_ms(ms_from_utc(moment)) == moment


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)

    with pytest.raises(ValueError, match="has no time zone"):
        ms_from_utc(naive)


def test_a_time_in_another_zone_is_the_same_instant() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    assert ms_from_utc(moment) == ms_from_utc(moment + timedelta(0))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
field_changes = st.dictionaries(st.sampled_from("sdtpgvq"), json_values, max_size=3)


def outcome(payload: bytes, quick_loads: Callable[[bytes], object] | None) -> str:
    try:
        batch = parse_batch(unpack(PLACE, payload, quick_loads))
    except ContractError as error:
        return f"refused at {error.field}"
    return f"{batch.frames} {batch.gaps} {[(each.seq, each.code) for each in batch.rejected]}"


@given(changes=field_changes)
def test_a_faster_json_reader_changes_no_verdict(changes: dict[str, object]) -> None:
    in_range = {
        name: value
        for name, value in changes.items()
        if not isinstance(value, int) or abs(value) < 2**63
    }
    payload = one_frame(**in_range)

    assert outcome(payload, orjson.loads) == outcome(payload, None)


@given(payload=st.binary(max_size=40).map(lambda tail: b"{" + tail))
def test_what_is_no_json_is_refused_with_one_text_by_either_reader(payload: bytes) -> None:
    texts = []
    for quick_loads in (orjson.loads, None):
        with pytest.raises(ContractError) as caught:
            parse_batch(unpack(PLACE, payload, quick_loads))
        texts.append(str(caught.value))

    assert texts[0] == texts[1]


@given(frames, st.dictionaries(st.sampled_from("sdtpgvqeh"), odd, max_size=2))
def test_the_quick_way_over_ordinary_frames_reads_what_the_slow_one_reads(
    frame: Frame, changes: dict[str, JsonValue]
) -> None:
    plain = replace(frame, quality={}, events=(), time_quality=TimeQuality.SANE)
    body = json.loads(dump_json(frame_json(plain))) | changes

    quick = ordinary_frame(body)

    assert quick is None or quick == parse_frame(FieldReader(place=PLACE, values=body))
    assert ordinary_frame(json.loads(dump_json(frame_json(plain)))) == plain
