"""The Sparkplug B payload as bytes: the part of the protocol buffer that a gateway needs.

Field numbers and data types are those of the `Payload` message in the Sparkplug 3.0.0
specification, section 6.4; the encoding is protocol buffers, wire types 0, 1, 2 and 5.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

MAX_PAYLOAD_BYTES = 1_000_000
"""A command or birth beyond this is refused unread; ours stay far below."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers."""

_NULL, _INT, _LONG, _FLOAT, _DOUBLE, _BOOLEAN, _STRING = 7, 10, 11, 12, 13, 14, 15
"""Fields of a metric that say its value."""

_PROPERTY_INT, _PROPERTY_STRING = 3, 8
"""Fields of a property that say its value."""

_LONGEST_VARINT = 10
_MASK64 = 2**64 - 1


class PayloadError(ValueError):
    """Bytes that are no Sparkplug payload; the text says where and why."""


class DataType(IntEnum):
    """Sparkplug data types that we send or accept; section 6.4.16."""

    INT32 = 3
    INT64 = 4
    UINT64 = 8
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12


_DATA_TYPES = {int(each): each for each in DataType}


class SparkplugQuality(IntEnum):
    """The three quality codes of section 6.4.19; what is doubtful to us is bad to others."""

    BAD = 0
    GOOD = 192
    STALE = 500


Value = float | int | bool | str
"""A metric's value; which one is said by its data type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of a payload.

    Attributes:
        name: Its name; None where the alias stands for it.
        alias: Its number in this session.
        timestamp_ms: When it was measured, milliseconds since 1970 UTC.
        data_type: Its type; None where the birth has said it.
        value: None says that there is none (`is_null`).
        is_historical: Whether a host must not take it for the present value.
        quality: Sparkplug quality; None leaves the property out.
        texts: Further string properties by name.
    """

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    data_type: DataType | None = None
    value: Value | None = None
    is_historical: bool = False
    quality: SparkplugQuality | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One message; `seq` is None only in a death certificate."""

    timestamp_ms: int | None = None
    seq: int | None = None
    metrics: Sequence[Metric] = ()


def dump_payload(payload: Payload) -> bytes:
    """Return the payload as protocol-buffer bytes."""
    parts = [_number(1, payload.timestamp_ms)]
    parts += [_chunk(2, _dump_metric(metric)) for metric in payload.metrics]
    parts.append(_number(3, payload.seq))
    return b"".join(parts)


def _dump_metric(metric: Metric) -> bytes:
    parts = [
        b"" if metric.name is None else _chunk(1, metric.name.encode()),
        _number(2, metric.alias),
        _number(3, metric.timestamp_ms),
        _number(4, metric.data_type),
        _number(5, 1 if metric.is_historical else None),
        _number(_NULL, 1 if metric.value is None else None),
        _dump_properties(metric),
        _dump_value(metric.value),
    ]
    return b"".join(parts)


def _dump_properties(metric: Metric) -> bytes:
    """Return the property set: parallel lists of keys and values (section 6.4.17)."""
    keys: list[bytes] = []
    values: list[bytes] = []
    if metric.quality is not None:
        keys.append(_chunk(1, b"Quality"))
        values.append(
            _chunk(2, _number(1, DataType.INT32) + _number(_PROPERTY_INT, metric.quality))
        )
    for name, text in metric.texts.items():
        keys.append(_chunk(1, name.encode()))
        values.append(
            _chunk(2, _number(1, DataType.STRING) + _chunk(_PROPERTY_STRING, text.encode()))
        )
    return _chunk(9, b"".join([*keys, *values])) if keys else b""


def _dump_value(value: Value | None) -> bytes:
    match value:
        case None:
            return b""
        case bool():
            return _number(_BOOLEAN, int(value))
        case int():
            return _number(_LONG, value & _MASK64)
        case float():
            return _key(_DOUBLE, _FIXED64) + struct.pack("<d", value)
        case str():
            return _chunk(_STRING, value.encode())


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _number(number: int, value: int | None) -> bytes:
    return b"" if value is None else _key(number, _VARINT) + _varint(value)


def _chunk(number: int, data: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004  # seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def parse_payload(data: bytes) -> Payload:
    """Return a payload that somebody else wrote; fields that we do not know are passed over.

    Raises:
        PayloadError: It is too large, cut short, or no protocol buffer.
    """
    if len(data) > MAX_PAYLOAD_BYTES:
        message = f"payload: {len(data)} bytes are over {MAX_PAYLOAD_BYTES}; send less"
        raise PayloadError(message)
    timestamp_ms: int | None = None
    seq: int | None = None
    metrics: list[Metric] = []
    for number, value in _fields(data):
        match number, value:
            case 1, int():
                timestamp_ms = value
            case 2, bytes():
                metrics.append(_parse_metric(value))
            case 3, int():
                seq = value
            case _:
                continue
    return Payload(timestamp_ms=timestamp_ms, seq=seq, metrics=metrics)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The fields of a metric as they are met."""

    numbers: dict[int, int] = field(default_factory=dict)
    chunks: dict[int, bytes] = field(default_factory=dict)
    double: float | None = None

    def data_type(self) -> DataType | None:
        return _DATA_TYPES.get(self.numbers.get(4, 0))

    def value(self) -> Value | None:
        if self.numbers.get(_NULL):
            return None
        if _BOOLEAN in self.numbers:
            return bool(self.numbers[_BOOLEAN])
        if _STRING in self.chunks:
            return _text(self.chunks[_STRING])
        if self.double is not None:
            return self.double
        return self._whole()

    def _whole(self) -> int | None:
        is_long = _LONG in self.numbers
        value = self.numbers.get(_LONG, self.numbers.get(_INT))
        if value is None:
            return None
        bits = 64 if is_long else 32
        is_signed = self.data_type() in {DataType.INT32, DataType.INT64}
        return value - 2**bits if is_signed and value >= 2 ** (bits - 1) else value


def _parse_metric(data: bytes) -> Metric:
    draft = _Draft()
    for number, value in _fields(data):
        match value:
            case int():
                draft.numbers[number] = value
            case bytes():
                draft.chunks[number] = value
            case float() if number in {_FLOAT, _DOUBLE}:
                draft.double = value
            case _:
                continue
    quality, texts = _parse_properties(draft.chunks.get(9, b""))
    return Metric(
        name=_text(draft.chunks[1]) if 1 in draft.chunks else None,
        alias=draft.numbers.get(2),
        timestamp_ms=draft.numbers.get(3),
        data_type=draft.data_type(),
        value=draft.value(),
        is_historical=bool(draft.numbers.get(5)),
        quality=quality,
        texts=texts,
    )


def _parse_properties(data: bytes) -> tuple[SparkplugQuality | None, dict[str, str]]:
    keys: list[str] = []
    values: list[bytes] = []
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            keys.append(_text(value))
        if number == 2 and isinstance(value, bytes):  # noqa: PLR2004  # values
            values.append(value)
    quality: SparkplugQuality | None = None
    texts: dict[str, str] = {}
    for key, packed in zip(keys, values, strict=False):
        for number, value in _fields(packed):
            if key == "Quality" and number == _PROPERTY_INT and value in set(SparkplugQuality):
                quality = SparkplugQuality(int(value))
            elif number == _PROPERTY_STRING and isinstance(value, bytes):
                texts[key] = _text(value)
    return quality, texts


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        message = "payload: a text is no UTF-8; correct the sender"
        raise PayloadError(message) from error


def _fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Yield field number and value of every field of one message."""
    at = 0
    while at < len(data):
        key, at = _take_varint(data, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, at = _take_varint(data, at)
            yield number, value
        elif wire_type == _FIXED64:
            yield number, float(struct.unpack("<d", _take(data, at, 8))[0])
            at += 8
        elif wire_type == _FIXED32:
            yield number, float(struct.unpack("<f", _take(data, at, 4))[0])
            at += 4
        elif wire_type == _BYTES:
            size, at = _take_varint(data, at)
            yield number, _take(data, at, size)
            at += size
        else:
            message = f"payload: byte {at}: wire type {wire_type}; send a Sparkplug B payload"
            raise PayloadError(message)


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        message = f"payload: byte {at}: {size} bytes are missing; send the whole payload"
        raise PayloadError(message)
    return data[at : at + size]


def _take_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT):
        byte = _take(data, at + index, 1)[0]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004  # the last byte of a number
            return value & _MASK64, at + index + 1
    message = f"payload: byte {at}: a number of more than 64 bits; send a Sparkplug B payload"
    raise PayloadError(message)
