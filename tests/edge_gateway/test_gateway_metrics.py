"""The gateway's page for Prometheus: a real parser reads it, and it says what the links do."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import MetricsConfig
from edge_gateway.remote import metrics_io
from edge_gateway.remote.metrics_io import (
    MAX_CLIENTS,
    MAX_METERS,
    HealthCollector,
    serve_metrics,
)
from edge_gateway.run import run_gateway
from tests.edge_gateway.order_rig import Signer, link, now_utc, settings, sound
from tests.edge_gateway.rig import LOOPBACK, LedgerServer, MeterServer, Mosquitto, running, until
from tests.free_ports import free_port
from wire_contracts.gateway_health import (
    GatewayHealth,
    LinkHealth,
    MeterHealth,
    QueueHealth,
    UplinkHealth,
)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"


def samples(text: str) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """The page of a gateway that reads one meter and waits in vain for another."""
    port = free_port()
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=tmp_path, lines="allow_anonymous true\n") as broker,
        LedgerServer(broker.port) as server,
    ):
        links = link(plant.port) + link(free_port(), serial="HM-2", name="dead")
        config = settings(tmp_path, broker.port, Signer(), links)
        config = replace(config, metrics=MetricsConfig(host=LOOPBACK, port=port))

        def read() -> str:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())

        def has_good_frame() -> bool:
            return "meter_last_good_timestamp_seconds{" in read()

        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: server.ledger)
            until(has_good_frame)
            yield read()


def test_a_real_parser_reads_what_the_gateway_says(page: str) -> None:
    found = samples(page)
    by_link = {
        sample.labels["link"]: sample.value
        for sample in found["lamplighter_gateway_link_requests_total"]
    }
    good = found["lamplighter_gateway_meter_last_good_timestamp_seconds"]

    assert set(by_link) == {"plant", "dead"}
    assert by_link["plant"] > 0
    assert [sample.labels["serial"] for sample in good] == ["HM-1"]
    assert abs(good[0].value - now_utc().timestamp()) < 60
    assert found["lamplighter_gateway_broker_connected"][0].value == 1
    assert found["lamplighter_gateway_config_revision"][0].value == 0


def test_clients_that_say_nothing_take_neither_threads_nor_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_io._Handler, "timeout", 0.5)
    config = MetricsConfig(host=LOOPBACK, port=free_port())
    halt = threading.Event()
    server = threading.Thread(target=serve_metrics, args=(config, healthy, halt))
    server.start()
    before = threading.active_count()
    idle: list[socket.socket] = []
    try:
        until(lambda: answers(config))
        idle += [socket.create_connection((LOOPBACK, config.port)) for _ in range(100)]
        most = threading.active_count() - before
        until(lambda: answers(config))
    finally:
        halt.set()
        server.join()
        for connection in idle:
            connection.close()

    assert most <= MAX_CLIENTS + 1


def answers(config: MetricsConfig) -> bool:
    try:
        place = f"http://{config.host}:{config.port}/metrics"
        with urllib.request.urlopen(place, timeout=5) as answer:
            return b"lamplighter_gateway_queue_open_frames" in answer.read()
    except OSError:
        return False


def healthy() -> GatewayHealth:
    return GatewayHealth(
        gateway_id="gw-01",
        at_utc=now_utc(),
        queue=QueueHealth(
            epoch=1, last_seq=0, open_count=0, open_bytes=0, kept_count=0, kept_bytes=0
        ),
        uplink=UplinkHealth(
            is_connected=True, published=0, republished=0, acknowledged=0, refused=0
        ),
        links=(),
    )


def test_every_metric_is_in_the_document(page: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    names = {family.name for family in text_string_to_metric_families(page)}

    assert names
    assert sorted(name for name in names if f"`{name}" not in text) == []


def test_no_more_meters_than_a_prometheus_can_hold_are_named() -> None:
    meters = [
        MeterHealth(serial=f"HM-{number}", good_at_utc=now_utc())
        for number in range(MAX_METERS + 50)
    ]
    many = LinkHealth(
        name="a",
        is_open=True,
        requests=0,
        timeouts=0,
        exceptions=0,
        mismatches=0,
        reopens=0,
        frames=0,
        skipped=0,
        meters=meters,
    )
    health = GatewayHealth(
        gateway_id="gw-01",
        at_utc=now_utc(),
        queue=QueueHealth(
            epoch=1, last_seq=0, open_count=0, open_bytes=0, kept_count=0, kept_bytes=0
        ),
        uplink=UplinkHealth(published=0, republished=0, acknowledged=0, refused=0),
        links=[many],
    )
    registry = CollectorRegistry()
    registry.register(HealthCollector(lambda: health))
    counted = [
        sample
        for family in registry.collect()
        for sample in family.samples
        if sample.name.endswith("last_good_timestamp_seconds")
    ]

    assert len(counted) == MAX_METERS
