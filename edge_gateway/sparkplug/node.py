"""What an edge node says when: births, data by alias, deaths (Sparkplug 3.0.0, chapters 4 to 6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge_gateway.sparkplug.payload import (
    DataType,
    Metric,
    Payload,
    SparkplugQuality,
    Value,
    dump_payload,
)
from wire_contracts.frames import Frame, TimeQuality, ms_from_utc
from wire_contracts.quality import BAD_TIMEOUT, QualityCode, is_bad

NAMESPACE = "spBv1.0"
BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"
EVENTS = "events"
"""Name of the metric with the events of a meter's status, separated by spaces."""

QUALITY_TEXT = "lamplighter_quality"
"""Property with our own quality code: Sparkplug knows three, RULINGS R10 knows more."""

SEQUENCE = 256
"""Sequence numbers and bdSeq run from 0 to 255 and begin again; sections 6.4.2 and 6.4.29."""

_ESCAPED = {"%": "%25", "/": "%2F", "+": "%2B", "#": "%23"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeName:
    """Who the gateway is to Sparkplug hosts."""

    group_id: str
    node_id: str

    def topic(self, verb: str, device: str | None = None) -> str:
        """Return the topic of a message; a device's serial is escaped where MQTT forbids it."""
        parts = [NAMESPACE, self.group_id, verb, self.node_id]
        return "/".join(parts if device is None else [*parts, device_id(device)])


def device_id(serial: str) -> str:
    """Return a serial as a device id: `/ + #` are not allowed there and become `%2F %2B %23`."""
    return "".join(_ESCAPED.get(letter, letter) for letter in serial)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to publish, QoS 0 and not retained as the specification demands."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The last word on one metric of a device."""

    data_type: DataType
    value: Value | None
    timestamp_ms: int
    quality: SparkplugQuality
    code: QualityCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A meter as hosts know it.

    Attributes:
        seen: Metric name to the last word on it, every metric that was ever sent.
        newest_ms: Time of the newest frame that was not historical.
        is_born: Whether its birth stands.
    """

    seen: Mapping[str, Seen] = field(default_factory=dict)
    newest_ms: int = 0
    is_born: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One session of the edge node.

    Attributes:
        name: Who it is.
        bd_seq: The number that ties a death to its birth.
        born_at_ms: When the birth was sent; what was measured before is historical.
        next_seq: Sequence number of the next message.
        devices: Serial to device.
        aliases: Serial and metric name to the number that stands for them in this session.
    """

    name: NodeName
    bd_seq: int
    born_at_ms: int = 0
    next_seq: int = 0
    devices: Mapping[str, Device] = field(default_factory=dict)
    aliases: Mapping[tuple[str, str], int] = field(default_factory=dict)


def death_certificate(bd_seq: int) -> bytes:
    """Return the payload of an NDEATH: bdSeq alone, without a sequence number."""
    metric = Metric(name=BD_SEQ, data_type=DataType.INT64, value=bd_seq)
    return dump_payload(Payload(metrics=[metric]))


def bear_node(node: Node, now_ms: int) -> tuple[Node, Sequence[Message]]:
    """Return the births of the node and of every device known, for a new session or a rebirth."""
    metrics = [
        Metric(name=BD_SEQ, timestamp_ms=now_ms, data_type=DataType.INT64, value=node.bd_seq),
        Metric(name=REBIRTH, timestamp_ms=now_ms, data_type=DataType.BOOLEAN, value=False),
    ]
    birth = Payload(timestamp_ms=now_ms, seq=0, metrics=metrics)
    messages = [Message(topic=node.name.topic("NBIRTH"), payload=dump_payload(birth))]
    node = replace(node, born_at_ms=now_ms, next_seq=1)
    for serial, device in sorted(node.devices.items()):
        if device.is_born:
            node, message = _bear_device(node, serial, now_ms)
            messages.append(message)
    return node, messages


def tell_frame(node: Node, frame: Frame, now_ms: int) -> tuple[Node, Sequence[Message]]:
    """Return what a frame is to hosts: a birth, data, a death, or nothing new.

    A device is born with its first frame, and again when it says something it never said
    before, because a birth must name every metric. What was measured before the node's birth or
    before a frame already told is historical. A meter that answers nothing at all is dead.
    A time that is not trusted is not told: hosts have no word for it.
    """
    if frame.time_quality is TimeQuality.BOOT_RELATIVE:
        return node, ()
    measured_ms = ms_from_utc(frame.measured_at_utc)
    device = node.devices.get(frame.device, Device())
    is_historical = measured_ms < max(node.born_at_ms, device.newest_ms)
    if _is_silence(frame):
        return (node, ()) if is_historical else _bury(node, frame.device, now_ms)
    told = _told(frame, measured_ms)
    is_new = not device.is_born or not told.keys() <= device.seen.keys()
    node = _remember(node, frame.device, told, None if is_historical else measured_ms)
    messages: list[Message] = []
    if is_new:
        node, birth = _bear_device(node, frame.device, now_ms)
        messages.append(birth)
    if is_historical or not is_new:
        metrics = _data(node, frame.device, told, is_historical=is_historical)
        node, message = _message(node, "DDATA", frame.device, metrics, now_ms)
        messages.append(message)
    return node, messages


def asks_rebirth(payload: Payload) -> bool:
    """Return whether a command asks for a rebirth; every other command is passed over."""
    return any(each.name == REBIRTH and each.value is True for each in payload.metrics)


def _is_silence(frame: Frame) -> bool:
    codes = frame.quality.values()
    return not frame.values and bool(codes) and all(code == BAD_TIMEOUT for code in codes)


def _told(frame: Frame, measured_ms: int) -> dict[str, Seen]:
    """Return the metrics of a frame; what is doubtful to us is bad to hosts, with our reason."""
    told: dict[str, Seen] = {}
    for quantity in {**frame.values, **frame.quality}:
        code = frame.quality.get(quantity)
        has_value = quantity in frame.values and (code is None or not is_bad(code))
        told[str(quantity)] = Seen(
            data_type=DataType.DOUBLE,
            value=float(frame.values[quantity]) if has_value else None,
            timestamp_ms=measured_ms,
            quality=SparkplugQuality.GOOD if code is None else SparkplugQuality.BAD,
            code=code,
        )
    told[EVENTS] = Seen(
        data_type=DataType.STRING,
        value=" ".join(frame.events),
        timestamp_ms=measured_ms,
        quality=SparkplugQuality.GOOD,
    )
    return told


def _remember(node: Node, serial: str, told: Mapping[str, Seen], newest_ms: int | None) -> Node:
    """Return the node that knows the metrics; old values never replace newer ones."""
    device = node.devices.get(serial, Device())
    seen = dict(device.seen)
    for name, word in told.items():
        if newest_ms is not None:
            seen[name] = word
        elif name not in seen:
            seen[name] = replace(word, value=None, quality=SparkplugQuality.STALE, code=None)
    device = replace(device, seen=seen, newest_ms=newest_ms or device.newest_ms)
    return replace(node, devices={**node.devices, serial: device})


def _bear_device(node: Node, serial: str, now_ms: int) -> tuple[Node, Message]:
    device = replace(node.devices[serial], is_born=True)
    aliases = dict(node.aliases)
    for name in device.seen:
        aliases.setdefault((serial, name), len(aliases) + 1)
    node = replace(node, devices={**node.devices, serial: device}, aliases=aliases)
    metrics = [
        replace(_metric(word), name=name, alias=aliases[serial, name], data_type=word.data_type)
        for name, word in device.seen.items()
    ]
    return _message(node, "DBIRTH", serial, metrics, now_ms)


def _data(
    node: Node, serial: str, told: Mapping[str, Seen], *, is_historical: bool
) -> list[Metric]:
    return [
        replace(_metric(word), alias=node.aliases[serial, name], is_historical=is_historical)
        for name, word in told.items()
    ]


def _metric(word: Seen) -> Metric:
    return Metric(
        timestamp_ms=word.timestamp_ms,
        value=word.value,
        quality=word.quality,
        texts={} if word.code is None else {QUALITY_TEXT: str(word.code)},
    )


def _bury(node: Node, serial: str, now_ms: int) -> tuple[Node, Sequence[Message]]:
    device = node.devices.get(serial)
    if device is None or not device.is_born:
        return node, ()
    node = replace(node, devices={**node.devices, serial: replace(device, is_born=False)})
    node, message = _message(node, "DDEATH", serial, (), now_ms)
    return node, (message,)


def _message(
    node: Node, verb: str, serial: str, metrics: Iterable[Metric], now_ms: int
) -> tuple[Node, Message]:
    payload = Payload(timestamp_ms=now_ms, seq=node.next_seq, metrics=tuple(metrics))
    message = Message(topic=node.name.topic(verb, serial), payload=dump_payload(payload))
    return replace(node, next_seq=(node.next_seq + 1) % SEQUENCE), message
