"""Asks the running gateway for its metrics, without a word on any bus."""

import http.client
import urllib.request
from collections.abc import Sequence
from datetime import datetime

from edge_gateway.commands.bus_figures import BusFigures, BusReport, MeterFigures
from edge_gateway.commands.calls import CallError
from edge_gateway.commands.metric_samples import Sample, parse_samples, value_of
from edge_gateway.config import GatewayConfig, LinkConfig, MetricsConfig

PREFIX = "lamplighter_gateway_"
"""Of every name that `remote.metrics_io` serves."""

WAIT_S = 5.0
"""Wall seconds for the answer of a process on the same machine."""

_LARGEST = 16_000_000
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where it listens, not we


def live_report(config: GatewayConfig, metrics: MetricsConfig, now_utc: datetime) -> BusReport:
    """Return what the running gateway says of the links in the settings.

    Raises:
        CallError: It does not answer, or with something else.
    """
    host = _EVERY_ADDRESS.get(metrics.host, metrics.host)
    shown = f"[{host}]" if ":" in host else host
    place = f"http://{shown}:{metrics.port}/metrics"
    past_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with past_proxies.open(place, timeout=WAIT_S) as answer:
            text = answer.read(_LARGEST).decode("utf-8", "replace")
    except http.client.HTTPException as error:
        message = f"bus-report: metrics: {place}: no web page ({error!r}); is that the gateway?"
        raise CallError(message) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        message = f"bus-report: metrics: {place}: {reason}; is the gateway running?"
        raise CallError(message) from error
    try:
        samples = [each for each in parse_samples(text) if each.name.startswith(PREFIX)]
    except ValueError as error:
        message = f"bus-report: metrics: {place}: {error}; is that the gateway?"
        raise CallError(message) from error
    if not samples:
        message = f"bus-report: metrics: {place}: nothing of a gateway; is that the gateway?"
        raise CallError(message)
    source = f"gateway {config.gateway_id} at {place}, since its links started"
    return BusReport(
        source=source, links=[_figures(link, samples, now_utc) for link in config.links]
    )


def _figures(link: LinkConfig, samples: Sequence[Sample], now_utc: datetime) -> BusFigures:
    def of(name: str, **labels: str) -> float | None:
        return value_of(samples, f"{PREFIX}link_{name}", link=link.name, **labels)

    return BusFigures(
        name=link.name,
        is_open=of("open") == 1,
        load=of("busy_ratio"),
        requests=int(of("requests_total") or 0),
        timeouts=int(of("timeouts_total") or 0),
        exceptions=int(of("exceptions_total") or 0),
        mismatches=int(of("mismatches_total") or 0),
        crc_errors=int(of("crc_errors_total") or 0),
        late_answers=int(of("late_answers_total") or 0),
        probes=int(of("probes_total") or 0),
        reopens=int(of("reopens_total") or 0),
        silent_count=int(of("silent_meters") or 0),
        p50_ms=_ms(of("turnaround_seconds", quantile="0.5")),
        p99_ms=_ms(of("turnaround_seconds", quantile="0.99")),
        meters=[
            MeterFigures(
                serial=meter.serial, good_age_s=_age_s(samples, link, meter.serial, now_utc)
            )
            for meter in link.meters
        ],
    )


def _age_s(
    samples: Sequence[Sample], link: LinkConfig, serial: str, now_utc: datetime
) -> float | None:
    name = f"{PREFIX}meter_last_good_timestamp_seconds"
    at_s = value_of(samples, name, link=link.name, serial=serial)
    return None if at_s is None else max(0.0, now_utc.timestamp() - at_s)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)
