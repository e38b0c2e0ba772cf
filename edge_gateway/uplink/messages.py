"""State, health and events of a gateway as JSON for the server (docs/gateway.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edge_gateway.figures import LinkFigures, RemoteFigures, UplinkFigures
from edge_gateway.queue.queued import QueueFigures
from wire_contracts.frames import (
    EARLIEST_MS,
    LATEST_MS,
    TimeQuality,
    ms_from_utc,
    utc_from_ms,
)
from wire_contracts.gateway_health import (
    GatewayHealth,
    LinkHealth,
    MeterHealth,
    QueueHealth,
    SettingsHealth,
    UplinkHealth,
)
from wire_contracts.payloads import dump_json


def online_state(gateway_id: str, epoch: int, now_utc: datetime) -> bytes:
    """Return the retained message that says the gateway is connected."""
    return dump_json(
        {"v": 1, "gw": gateway_id, "state": "online", "ep": epoch, "t": ms_from_utc(now_utc)}
    )


def offline_state(gateway_id: str) -> bytes:
    """Return the will and the farewell: the time is when the server hears it."""
    return dump_json({"v": 1, "gw": gateway_id, "state": "offline"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in the gateway.

    Attributes:
        at_utc: When.
        quality: How well that is known.
        kind: A stable word (docs/gateway.md).
        text: For people.
    """

    at_utc: datetime
    kind: str
    text: str
    quality: TimeQuality = TimeQuality.SANE


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the parts of the gateway have to say about themselves.

    Attributes:
        queue: What waits and what is kept.
        uplink: What went to the server.
        links: What the links have done.
        oldest_ms: When the oldest frame that waits was measured; None: none waits.
        remote: Which settings are in force.
        clock: How well now is known; None: it is not said.
    """

    queue: QueueFigures
    uplink: UplinkFigures
    links: Sequence[LinkFigures]
    oldest_ms: int | None = None
    remote: RemoteFigures = field(default_factory=RemoteFigures)
    clock: TimeQuality | None = None


def health(gateway_id: str, now_utc: datetime, figures: Figures) -> GatewayHealth:
    """Return the gateway's health, for the broker and for Prometheus."""
    uplink, settings = figures.uplink, figures.remote
    return GatewayHealth(
        gateway_id=gateway_id,
        at_utc=now_utc,
        clock=str(figures.clock or ""),
        queue=_queue(figures.queue, figures.oldest_ms),
        uplink=UplinkHealth(
            is_connected=uplink.is_connected,
            published=uplink.published,
            republished=uplink.republished,
            acknowledged=uplink.acknowledged,
            refused=uplink.refused,
            late=uplink.late,
        ),
        links=[_link(link) for link in figures.links],
        settings=SettingsHealth(
            revision=settings.revision,
            is_on_trial=settings.is_on_trial,
            fingerprint=settings.fingerprint,
            certificate_until_utc=settings.certificate_until,
        ),
    )


def _queue(queue: QueueFigures, oldest_ms: int | None) -> QueueHealth:
    is_dated = oldest_ms is not None and EARLIEST_MS <= oldest_ms <= LATEST_MS
    return QueueHealth(
        epoch=queue.epoch,
        last_seq=queue.last_seq,
        open_count=queue.open_count,
        open_bytes=queue.open_bytes,
        kept_count=queue.kept_count,
        kept_bytes=queue.kept_bytes,
        oldest_at_utc=utc_from_ms(oldest_ms or 0) if is_dated else None,
    )


def _link(link: LinkFigures) -> LinkHealth:
    load = min(1.0, link.busy_s / link.running_s) if link.running_s > 0 else None
    return LinkHealth(
        name=link.name,
        is_open=link.is_open,
        requests=link.requests,
        timeouts=link.timeouts,
        exceptions=link.exceptions,
        mismatches=link.mismatches,
        crc_errors=link.crc_errors,
        late_answers=link.late_answers,
        probes=link.probes,
        reopens=link.reopens,
        frames=link.frames,
        skipped=link.skipped,
        suspects=link.suspects,
        load=None if load is None else round(load, 4),
        p50_ms=_ms(link.turnaround_p50_s),
        p99_ms=_ms(link.turnaround_p99_s),
        meters=[
            MeterHealth(serial=serial, good_at_utc=link.last_good.get(serial))
            for serial in link.meters
        ],
        stretched=link.stretched,
        unknown=link.unknown,
        clocks={serial: round(drift_s, 1) for serial, drift_s in link.clock_drifts_s.items()},
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)


def event(gateway_id: str, name: str, happened: Event) -> bytes:
    """Return an event as it is sent, under a name that is the same however often it is sent."""
    return dump_json(
        {
            "v": 1,
            "gw": gateway_id,
            "id": name,
            "t": ms_from_utc(happened.at_utc),
            "tq": str(happened.quality),
            "kind": happened.kind,
            "text": happened.text,
        }
    )
