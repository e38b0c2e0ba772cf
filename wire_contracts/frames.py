"""The frame (one meter, one group, one instant) and the batch that carries frames upward."""

import base64
from binascii import a2b_base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from sys import float_info
from typing import TypeGuard

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.payloads import dump_json
from wire_contracts.quality import QualityCode, is_bad, parse_quality
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import maker_of, quick_value
from wire_contracts.topics import check_gateway_id

MAX_FRAMES = 50
"""Frames in one batch, RULINGS R12."""

MAX_SEQ = 2**63 - 1
MAX_EPOCH = 2**63 - 1
"""Random positive number of 63 bits (SQLite integers are signed), drawn per queue file, R3."""

EARLIEST_MS = 946_684_800_000
LATEST_MS = 4_102_444_800_000
"""2000-01-01 and 2100-01-01: a time outside is a broken clock, not a measurement."""

_NUL = "\0"
"""A character that PostgreSQL's texts cannot hold."""

_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_QUANTITIES = {str(quantity): quantity for quantity in Quantity}
_NAMES = {quantity: name for name, quantity in _QUANTITIES.items()}
"""Plain texts: a member of an enumeration takes longer to print than to look up."""


def utc_from_ms(milliseconds: int) -> datetime:
    """Return the aware UTC time of a wire time in milliseconds since 1970."""
    return _EPOCH_START + timedelta(milliseconds=milliseconds)


def ms_from_utc(moment: datetime) -> int:
    """Return the wire time of an aware time; a naive one raises ValueError."""
    if moment.tzinfo is None:
        message = f"{moment!r} has no time zone; pass an aware UTC time"
        raise ValueError(message)
    return (moment - _EPOCH_START) // _MILLISECOND


class TimeQuality(StrEnum):
    """How far the gateway's clock could be trusted when it stamped the frame (RULINGS R10)."""

    SANE = "sane"
    REPAIRED = "repaired"
    BOOT_RELATIVE = "boot_relative"


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRecord:
    """What the gateway had to drop: seqs `first..last`, `count` frames, and why.

    A gap record is itself a frame with a seq of its own; it makes the server count the seqs it
    names as received, so that the watermark can pass them.
    """

    seq: int
    first: int
    last: int
    count: int
    why: str


@quick_value
class Frame:
    """One meter, one register group, one instant.

    Attributes:
        seq: Running number inside the epoch, from 1, never reused.
        device: Serial number of the device (the server maps device to meter by date).
        measured_at_utc: When the gateway sent the first request of the group.
        profile: Profile and revision that decoded it, such as `tuf_2000m@2`.
        group: Register group, such as `fast`.
        values: Quantity to value in the quantity's canonical unit.
        quality: Quantity to code where not good; a bad quantity has no value.
        events: Canonical events that the meter's status registers reported.
        raw: The register words as read, for later correction of a wrong profile (R17).
        time_quality: How far the stamp can be trusted.
        is_historical: Whether it was older than two periods of its group when it was sent: it
            came late, nobody is to be woken by it. Not part of what was measured.
    """

    seq: int
    device: str
    measured_at_utc: datetime
    profile: str
    group: str
    values: Mapping[Quantity, float]
    quality: Mapping[Quantity, QualityCode] = field(default_factory=dict)
    events: Sequence[str] = ()
    raw: bytes | None = None
    time_quality: TimeQuality = TimeQuality.SANE
    is_historical: bool = field(default=False, compare=False)


_make_frame = maker_of(Frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A frame that could be located but not understood: kept verbatim, acknowledged as refused.

    Attributes:
        seq: Its number, so that it can be acknowledged.
        code: The stable reason.
        reason: The full text for a person.
        body: The frame as it came, as canonical JSON.
    """

    seq: int
    code: Code
    reason: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The frames of one MQTT message, all of one gateway and one epoch."""

    gateway_id: str
    epoch: int
    frames: Sequence[Frame] = ()
    gaps: Sequence[GapRecord] = ()
    rejected: Sequence[Rejected] = ()

    @property
    def frame_count(self) -> int:
        """How many frames can be read."""
        return len(self.frames)


_FRAME_KEYS = frozenset({"s", "d", "t", "p", "g", "v", "q", "e", "raw", "tq", "h"})


def frame_json(frame: Frame) -> JsonObject:
    """Return the frame as a JSON object; absent parts are left out."""
    body: dict[str, JsonValue] = {
        "s": frame.seq,
        "d": frame.device,
        "t": ms_from_utc(frame.measured_at_utc),
        "p": frame.profile,
        "g": frame.group,
        "v": {_NAMES[name]: value for name, value in frame.values.items()},
    }
    if frame.quality:
        body["q"] = {str(name): str(code) for name, code in frame.quality.items()}
    if frame.events:
        body["e"] = list(frame.events)
    if frame.raw is not None:
        body["raw"] = base64.b64encode(frame.raw).decode()
    if frame.time_quality is not TimeQuality.SANE:
        body["tq"] = str(frame.time_quality)
    if frame.is_historical:
        body["h"] = 1
    return body


def gap_json(gap: GapRecord) -> JsonObject:
    """Return the gap record as a JSON object."""
    body: JsonObject = {"from": gap.first, "to": gap.last, "n": gap.count, "why": gap.why}
    return {"s": gap.seq, "gap": body}


def dump_batch(gateway_id: str, epoch: int, bodies: Sequence[JsonObject]) -> bytes:
    """Return the plain JSON of a batch from the JSON objects of its frames and gaps."""
    return dump_json({"v": 1, "gw": gateway_id, "ep": epoch, "f": list(bodies)})


def parse_batch(root: FieldReader) -> Batch:
    """Return the batch; frames that cannot be used come back in `rejected`, the rest is kept.

    Raises:
        ContractError: The envelope itself (version, gateway, epoch, list, a seq) is broken, so
            that nothing in it can be acknowledged.
    """
    gateway_id, epoch = parse_head(root)
    ordinary = [ordinary_frame(body) for body in root.array("f", longest=MAX_FRAMES)]
    if None not in ordinary:
        whole = [frame for frame in ordinary if frame is not None]
        return Batch(gateway_id=gateway_id, epoch=epoch, frames=whole, gaps=[], rejected=[])
    readers = root.objects("f", longest=MAX_FRAMES)
    items = [
        parse_item(reader) if frame is None else frame
        for reader, frame in zip(readers, ordinary, strict=True)
    ]
    return batch_of(gateway_id, epoch, items)


def parse_head(root: FieldReader) -> tuple[str, int]:
    """Return gateway and epoch of a batch; raise ContractError that names the field."""
    version = root.integer("v", low=0, high=1000)
    if version != 1:
        raise root.refuse("v", f"is {version}", "send version 1", Code.VERSION_UNSUPPORTED)
    gateway_id = check_gateway_id(root.text("gw"), place=root.place, field="gw")
    return gateway_id, root.integer("ep", low=0, high=MAX_EPOCH)


def parse_item(reader: FieldReader) -> Frame | GapRecord | Rejected:
    """Return what stands in a frame's place; raise ContractError when it has no seq."""
    seq = reader.integer("s", low=1, high=MAX_SEQ)
    try:
        return parse_gap(reader) if reader.has("gap") else parse_frame(reader)
    except ContractError as error:
        body = dump_json(reader.values)
        reason = str(error).replace(_NUL, "\ufffd")
        return Rejected(seq=seq, code=error.code, reason=reason, body=body)


def batch_of(gateway_id: str, epoch: int, items: Iterable[Frame | GapRecord | Rejected]) -> Batch:
    """Return a batch of these, each kind in its order."""
    found = list(items)
    return Batch(
        gateway_id=gateway_id,
        epoch=epoch,
        frames=[item for item in found if isinstance(item, Frame)],
        gaps=[item for item in found if isinstance(item, GapRecord)],
        rejected=[item for item in found if isinstance(item, Rejected)],
    )


_ORDINARY_KEYS = frozenset({"s", "d", "t", "p", "g", "v", "q", "e", "raw"})
_NO_QUALITY: tuple[JsonValue, ...] = (None, {})
_NO_EVENTS: tuple[JsonValue, ...] = (None, [])
LONGEST_DEVICE, LONGEST_PROFILE, LONGEST_GROUP, LONGEST_RAW = 64, 80, 32, 8192
"""Characters of a frame's texts; `raw` as base64."""

_HUGE = float_info.max
EXACT = 2**53
"""Whole numbers below it are doubles without loss."""


def ordinary_frame(body: JsonValue) -> Frame | None:
    """Return a frame with which all is in order; None for every other, which `parse_frame` reads.

    The same frame in a third of the time: most of a gateway's life is ordinary, and what a server
    takes in is bounded by this.
    """
    if type(body) is not dict or not body.keys() <= _ORDINARY_KEYS:
        return None
    find = body.get
    seq, measured_at_ms, raw = find("s"), find("t"), find("raw")
    device, profile, group = find("d"), find("p"), find("g")
    values = _ordinary_values(find("v"))
    if not (
        values is not None
        and type(seq) is int
        and 1 <= seq <= MAX_SEQ
        and type(measured_at_ms) is int
        and EARLIEST_MS <= measured_at_ms <= LATEST_MS
        and _is_ordinary_text(device, LONGEST_DEVICE)
        and _is_ordinary_text(profile, LONGEST_PROFILE)
        and _is_ordinary_text(group, LONGEST_GROUP)
        and (raw is None or _is_ordinary_text(raw, LONGEST_RAW))
        and find("q") in _NO_QUALITY
        and find("e") in _NO_EVENTS
    ):
        return None
    try:
        words = None if raw is None else a2b_base64(raw, strict_mode=True)
    except ValueError:
        return None
    return _make_frame(
        seq=seq,
        device=device,
        measured_at_utc=_EPOCH_START + timedelta(milliseconds=measured_at_ms),
        profile=profile,
        group=group,
        values=values,
        quality={},
        events=(),
        raw=words,
        time_quality=TimeQuality.SANE,
        is_historical=False,
    )


def _is_ordinary_text(value: JsonValue, longest: int) -> TypeGuard[str]:
    return type(value) is str and 0 < len(value) <= longest and _NUL not in value


def _ordinary_values(values: JsonValue) -> dict[Quantity, float] | None:
    if not isinstance(values, dict):
        return None
    found: dict[Quantity, float] = {}
    known = _QUANTITIES
    for name, value in values.items():
        quantity = known.get(name)
        if quantity is None:
            return None
        if type(value) is float and -_HUGE <= value <= _HUGE:
            found[quantity] = value
        elif type(value) is int and -EXACT < value < EXACT:
            found[quantity] = float(value)
        else:
            return None
    return found


def parse_gap(reader: FieldReader) -> GapRecord:
    """Return the gap record in a frame's place; raise ContractError when it makes no sense."""
    inner = reader.object("gap")
    _refuse_nul(inner, "why")
    seq = reader.integer("s", low=1, high=MAX_SEQ)
    first = inner.integer("from", low=1, high=MAX_SEQ)
    last = inner.integer("to", low=first, high=MAX_SEQ)
    if last >= seq:
        raise inner.refuse(
            "to", f"{last} is not before {seq}", "name numbers given before", Code.FIELD_RANGE
        )
    return GapRecord(
        seq=seq,
        first=first,
        last=last,
        count=inner.integer("n", low=1, high=last - first + 1),
        why=inner.text("why"),
    )


def parse_frame(reader: FieldReader) -> Frame:
    """Return the frame; raise ContractError that names the field."""
    if not reader.values.keys() <= _FRAME_KEYS:
        reader.refuse_unknown(_FRAME_KEYS)
    for key in ("d", "p", "g"):
        _refuse_nul(reader, key)
    measured_at_ms = reader.integer("t", low=EARLIEST_MS, high=LATEST_MS)
    quality = _parse_qualities(reader.object("q")) if reader.has("q") else {}
    events = _parse_events(reader) if reader.has("e") else ()
    is_stamped = reader.has("tq")
    return Frame(
        seq=reader.integer("s", low=1, high=MAX_SEQ),
        device=reader.text("d", longest=LONGEST_DEVICE),
        measured_at_utc=utc_from_ms(measured_at_ms),
        profile=reader.text("p", longest=LONGEST_PROFILE),
        group=reader.text("g", longest=LONGEST_GROUP),
        values=_parse_values(reader.object("v"), quality),
        quality=quality,
        events=events,
        raw=_parse_raw(reader),
        time_quality=reader.choice("tq", TimeQuality) if is_stamped else TimeQuality.SANE,
        is_historical=reader.has("h") and reader.integer("h", low=0, high=1) == 1,
    )


def _refuse_nul(reader: FieldReader, key: str) -> None:
    value = reader.values.get(key)
    if isinstance(value, str) and _NUL in value:
        raise reader.refuse(key, "has a NUL character", "correct the sender", Code.FIELD_RANGE)


def _quantity(reader: FieldReader, name: str) -> Quantity:
    quantity = _QUANTITIES.get(name)
    if quantity is None:
        raise reader.refuse(
            name, "is not a known quantity", "use a name of wire_contracts", Code.FIELD_UNKNOWN
        )
    return quantity


def _parse_qualities(reader: FieldReader) -> dict[Quantity, QualityCode]:
    return {_quantity(reader, name): reader.choice(name, parse_quality) for name in reader.values}


def _parse_values(
    reader: FieldReader, quality: Mapping[Quantity, QualityCode]
) -> dict[Quantity, float]:
    known = _QUANTITIES
    values = {
        known.get(name) or _quantity(reader, name): reader.number(name) for name in reader.values
    }
    for quantity, code in quality.items():
        if quantity in values and is_bad(code):
            raise reader.refuse(
                quantity,
                f"has a value and the quality {code!r}",
                "send no value with a bad quality",
                Code.FIELD_RANGE,
            )
    return values


def _parse_events(reader: FieldReader) -> tuple[str, ...]:
    """Return what the meter says of itself: texts, and nothing else."""
    found = reader.array("e", longest=64)
    texts = [event for event in found if isinstance(event, str)]
    if len(texts) < len(found):
        raise reader.refuse("e", "holds what is no text", "name each event", Code.FIELD_TYPE)
    return tuple(event[:64].replace(_NUL, "\ufffd") for event in texts)


def _parse_raw(reader: FieldReader) -> bytes | None:
    text = reader.text_or_none("raw", longest=LONGEST_RAW)
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise reader.refuse(
            "raw", "is not base64", "send the words as base64", Code.FIELD_TYPE
        ) from error
