"""Photos and signatures on the wire: named by their SHA-256, offered, sent on from an offset."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms
from wire_contracts.payloads import dump_json

BLOBS_PATH = "/sync/v1/blobs"
"""`POST` with a BlobOffer; `HEAD` and `PATCH` on `BLOBS_PATH/<sha256>` as tus 1.0 core has them."""

TUS_VERSION = "1.0.0"
TUS_HEADER = "Tus-Resumable"
TUS_VERSIONS_HEADER = "Tus-Version"
OFFSET_HEADER = "Upload-Offset"
LENGTH_HEADER = "Upload-Length"
CHUNK_TYPE = "application/offset+octet-stream"
"""Names and content type of tus 1.0 (protocol text, sections Headers and PATCH)."""

STATE_HEADER = "Lamp-Blob"
"""`have` once the whole file was hashed, is on disk and is named; `upload` before that."""

MAX_THUMB_BYTES = 40 * 1024
"""Sync spec 1.8: what is no larger than this goes over any network at once."""

MAX_PHOTO_BYTES = 12 * 1024 * 1024
"""RULINGS R12."""

MAX_SIGNATURE_BYTES = 256 * 1024
"""A signature pad of 1600 x 800 in two colours is 10 to 30 kB as PNG; ten times that is enough."""

MIN_CHUNK_BYTES = 64 * 1024
MAX_CHUNK_BYTES = 1024 * 1024
"""Sync spec 1.8: chunk 64 kB to 1 MB by measured speed."""

WANT_ENTITY = "blob_want"
"""Row in a crew's bucket, id = sha256: the server asks for this blob, or asks for it again."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class BlobRole(StrEnum):
    """What a blob is to its record."""

    PHOTO = "photo"
    SIGNATURE = "signature"
    THUMB = "thumb"


class BlobMime(StrEnum):
    """The content types that are taken. No SVG: it is a program for the reader's browser."""

    JPEG = "image/jpeg"
    PNG = "image/png"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobBounds:
    """What a blob of one role may be."""

    max_bytes: int
    mimes: frozenset[BlobMime]


BOUNDS: Mapping[BlobRole, BlobBounds] = MappingProxyType(
    {
        BlobRole.PHOTO: BlobBounds(max_bytes=MAX_PHOTO_BYTES, mimes=frozenset(BlobMime)),
        BlobRole.SIGNATURE: BlobBounds(
            max_bytes=MAX_SIGNATURE_BYTES, mimes=frozenset({BlobMime.PNG})
        ),
        BlobRole.THUMB: BlobBounds(max_bytes=MAX_THUMB_BYTES, mimes=frozenset({BlobMime.JPEG})),
    }
)


class WantReason(StrEnum):
    """Why the server asks for a blob."""

    LOST = "lost"
    """It was acknowledged and the server does not have it any more."""
    PERSON = "person"
    """Somebody in the control room wants the original now, on any network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobOffer:
    """The body of `POST /sync/v1/blobs`: a blob that the tablet can send."""

    sha256: str
    size_bytes: int
    mime: BlobMime
    role: BlobRole


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobAnswer:
    """What the server says to an offer.

    Attributes:
        is_had: The whole blob is safe; nothing is to be sent.
        offset: The first byte to send; the size when `is_had`.
    """

    is_had: bool
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a photo was taken, WGS 84; `accuracy_m` is None when nobody knows."""

    latitude_deg: float
    longitude_deg: float
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThumbRef:
    """The small picture of a photo, a blob of its own."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRef:
    """The payload of a `photo_ref` or `signature` fact, and of `attach`: which blob, of what.

    Attributes:
        order_id: The order it belongs to; None for an attach, whose entity says it.
        sha256: Name of the blob.
        size_bytes: Its size.
        mime: Its content type.
        role: PHOTO or SIGNATURE.
        thumb: The small picture, None when the blob itself is small.
        taken_at_utc: When the camera took it, None when nobody knows (RULINGS R7).
        position: Where, None when nobody knows.
    """

    sha256: str
    size_bytes: int
    mime: BlobMime
    role: BlobRole
    order_id: str | None = None
    thumb: ThumbRef | None = None
    taken_at_utc: datetime | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobWant:
    """The document of a `blob_want` row."""

    sha256: str
    reason: WantReason


def blob_path(sha256: str) -> str:
    """Return the path of one blob's `HEAD` and `PATCH`."""
    return f"{BLOBS_PATH}/{sha256}"


def is_sha256(text: str) -> bool:
    """Return whether a text is a SHA-256 in lower-case hexadecimal."""
    return _SHA256.fullmatch(text) is not None


def dump_offer(offer: BlobOffer) -> bytes:
    """Return the offer as JSON."""
    return dump_json(
        {
            "v": 1,
            "sha256": offer.sha256,
            "size": offer.size_bytes,
            "mime": str(offer.mime),
            "role": str(offer.role),
        }
    )


def parse_offer(root: FieldReader) -> BlobOffer:
    """Return the offer; raise ContractError that names the field: too large, of another kind."""
    root.integer("v", low=1, high=1)
    role = root.choice("role", BlobRole)
    return BlobOffer(
        sha256=_sha256(root),
        size_bytes=_size(root, role),
        mime=_mime(root, role),
        role=role,
    )


def dump_blob_answer(answer: BlobAnswer, sha256: str) -> bytes:
    """Return the answer as JSON; `upload` is where the bytes are to be sent."""
    return dump_json(
        {
            "v": 1,
            "have": answer.is_had,
            "upload": None if answer.is_had else blob_path(sha256),
            "offset": answer.offset,
        }
    )


def parse_blob_answer(root: FieldReader) -> BlobAnswer:
    """Return the answer; raise ContractError that names the field."""
    root.integer("v", low=1, high=1)
    return BlobAnswer(
        is_had=root.boolean("have"),
        offset=root.integer("offset", low=0, high=MAX_PHOTO_BYTES),
    )


def photo_ref_json(ref: PhotoRef) -> JsonObject:
    """Return the payload as JSON; every field is present, absent values are null."""
    taken = ref.taken_at_utc
    thumb: JsonObject | None = None
    if ref.thumb is not None:
        thumb = {"sha256": ref.thumb.sha256, "size": ref.thumb.size_bytes}
    place: JsonObject | None = None
    if ref.position is not None:
        place = {
            "lat_deg": ref.position.latitude_deg,
            "lon_deg": ref.position.longitude_deg,
            "accuracy_m": ref.position.accuracy_m,
        }
    return {
        "order_id": ref.order_id,
        "sha256": ref.sha256,
        "size": ref.size_bytes,
        "mime": str(ref.mime),
        "role": str(ref.role),
        "thumb": thumb,
        "taken_at": None if taken is None else ms_from_utc(taken),
        "position": place,
    }


def parse_photo_ref(root: FieldReader) -> PhotoRef:
    """Return the payload; raise ContractError that names the field.

    An unknown time or place is absent, never zero.
    """
    role = root.choice("role", BlobRole)
    if role is BlobRole.THUMB:
        raise root.refuse(
            "role", "is 'thumb'", "name the photo, and its thumb beside it", Code.FIELD_RANGE
        )
    return PhotoRef(
        order_id=root.text_or_none("order_id", longest=64),
        sha256=_sha256(root),
        size_bytes=_size(root, role),
        mime=_mime(root, role),
        role=role,
        thumb=_thumb(root.object("thumb")) if root.has("thumb") else None,
        taken_at_utc=_time(root) if root.has("taken_at") else None,
        position=_position(root.object("position")) if root.has("position") else None,
    )


def blob_want_json(want: BlobWant) -> JsonObject:
    """Return the document of a `blob_want` row."""
    return {"sha256": want.sha256, "reason": str(want.reason)}


def parse_blob_want(root: FieldReader) -> BlobWant:
    """Return what the server asks for; raise ContractError that names the field."""
    return BlobWant(sha256=_sha256(root), reason=root.choice("reason", WantReason))


def _sha256(root: FieldReader) -> str:
    value = root.text("sha256", longest=64)
    if not is_sha256(value):
        problem = f"is {value[:64]!r}, not 64 characters of 0-9 a-f"
        raise root.refuse("sha256", problem, "send the SHA-256 of the content", Code.FIELD_RANGE)
    return value


def _size(root: FieldReader, role: BlobRole) -> int:
    return root.integer("size", low=1, high=BOUNDS[role].max_bytes)


def _mime(root: FieldReader, role: BlobRole) -> BlobMime:
    mime = root.choice("mime", BlobMime)
    allowed = BOUNDS[role].mimes
    if mime not in allowed:
        problem = f"is {mime}, which a {role} cannot be"
        remedy = f"send {' or '.join(sorted(allowed))}"
        raise root.refuse("mime", problem, remedy, Code.FIELD_RANGE)
    return mime


def _thumb(root: FieldReader) -> ThumbRef:
    return ThumbRef(sha256=_sha256(root), size_bytes=_size(root, BlobRole.THUMB))


def _time(root: FieldReader) -> datetime:
    return utc_from_ms(root.integer("taken_at", low=EARLIEST_MS, high=LATEST_MS))


def _position(root: FieldReader) -> Position:
    latitude, longitude = root.number("lat_deg"), root.number("lon_deg")
    accuracy_m = root.number("accuracy_m") if root.has("accuracy_m") else None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004  # degrees
        problem = f"is {latitude}, {longitude}"
        raise root.refuse("lat_deg", problem, "send degrees of WGS 84", Code.FIELD_RANGE)
    return Position(latitude_deg=latitude, longitude_deg=longitude, accuracy_m=accuracy_m)
