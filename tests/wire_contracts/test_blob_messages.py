"""Offers, answers and photo references survive the wire; a broken one names its field."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.blobs import (
    BOUNDS,
    MAX_PHOTO_BYTES,
    MAX_THUMB_BYTES,
    BlobAnswer,
    BlobMime,
    BlobOffer,
    BlobRole,
    BlobWant,
    PhotoRef,
    Position,
    ThumbRef,
    WantReason,
    blob_want_json,
    dump_blob_answer,
    dump_offer,
    is_sha256,
    parse_blob_answer,
    parse_blob_want,
    parse_offer,
    parse_photo_ref,
    photo_ref_json,
)
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.payloads import dump_json, read_json

NAME = "ab" * 32
names = st.text("0123456789abcdef", min_size=64, max_size=64)
roles = st.sampled_from([BlobRole.PHOTO, BlobRole.SIGNATURE])
moments = st.integers(0, 10**9).map(
    lambda s: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
positions = st.builds(
    Position,
    latitude_deg=st.floats(-90, 90),
    longitude_deg=st.floats(-180, 180),
    accuracy_m=st.none() | st.floats(0, 10_000),
)
thumbs = st.builds(ThumbRef, sha256=names, size_bytes=st.integers(1, MAX_THUMB_BYTES))


@st.composite
def offers(draw: st.DrawFn) -> BlobOffer:
    role = draw(st.sampled_from(BlobRole))
    bounds = BOUNDS[role]
    return BlobOffer(
        sha256=draw(names),
        size_bytes=draw(st.integers(1, bounds.max_bytes)),
        mime=draw(st.sampled_from(sorted(bounds.mimes))),
        role=role,
    )


@st.composite
def photo_refs(draw: st.DrawFn) -> PhotoRef:
    role = draw(roles)
    return PhotoRef(
        order_id=draw(st.none() | st.just("o-1")),
        sha256=draw(names),
        size_bytes=draw(st.integers(1, BOUNDS[role].max_bytes)),
        mime=draw(st.sampled_from(sorted(BOUNDS[role].mimes))),
        role=role,
        thumb=draw(st.none() | thumbs),
        taken_at_utc=draw(st.none() | moments),
        position=draw(st.none() | positions),
    )


@given(offers())
def test_an_offer_arrives_as_it_was_sent(offer: BlobOffer) -> None:
    assert parse_offer(read_json("offer", dump_offer(offer))) == offer


@given(is_had=st.booleans(), offset=st.integers(0, MAX_PHOTO_BYTES))
def test_an_answer_arrives_as_it_was_sent(*, is_had: bool, offset: int) -> None:
    answer = BlobAnswer(is_had=is_had, offset=offset)

    assert parse_blob_answer(read_json("answer", dump_blob_answer(answer, NAME))) == answer


@given(photo_refs())
def test_a_photo_reference_arrives_as_it_was_sent(ref: PhotoRef) -> None:
    body = read_json("fact", dump_json(photo_ref_json(ref)))

    assert parse_photo_ref(body) == ref


@given(names, st.sampled_from(WantReason))
def test_a_wish_arrives_as_it_was_sent(sha256: str, reason: WantReason) -> None:
    want = BlobWant(sha256=sha256, reason=reason)

    assert parse_blob_want(read_json("row", dump_json(blob_want_json(want)))) == want


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
fields = st.sampled_from(
    ["v", "sha256", "size", "mime", "role", "thumb", "taken_at", "position", "order_id", "reason"]
)


@given(st.dictionaries(fields, json_values))
def test_whatever_comes_is_read_or_refused_by_name(values: dict[str, JsonValue]) -> None:
    reader = FieldReader(place="fuzz", values=values)
    for parse in (parse_offer, parse_photo_ref, parse_blob_answer, parse_blob_want):
        problem = "fuzz: "
        try:
            parse(reader)
        except ContractError as error:
            problem = str(error)
        assert problem.startswith("fuzz: ")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"role": "thumb"}, "role: is 'thumb'; name the photo"),
        ({"mime": "image/gif"}, "mime: 'image/gif' is not known here"),
        ({"role": "signature"}, "mime: is image/jpeg, which a signature cannot be; send image/png"),
        ({"sha256": "AB" * 32}, "not 64 characters of 0-9 a-f; send the SHA-256"),
        ({"size": MAX_PHOTO_BYTES + 1}, "size: 12582913 is outside 1..12582912"),
        ({"position": {"lat_deg": 91.0, "lon_deg": 0.0}}, "position.lat_deg: is 91.0, 0.0"),
    ],
)
def test_a_broken_reference_names_the_field(changed: dict[str, JsonValue], words: str) -> None:
    ref = PhotoRef(sha256=NAME, size_bytes=9, mime=BlobMime.JPEG, role=BlobRole.PHOTO)
    values = {**photo_ref_json(ref), **changed}

    with pytest.raises(ContractError) as caught:
        parse_photo_ref(FieldReader(place="fact f", values=values))

    assert words in str(caught.value)


@given(st.text())
def test_only_lower_case_hex_of_64_is_a_name(text: str) -> None:
    assert is_sha256(text) == (len(text) == 64 and set(text) <= set("0123456789abcdef"))
