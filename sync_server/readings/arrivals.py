"""The values of what arrived, and the number that says whether two frames have equal content."""

import hashlib
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import repeat

import orjson

from sync_server.assets.device_map import DeviceUse
from wire_contracts.codes import Code
from wire_contracts.frame_columns import FrameColumns
from wire_contracts.frames import Frame, GapRecord, TimeQuality
from wire_contracts.quick_values import maker_of, quick_value

_HASH_BYTES = 8
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
_SANE = str(TimeQuality.SANE)


@quick_value
class FrameKey:
    """The identity of a frame on the wire (RULINGS R2)."""

    gateway_id: str
    epoch: int
    seq: int


@quick_value
class Accepted:
    """A frame whose device is known, with the meter that it was at that instant."""

    key: FrameKey
    payload_hash: int
    frame: Frame
    measured_at_ms: int
    use: DeviceUse


make_key, make_accepted = maker_of(FrameKey), maker_of(Accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A frame that goes to quarantine, verbatim, with the stable reason."""

    key: FrameKey
    payload_hash: int
    code: Code
    reason: str
    body: bytes
    device_serial: str | None = None
    measured_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A gap record with its place on the wire."""

    key: FrameKey
    payload_hash: int
    record: GapRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What a transaction has to do with the frames that reached it.

    `clones` came under the key of another frame: their readings are used, and they are kept and
    alarmed (RULINGS R2). `taken` has the numbers (gateway, epoch, seq) of refused ones
    under which the ledger has another frame. `duplicate_count` frames were there already, byte for
    byte.
    """

    accepted: Sequence[Accepted] = ()
    clones: Sequence[Accepted] = ()
    refused: Sequence[Refused] = ()
    gaps: Sequence[Gap] = ()
    taken: Collection[tuple[str, int, int]] = ()
    duplicate_count: int = 0


def hash_bytes(content: bytes) -> int:
    """Return a signed 64-bit number: equal content, equal number."""
    digest = hashlib.blake2b(content, digest_size=_HASH_BYTES).digest()
    return int.from_bytes(digest, "big", signed=True)


def hash_frame(frame: Frame, measured_at_ms: int) -> int:
    """Return the number of a frame's content, without its key: order and form do not matter.

    `measured_at_ms` is the frame's instant, which whoever asks has at hand.
    """
    content = orjson.dumps(
        (
            frame.device,
            measured_at_ms,
            frame.profile,
            frame.group,
            frame.values,
            frame.quality,
            frame.events,
            frame.time_quality,
        ),
        option=_OPTIONS,
    )
    return hash_bytes(content + frame.raw if frame.raw is not None else content)


def hash_columns(columns: FrameColumns) -> Sequence[int]:
    """Return what `hash_frame` says of each of these frames."""
    digests = digest_columns(columns)
    return struct.unpack(f">{len(digests) // _HASH_BYTES}q", digests)


def digest_columns(columns: FrameColumns) -> bytes:
    """Return the same as 8 bytes for each frame, big-endian, signed."""
    contents = zip(
        columns.devices,
        columns.instants_ms,
        columns.profiles,
        columns.groups,
        columns.values,
        repeat({}),
        repeat(()),
        repeat(_SANE),
        strict=False,
    )
    plain = [orjson.dumps(content, option=orjson.OPT_SORT_KEYS) for content in contents]
    blake2b = hashlib.blake2b
    digests = [
        blake2b(each if raw is None else each + raw, digest_size=_HASH_BYTES).digest()
        for each, raw in zip(plain, columns.raws, strict=True)
    ]
    return b"".join(digests)


def hash_gap(gap: GapRecord) -> int:
    """Return the number of a gap record's content."""
    return hash_bytes(orjson.dumps(("gap", gap.first, gap.last, gap.count, gap.why)))
