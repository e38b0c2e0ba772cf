"""Brokers that want to know who is there: accounts, certificates, denied topics."""

import datetime as dt
import gc
import ipaddress
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import (
    GatewayConfig,
    LinkConfig,
    MeterConfig,
    MqttConfig,
    QueueConfig,
    TlsConfig,
)
from edge_gateway.queue.queue_store import read_figures
from edge_gateway.run import QUEUE_FILE, run_gateway
from tests.edge_gateway.order_rig import sound
from tests.edge_gateway.rig import (
    LOOPBACK,
    LedgerServer,
    MeterServer,
    Mosquitto,
    committed,
    running,
    until,
)
from tests.free_ports import free_port
from wire_contracts.payloads import read_json
from wire_contracts.topics import Channel


@pytest.fixture
def plant() -> Iterator[MeterServer]:
    with MeterServer(units={1: sound()}) as server:
        yield server


def gateway(folder: Path, plant: MeterServer, mqtt: MqttConfig) -> GatewayConfig:
    every = {"fast": timedelta(seconds=0.2)}
    meter = MeterConfig(serial="HM-1", device_address=1, profile="tuf_2000m@1", intervals=every)
    return GatewayConfig(
        gateway_id="gw-01",
        data=folder / "gateway",
        mqtt=mqtt,
        queue=QueueConfig(commit_s=0.05),
        links=[LinkConfig(name="plant", url=f"tcp://{LOOPBACK}:{plant.port}", meters=[meter])],
    )


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  # a certificate is valid today
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )


def write_certificates(folder: Path) -> None:
    """Write ca.pem and, signed by it, broker and gateway certificates with their keys."""
    keys = {
        name: ec.generate_private_key(ec.SECP256R1())
        for name in ("ca", "broker", "gw-01", "stranger")
    }
    for name, key in keys.items():
        issuer = "stranger" if name == "stranger" else "ca"
        signed = certificate(name, key, issuer, keys[issuer])
        (folder / f"{name}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


@pytest.fixture
def tls_broker(tmp_path: Path) -> Iterator[tuple[int, LedgerServer]]:
    """A TLS port that asks for certificates, and the server on a plain port of the same broker."""
    write_certificates(tmp_path)
    secure_port = free_port()
    lines = f"""per_listener_settings true
allow_anonymous true
listener {secure_port} {LOOPBACK}
allow_anonymous false
require_certificate true
use_identity_as_username true
cafile {tmp_path}/ca.pem
certfile {tmp_path}/broker.pem
keyfile {tmp_path}/broker.key
"""
    with Mosquitto(folder=tmp_path, lines=lines) as broker, LedgerServer(broker.port) as server:
        yield secure_port, server


def own_certificate(folder: Path, *, trusted: str) -> TlsConfig:
    return TlsConfig(
        ca_file=folder / f"{trusted}.pem",
        cert_file=folder / "gw-01.pem",
        key_file=folder / "gw-01.key",
    )


def test_a_gateway_shows_its_certificate_and_checks_the_brokers(
    tmp_path: Path, plant: MeterServer, tls_broker: tuple[int, LedgerServer]
) -> None:
    port, server = tls_broker
    mqtt = MqttConfig(host=LOOPBACK, port=port, tls=own_certificate(tmp_path, trusted="ca"))
    config = gateway(tmp_path, plant, mqtt)

    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until(lambda: len(server.ledger) >= 3)

    assert server.conflicts == []


def until_printed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""

    def is_printed() -> bool:
        nonlocal shown
        shown += capsys.readouterr().out
        return text in shown

    until(is_printed)


@pytest.mark.parametrize("spoilt", ["stranger.key", "ca.pem"])
def test_a_key_that_does_not_fit_stops_no_meter_and_counts_as_soon_as_it_does(
    tmp_path: Path,
    plant: MeterServer,
    tls_broker: tuple[int, LedgerServer],
    spoilt: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    port, server = tls_broker
    right = (tmp_path / "gw-01.key").read_bytes()
    (tmp_path / "gw-01.key").write_bytes((tmp_path / spoilt).read_bytes())
    mqtt = MqttConfig(host=LOOPBACK, port=port, tls=own_certificate(tmp_path, trusted="ca"))
    config = gateway(tmp_path, plant, mqtt)

    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until_printed("mqtt.file_unusable", capsys)
        until(lambda: committed(config.data / QUEUE_FILE) > 0)
        (tmp_path / "gw-01.key").write_bytes(right)
        until(lambda: len(server.ledger) >= 3 and server.payloads(Channel.EVENT))
    kinds = [read_json("event", each).text("kind") for each in server.payloads(Channel.EVENT)]

    assert kinds.count("tls_file_unusable") == 1
    assert len({epoch for epoch, _ in server.ledger}) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_with_a_strangers_certificate_gets_nothing(
    tmp_path: Path,
    plant: MeterServer,
    tls_broker: tuple[int, LedgerServer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The filter: paho 2.2 leaves the socket of a failed handshake to the collector."""
    port, server = tls_broker
    mqtt = MqttConfig(host=LOOPBACK, port=port, tls=own_certificate(tmp_path, trusted="stranger"))
    config = gateway(tmp_path, plant, mqtt)

    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until_printed("certificate verify failed", capsys)
        until(lambda: committed(config.data / QUEUE_FILE) > 0)
    gc.collect()

    assert server.ledger == {}


def test_a_wrong_password_keeps_the_frames_and_the_right_one_delivers_them(
    tmp_path: Path, plant: MeterServer
) -> None:
    passwd = shutil.which("mosquitto_passwd", path="/usr/bin:/usr/local/bin") or "mosquitto_passwd"
    accounts = tmp_path / "accounts"
    for flags, name in ((["-c", "-b"], "server"), (["-b"], "gw-01")):
        subprocess.run([passwd, *flags, str(accounts), name, f"{name}-pw"], check=True)
    lines = f"allow_anonymous false\npassword_file {accounts}\n"
    with (
        Mosquitto(folder=tmp_path, lines=lines) as broker,
        LedgerServer(broker.port, username="server", password="server-pw") as server,  # noqa: S106  # a test's
    ):
        wrong = MqttConfig(host=LOOPBACK, port=broker.port, username="gw-01", password="no")  # noqa: S106  # a test's
        config = gateway(tmp_path, plant, wrong)
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: committed(config.data / QUEUE_FILE) > 0)
        refused = len(server.ledger)
        right = replace(config, mqtt=replace(wrong, password="gw-01-pw"))  # noqa: S106  # a test's
        with running(lambda stop: run_gateway(right, SystemClock(), stop)):
            until(lambda: 1 in server.seqs())

    assert refused == 0


def test_a_denied_topic_keeps_the_frames(tmp_path: Path, plant: MeterServer) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic read lamp/#\n")
    lines = f"allow_anonymous true\nacl_file {rules}\n"
    with Mosquitto(folder=tmp_path, lines=lines) as broker, LedgerServer(broker.port) as server:
        config = gateway(tmp_path, plant, MqttConfig(host=LOOPBACK, port=broker.port))
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: committed(config.data / QUEUE_FILE) > 0)
        figures = read_figures(config.data / QUEUE_FILE)

    assert server.ledger == {}
    assert figures.kept_count == 0
    assert figures.open_count == figures.last_seq > 0
