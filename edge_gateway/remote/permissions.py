"""Decides which registers stay writable under a revision: none that the site itself did not allow.

The site allows a register of a meter as its own file describes it. A revision that moves the meter
to another line, address or profile takes the permission away until somebody allows it on site.
"""

from collections.abc import Mapping
from dataclasses import replace

from edge_gateway.config import GatewayConfig, LinkConfig, MeterConfig


def keep_permissions(local: GatewayConfig, changed: GatewayConfig) -> GatewayConfig:
    """Return the changed settings with the write permissions that the own file still grants."""
    allowed = {
        (link.url, meter.serial): meter
        for link in local.links
        if link.is_writable
        for meter in link.meters
    }
    return replace(changed, links=tuple(_link(link, allowed) for link in changed.links))


def _link(link: LinkConfig, allowed: Mapping[tuple[str, str], MeterConfig]) -> LinkConfig:
    meters = tuple(
        replace(meter, writes=_writes(meter, allowed.get((link.url, meter.serial))))
        for meter in link.meters
    )
    return replace(link, meters=meters, is_writable=any(meter.writes for meter in meters))


def _writes(meter: MeterConfig, own: MeterConfig | None) -> tuple[str, ...]:
    if own is None or own.device_address != meter.device_address or own.profile != meter.profile:
        return ()
    return tuple(own.writes)
