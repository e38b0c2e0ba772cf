"""Serves the gateway's health to Prometheus, in its text format, where the settings say.

Base units and names follow the Prometheus conventions: seconds, bytes, ratios from 0 to 1,
`_total` for what only counts up. Labels are links and meters of the settings, nothing else.
"""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ClassVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import MetricsConfig
from wire_contracts.gateway_health import GatewayHealth, LinkHealth

MAX_METERS = 2000
"""Meters with a line of their own; more would be more than a gateway's Prometheus should hold."""

MAX_CLIENTS = 8
"""Served at the same time; whoever comes beyond is turned away, because each one takes a thread and
a file, of which meters and broker need some too (judgement)."""

CLIENT_S = 5.0
"""Wall seconds that a client may say or take nothing (judgement)."""

_PREFIX = "lamplighter_gateway"
_RETRY_S = 10.0
_LOG: FilteringBoundLogger = structlog.get_logger()

_LINK_COUNTERS: tuple[tuple[str, str, Callable[[LinkHealth], int]], ...] = (
    ("requests", "Requests sent to meters.", lambda link: link.requests),
    ("timeouts", "Requests that nothing answered.", lambda link: link.timeouts),
    ("exceptions", "Requests answered by an exception.", lambda link: link.exceptions),
    ("mismatches", "Requests after which something else came.", lambda link: link.mismatches),
    ("crc_errors", "Requests after which no checksum was right.", lambda link: link.crc_errors),
    ("late_answers", "Answers recognised as late.", lambda link: link.late_answers),
    ("probes", "Requests sent to rule out a late answer.", lambda link: link.probes),
    ("reopens", "Times the line was closed in doubt or lost.", lambda link: link.reopens),
    ("frames", "Frames handed to the queue.", lambda link: link.frames),
    ("skipped", "Due reads passed over because the link was late.", lambda link: link.skipped),
)


class HealthCollector(Collector):
    """Turns one health value into metric families, afresh for each scrape."""

    def __init__(self, health: Callable[[], GatewayHealth]) -> None:
        """Take what tells the health."""
        self._health = health

    def collect(self) -> Iterable[Metric]:  # type: ignore[explicit-override]  # needs Python 3.12
        """Yield every family."""
        health = self._health()
        yield from _queue(health)
        yield from _uplink(health)
        yield from _settings(health)
        yield from _links(health.links)
        yield _meters(health.links)


def _gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """Return a gauge; one without value has no sample, which is not the same as nought."""
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", text)
    if value is not None:
        family.add_metric([], value)
    return family


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _queue(health: GatewayHealth) -> Iterable[Metric]:
    queue = health.queue
    age = queue.oldest_at_utc
    age_s = 0.0 if age is None else max(0.0, (health.at_utc - age).total_seconds())
    yield _gauge("queue_open_frames", "Frames not acknowledged by the server.", queue.open_count)
    yield _gauge("queue_open_bytes", "Their size.", queue.open_bytes)
    yield _gauge("queue_kept_frames", "Acknowledged frames still kept.", queue.kept_count)
    yield _gauge("queue_kept_bytes", "Their size.", queue.kept_bytes)
    yield _gauge("queue_oldest_age_seconds", "Age of the oldest open frame; 0: none.", age_s)


def _uplink(health: GatewayHealth) -> Iterable[Metric]:
    uplink = health.uplink
    is_up = float(uplink.is_connected)
    yield _gauge("broker_connected", "1 while the broker is connected.", is_up)
    for name, text, count in (
        ("published_frames", "Frames sent, repeats not counted.", uplink.published),
        ("republished_frames", "Frames sent again.", uplink.republished),
        ("acknowledged_frames", "Frames the server has said are safe.", uplink.acknowledged),
        ("refused_frames", "Frames the server keeps in quarantine.", uplink.refused),
        ("late_frames", "Frames sent that were older than two periods.", uplink.late or 0),
    ):
        yield CounterMetricFamily(f"{_PREFIX}_{name}", text, value=count)


def _settings(health: GatewayHealth) -> Iterable[Metric]:
    settings = health.settings
    yield _gauge("config_revision", "Revision in force, 0: own file.", settings.revision)
    yield _gauge("config_on_trial", "1 while a revision is on trial.", float(settings.is_on_trial))
    yield _gauge(
        "certificate_expiry_timestamp_seconds",
        "When the gateway's certificate expires.",
        _seconds(settings.certificate_until_utc),
    )


def _links(links: Iterable[LinkHealth]) -> Iterable[Metric]:
    links = tuple(links)
    for name, text, count in _LINK_COUNTERS:
        counter = CounterMetricFamily(f"{_PREFIX}_link_{name}", text, labels=["link"])
        for link in links:
            counter.add_metric([link.name], count(link))
        yield counter
    for name, text, read in (
        ("open", "1 while the line is open.", lambda link: float(link.is_open)),
        ("busy_ratio", "Share of the time that the line is taken.", lambda link: link.load),
        ("silent_meters", "Meters that do not answer.", lambda link: float(len(link.suspects))),
    ):
        gauge = GaugeMetricFamily(f"{_PREFIX}_link_{name}", text, labels=["link"])
        for link in links:
            value = read(link)
            if value is not None:
                gauge.add_metric([link.name], value)
        yield gauge
    yield _turnarounds(links)


def _turnarounds(links: Iterable[LinkHealth]) -> Metric:
    name, text = f"{_PREFIX}_link_turnaround_seconds", "Time to the end of an answer."
    family = GaugeMetricFamily(name, text, labels=["link", "quantile"])
    for link in links:
        for quantile, value_ms in (("0.5", link.p50_ms), ("0.99", link.p99_ms)):
            if value_ms is not None:
                family.add_metric([link.name, quantile], value_ms / 1000)
    return family


def _meters(links: Iterable[LinkHealth]) -> Metric:
    name = f"{_PREFIX}_meter_last_good_timestamp_seconds"
    text = "When the newest frame with a value was measured."
    family = GaugeMetricFamily(name, text, labels=["link", "serial"])
    listed = [(link, meter) for link in links for meter in link.meters]
    for link, meter in listed[:MAX_METERS]:
        at_s = _seconds(meter.good_at_utc)
        if at_s is not None:
            family.add_metric([link.name, meter.serial], at_s)
    return family


class _Handler(WSGIRequestHandler):
    """Answers without a line in the log for each."""

    timeout: ClassVar[float | None] = CLIENT_S

    def log_message(self, *_: object) -> None:  # type: ignore[explicit-override]  # Python 3.12
        """Log nothing."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """One thread for each client, and only so many of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, config: MetricsConfig) -> None:
        """Listen; raise OSError where that cannot be."""
        places = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)
        self.address_family = places[0][0]
        self._free = threading.BoundedSemaphore(MAX_CLIENTS)
        super().__init__((config.host, config.port), _Handler)

    def process_request(self, request: object, client_address: object) -> None:  # type: ignore[explicit-override]  # Python 3.12
        """Serve a client, or turn him away."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)  # type: ignore[arg-type]  # as it came
        else:
            self.shutdown_request(request)  # type: ignore[arg-type]  # as it came

    def process_request_thread(self, request: object, client_address: object) -> None:  # type: ignore[explicit-override]  # Python 3.12
        """Serve a client in a thread of its own."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]  # as it came
        finally:
            self._free.release()

    def handle_error(self, *client: object) -> None:  # type: ignore[explicit-override]  # Python 3.12
        """Say quietly that a client went away or said nothing."""
        _LOG.debug("metrics.client_lost", client=str(client[-1]))


def serve_metrics(
    config: MetricsConfig, health: Callable[[], GatewayHealth], halt: threading.Event
) -> None:
    """Serve until told to stop; an address that is taken is tried again and never ends the rest."""
    registry = CollectorRegistry()
    registry.register(HealthCollector(health))
    while not halt.is_set():
        try:
            server = _Server(config)
        except OSError as error:
            place = f"{config.host}:{config.port}"
            _LOG.error("metrics.not_served", listen=place, error=str(error))  # no fault of ours
            halt.wait(_RETRY_S)
            continue
        server.set_app(make_wsgi_app(registry))
        thread = threading.Thread(target=server.serve_forever, name="metrics-server", daemon=True)
        thread.start()
        _LOG.info("metrics.served", host=config.host, port=config.port)
        halt.wait()
        server.shutdown()
        server.server_close()
        thread.join()
