"""State, health and events of a gateway as JSON for the server (docs/gateway.md)."""

from collections.abc import Sequence
from datetime import datetime

from edge_gateway.figures import LinkFigures, UplinkFigures
from edge_gateway.queue.queued import QueueFigures
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.payloads import dump_json


def online_state(gateway_id: str, epoch: int, now_utc: datetime) -> bytes:
    """Return the retained message that says the gateway is connected."""
    return dump_json(
        {"v": 1, "gw": gateway_id, "state": "online", "ep": epoch, "t": ms_from_utc(now_utc)}
    )


def offline_state(gateway_id: str) -> bytes:
    """Return the will and the farewell: the time is when the server hears it."""
    return dump_json({"v": 1, "gw": gateway_id, "state": "offline"})


def health(
    gateway_id: str,
    now_utc: datetime,
    queue: QueueFigures,
    uplink: UplinkFigures,
    links: Sequence[LinkFigures],
) -> bytes:
    """Return the health message."""
    return dump_json(
        {
            "v": 1,
            "gw": gateway_id,
            "t": ms_from_utc(now_utc),
            "queue": {
                "ep": queue.epoch,
                "last": queue.last_seq,
                "open": queue.open_count,
                "open_bytes": queue.open_bytes,
                "kept": queue.kept_count,
                "kept_bytes": queue.kept_bytes,
            },
            "uplink": {
                "published": uplink.published,
                "republished": uplink.republished,
                "acknowledged": uplink.acknowledged,
                "refused": uplink.refused,
            },
            "links": [_link(link) for link in links],
        }
    )


def _link(link: LinkFigures) -> JsonObject:
    return {
        "name": link.name,
        "open": link.is_open,
        "requests": link.requests,
        "timeouts": link.timeouts,
        "exceptions": link.exceptions,
        "mismatches": link.mismatches,
        "reopens": link.reopens,
        "frames": link.frames,
        "skipped": link.skipped,
        "suspects": list(link.suspects),
    }


def event(gateway_id: str, now_utc: datetime, kind: str, text: str) -> bytes:
    """Return an event: a stable kind, and a text for people."""
    return dump_json(
        {"v": 1, "gw": gateway_id, "t": ms_from_utc(now_utc), "kind": kind, "text": text}
    )
