"""Asks the running gateway for its health, without a word on any bus."""

import urllib.error
import urllib.request
from datetime import datetime

from edge_gateway.commands.bus_figures import BusFigures, BusReport, MeterFigures
from edge_gateway.commands.calls import CallError
from edge_gateway.config import MetricsConfig
from wire_contracts.errors import ContractError
from wire_contracts.gateway_health import LinkHealth, parse_health
from wire_contracts.payloads import read_json

HEALTH_PATH = "/health"
WAIT_S = 5.0
"""Wall seconds for the answer of a process on the same machine."""

_LARGEST = 4_000_000


def live_report(metrics: MetricsConfig, now_utc: datetime) -> BusReport:
    """Return what the running gateway says of its links.

    Raises:
        CallError: It does not answer, or with something else.
    """
    place = f"http://{metrics.host}:{metrics.port}{HEALTH_PATH}"
    try:
        with urllib.request.urlopen(place, timeout=WAIT_S) as answer:
            data = answer.read(_LARGEST)
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        reason = getattr(error, "reason", error)
        message = f"bus-report: metrics: {place}: {reason}; is the gateway running with [metrics]?"
        raise CallError(message) from error
    try:
        health = parse_health(read_json(place, data))
    except ContractError as error:
        raise CallError(f"bus-report: metrics: {error}") from error
    source = f"gateway {health.gateway_id} since its links started, at {health.at_utc:%H:%M:%S} UTC"
    return BusReport(source=source, links=[_figures(link, now_utc) for link in health.links])


def _figures(link: LinkHealth, now_utc: datetime) -> BusFigures:
    return BusFigures(
        name=link.name,
        is_open=link.is_open,
        load=link.load,
        requests=link.requests,
        timeouts=link.timeouts,
        exceptions=link.exceptions,
        mismatches=link.mismatches,
        crc_errors=link.crc_errors,
        reopens=link.reopens,
        p50_ms=link.p50_ms,
        p99_ms=link.p99_ms,
        meters=[
            MeterFigures(
                serial=meter.serial,
                good_age_s=None
                if meter.good_at_utc is None
                else max(0.0, (now_utc - meter.good_at_utc).total_seconds()),
                note="silent" if meter.serial in link.suspects else "",
            )
            for meter in link.meters
        ],
    )
