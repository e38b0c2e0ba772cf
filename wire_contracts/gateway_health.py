"""What a gateway says of its own state on `health`; what an older one does not say is None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import (
    EARLIEST_MS,
    LATEST_MS,
    MAX_EPOCH,
    MAX_SEQ,
    ms_from_utc,
    utc_from_ms,
)
from wire_contracts.payloads import dump_json
from wire_contracts.topics import check_gateway_id

MAX_LINKS = 200
MAX_METERS = 2000
"""Meters of one link that are named; the message stays below what a broker takes."""

_COUNT = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHealth:
    """How much waits for the server.

    Attributes:
        epoch: The queue file's epoch.
        last_seq: The highest number given.
        open_count: Frames not acknowledged.
        open_bytes: Their size.
        kept_count: Acknowledged frames still kept.
        kept_bytes: Their size.
        oldest_at_utc: When the oldest frame that waits was measured; None: none waits.
    """

    epoch: int
    last_seq: int
    open_count: int
    open_bytes: int
    kept_count: int
    kept_bytes: int
    oldest_at_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkHealth:
    """What went to the server since the gateway started; it says this only when connected.

    Attributes:
        is_connected: Whether the broker is connected.
        published: Frames sent, each time.
        republished: Of these, those that were sent before.
        acknowledged: Frames the server has said are safe.
        refused: Of these, those in its quarantine.
        late: Of the frames sent, those that were older than two periods of their group; None: an
            older gateway does not say it.
    """

    is_connected: bool = True
    published: int
    republished: int
    acknowledged: int
    refused: int
    late: int | None = None

    def late_share(self) -> float | None:
        """Return the share 0..1 of the frames that came late; None: nothing sent, or not said."""
        if self.late is None or not self.published:
            return None
        return min(1.0, self.late / self.published)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterHealth:
    """A meter, and when its newest frame with a value was measured; None: none since the start."""

    serial: str
    good_at_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHealth:
    """What a link has done since it was started.

    Attributes:
        name: The link.
        is_open: Whether its line is open.
        requests: Requests sent.
        timeouts: Those that nothing answered.
        exceptions: Those that an exception answered.
        mismatches: Those after which something else came.
        crc_errors: Those after which bytes came that pass no checksum.
        late_answers: Answers that came after their time-out and were recognised as late.
        probes: Requests sent only to learn that no late answer is on its way.
        reopens: How often the line was closed because it was doubted or lost.
        frames: Frames handed on.
        skipped: Due instants passed over.
        suspects: Serials of the silent meters.
        load: Share 0..1 of the time that the line was taken.
        p50_ms: Milliseconds that half of the answers did not exceed; None: no answer yet.
        p99_ms: The same of 99 in 100.
        meters: Its meters.
        stretched: Register group to how many times its interval is taken, because of overload.
        unknown: Serials of meters that are not polled because nobody knows what they are.
        clocks: Serial to seconds that the meter's own clock is ahead, where it has one.
    """

    name: str
    is_open: bool
    requests: int
    timeouts: int
    exceptions: int
    mismatches: int
    reopens: int
    frames: int
    skipped: int
    crc_errors: int = 0
    late_answers: int = 0
    probes: int = 0
    suspects: Sequence[str] = ()
    load: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    meters: Sequence[MeterHealth] = ()
    stretched: Mapping[str, int] = field(default_factory=dict)
    unknown: Sequence[str] = ()
    clocks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsHealth:
    """Which settings are in force.

    Attributes:
        revision: Number of the revision, 0 for the gateway's own file.
        is_on_trial: Whether it has not shown yet that it works.
        fingerprint: SHA-256, hexadecimal; empty when it is not said.
        certificate_until_utc: When the gateway's certificate expires; None: it has none.
    """

    revision: int = 0
    is_on_trial: bool = False
    fingerprint: str = ""
    certificate_until_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayHealth:
    """One health message; `clock` is the quality of the gateway's time, empty when not said."""

    gateway_id: str
    at_utc: datetime
    queue: QueueHealth
    uplink: UplinkHealth
    links: Sequence[LinkHealth] = ()
    settings: SettingsHealth = field(default_factory=SettingsHealth)
    clock: str = ""

    def silent_meters(self) -> tuple[str, ...]:
        """Return the serials of the meters that have stopped answering, sorted."""
        return tuple(sorted({serial for link in self.links for serial in link.suspects}))


def dump_health(health: GatewayHealth) -> bytes:
    """Return the message as JSON."""
    queue, uplink, settings = health.queue, health.uplink, health.settings
    return dump_json(
        {
            "v": 1,
            "gw": health.gateway_id,
            "t": ms_from_utc(health.at_utc),
            "clock": health.clock or None,
            "queue": {
                "ep": queue.epoch,
                "last": queue.last_seq,
                "open": queue.open_count,
                "open_bytes": queue.open_bytes,
                "kept": queue.kept_count,
                "kept_bytes": queue.kept_bytes,
                "oldest": _ms(queue.oldest_at_utc),
            },
            "uplink": {
                "published": uplink.published,
                "republished": uplink.republished,
                "acknowledged": uplink.acknowledged,
                "refused": uplink.refused,
                "late": uplink.late,
            },
            "settings": {
                "revision": settings.revision,
                "trial": settings.is_on_trial,
                "sha256": settings.fingerprint or None,
                "certificate_until": _ms(settings.certificate_until_utc),
            },
            "links": [_link_json(link) for link in health.links],
        }
    )


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else ms_from_utc(moment)


def _link_json(link: LinkHealth) -> JsonObject:
    meters: dict[str, JsonValue] = {each.serial: _ms(each.good_at_utc) for each in link.meters}
    return {
        "name": link.name,
        "open": link.is_open,
        "requests": link.requests,
        "timeouts": link.timeouts,
        "exceptions": link.exceptions,
        "mismatches": link.mismatches,
        "crc_errors": link.crc_errors,
        "late_answers": link.late_answers,
        "probes": link.probes,
        "reopens": link.reopens,
        "frames": link.frames,
        "skipped": link.skipped,
        "suspects": list(link.suspects),
        "load": link.load,
        "p50_ms": link.p50_ms,
        "p99_ms": link.p99_ms,
        "good": meters,
        "stretched": dict(link.stretched),
        "unknown": list(link.unknown),
        "clocks": dict(link.clocks),
    }


def parse_health(root: FieldReader) -> GatewayHealth:
    """Return the message; raise ContractError that names the field."""
    root.integer("v", low=1, high=1)
    return GatewayHealth(
        gateway_id=check_gateway_id(root.text("gw"), place=root.place, field="gw"),
        at_utc=utc_from_ms(_moment_ms(root, "t")),
        clock=root.text_or_none("clock", longest=20) or "",
        queue=_queue(root.object("queue")),
        uplink=_uplink(root.object("uplink")),
        links=tuple(_link(each) for each in root.objects("links", longest=MAX_LINKS)),
        settings=_settings(root.object_or_empty("settings")),
    )


def _moment_ms(reader: FieldReader, key: str) -> int:
    return reader.integer(key, low=EARLIEST_MS, high=LATEST_MS)


def _moment_or_none(reader: FieldReader, key: str) -> datetime | None:
    return utc_from_ms(_moment_ms(reader, key)) if reader.has(key) else None


def _count(reader: FieldReader, key: str) -> int:
    return reader.integer(key, low=0, high=_COUNT)


def _count_or_nought(reader: FieldReader, key: str) -> int:
    """Return a count; an older gateway does not say it, which counts as none so far."""
    return _count(reader, key) if reader.has(key) else 0


def _queue(reader: FieldReader) -> QueueHealth:
    return QueueHealth(
        epoch=reader.integer("ep", low=0, high=MAX_EPOCH),
        last_seq=reader.integer("last", low=0, high=MAX_SEQ),
        open_count=_count(reader, "open"),
        open_bytes=_count(reader, "open_bytes"),
        kept_count=_count(reader, "kept"),
        kept_bytes=_count(reader, "kept_bytes"),
        oldest_at_utc=_moment_or_none(reader, "oldest"),
    )


def _uplink(reader: FieldReader) -> UplinkHealth:
    return UplinkHealth(
        published=_count(reader, "published"),
        republished=_count(reader, "republished"),
        acknowledged=_count(reader, "acknowledged"),
        refused=_count(reader, "refused"),
        late=_count(reader, "late") if reader.has("late") else None,
    )


def _settings(reader: FieldReader) -> SettingsHealth:
    return SettingsHealth(
        revision=_count(reader, "revision") if reader.has("revision") else 0,
        is_on_trial=reader.has("trial") and reader.boolean("trial"),
        fingerprint=reader.text_or_none("sha256", longest=64) or "",
        certificate_until_utc=_moment_or_none(reader, "certificate_until"),
    )


def _link(reader: FieldReader) -> LinkHealth:
    good = reader.object_or_empty("good")
    stretched = reader.object_or_empty("stretched")
    clocks = reader.object_or_empty("clocks")
    return LinkHealth(
        name=reader.text("name"),
        is_open=reader.boolean("open"),
        requests=_count(reader, "requests"),
        timeouts=_count(reader, "timeouts"),
        exceptions=_count(reader, "exceptions"),
        mismatches=_count(reader, "mismatches"),
        crc_errors=_count_or_nought(reader, "crc_errors"),
        late_answers=_count_or_nought(reader, "late_answers"),
        probes=_count_or_nought(reader, "probes"),
        reopens=_count(reader, "reopens"),
        frames=_count(reader, "frames"),
        skipped=_count(reader, "skipped"),
        suspects=tuple(str(each) for each in reader.array("suspects", longest=MAX_METERS)),
        load=_number_or_none(reader, "load"),
        p50_ms=_number_or_none(reader, "p50_ms"),
        p99_ms=_number_or_none(reader, "p99_ms"),
        meters=tuple(
            MeterHealth(serial=serial, good_at_utc=_moment_or_none(good, serial))
            for serial in list(good.values)[:MAX_METERS]
        ),
        stretched={name: _count(stretched, name) for name in list(stretched.values)[:MAX_METERS]},
        unknown=tuple(str(each) for each in _array(reader, "unknown")),
        clocks={name: clocks.number(name) for name in list(clocks.values)[:MAX_METERS]},
    )


def _array(reader: FieldReader, key: str) -> Sequence[JsonValue]:
    return reader.array(key, longest=MAX_METERS) if reader.has(key) else ()


def _number_or_none(reader: FieldReader, key: str) -> float | None:
    return reader.number(key) if reader.has(key) else None
