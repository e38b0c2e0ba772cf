"""A real Mosquitto with certificates and our rules: each gateway keeps to its own topics."""

import datetime as dt
import gc
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_gateway.broker_tls_io import explain_tls, tls_context
from edge_gateway.clock_io import SystemClock
from edge_gateway.config import GatewayConfig, MqttConfig, MqttVersion, TlsConfig
from edge_gateway.queue.queue_store import read_figures
from edge_gateway.run import QUEUE_FILE, run_gateway
from sync_server.gateways.broker_acl import BrokerKind, broker_acl
from tests.edge_gateway.order_rig import Signer, link, settings, sound
from tests.edge_gateway.rig import LOOPBACK, LedgerServer, MeterServer, Mosquitto, running, until
from tests.free_ports import free_port
from wire_contracts.gateway_health import parse_health
from wire_contracts.payloads import unpack
from wire_contracts.topics import Channel

TODAY = dt.datetime.now(dt.UTC)  # noqa: TID251  # a certificate is valid today
DAY = timedelta(days=1)


@dataclass
class Authority:
    """Somebody who signs certificates."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        self._write(self.name, self.key, self.certificate(self.name, self.key, ends=90 * DAY))

    def certificate(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, ends: timedelta
    ) -> x509.Certificate:
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(TODAY - 10 * DAY)
            .not_valid_after(TODAY + ends)
            .add_extension(
                x509.BasicConstraints(ca=name == self.name, path_length=None), critical=True
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, name: str, file: str = "", *, ends: timedelta = 60 * DAY) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self.certificate(name, key, ends=ends)
        self._write(file or name, key, signed)
        return signed

    def revoke(self, *revoked: x509.Certificate) -> None:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .last_update(TODAY - DAY)
            .next_update(TODAY + DAY)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(TODAY - DAY).build())
        signed = builder.sign(self.key, hashes.SHA256())
        (self.folder / "crl.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _write(self, file: str, key: ec.EllipticCurvePrivateKey, signed: x509.Certificate) -> None:
        (self.folder / f"{file}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (self.folder / f"{file}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


@dataclass
class Site:
    """A broker that asks for certificates, its authority, and a server behind a plain port."""

    folder: Path
    authority: Authority
    server: LedgerServer
    port: int
    plant: MeterServer

    def gateway(
        self, certificate: str, *, trusted: str = "ca", host: str = LOOPBACK
    ) -> GatewayConfig:
        """Gateway gw-01, showing a certificate of that file."""
        config = settings(self.folder, self.port, Signer(), link(self.plant.port))
        tls = TlsConfig(
            ca_file=self.folder / f"{trusted}.pem",
            cert_file=self.folder / f"{certificate}.pem",
            key_file=self.folder / f"{certificate}.key",
        )
        mqtt = MqttConfig(host=host, port=self.port, tls=tls, version=MqttVersion.V5)
        return GatewayConfig(
            gateway_id="gw-01",
            data=config.data,
            mqtt=mqtt,
            queue=config.queue,
            links=config.links,
            health_interval=config.health_interval,
        )


def rules() -> str:
    return "\n".join(broker_acl(BrokerKind.MOSQUITTO, "server")) + "\n"


@pytest.fixture
def acl() -> str:
    return rules()


@pytest.fixture
def site(tmp_path: Path, acl: str) -> Iterator[Site]:
    authority = Authority(tmp_path, "ca")
    authority.issue("broker")
    stolen = authority.issue("gw-01", "stolen")
    authority.issue("gw-01")
    authority.issue("gw-02")
    authority.issue("gw-01", "old", ends=-DAY)
    authority.issue("gw-01", "soon", ends=20 * DAY)
    authority.revoke(stolen)
    Authority(tmp_path, "stranger").issue("gw-01", "foreign")
    (tmp_path / "rules").write_text(acl)
    port = free_port()
    lines = f"""per_listener_settings true
allow_anonymous true
listener {port} {LOOPBACK}
allow_anonymous false
require_certificate true
use_identity_as_username true
acl_file {tmp_path}/rules
cafile {tmp_path}/ca.pem
certfile {tmp_path}/broker.pem
keyfile {tmp_path}/broker.key
crlfile {tmp_path}/crl.pem
"""
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=tmp_path, lines=lines) as broker,
        LedgerServer(broker.port) as server,
    ):
        yield Site(folder=tmp_path, authority=authority, server=server, port=port, plant=plant)


def test_a_gateway_with_its_own_certificate_says_and_hears_its_own(site: Site) -> None:
    config = site.gateway("gw-01")
    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until(lambda: site.server.payloads(Channel.HEALTH))
        until(lambda: read_figures(config.data / QUEUE_FILE).kept_count > 0)

    assert site.server.conflicts == []
    assert site.server.ledger


def test_another_gateways_certificate_gives_no_right_to_these_topics(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site.gateway("gw-02")
    heard: list[str] = []

    def is_denied() -> bool:
        heard.append(capsys.readouterr().out)
        return "mqtt.publish_denied" in "".join(heard)

    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until(is_denied)
    figures = read_figures(config.data / QUEUE_FILE)

    assert "Not authorized" in "".join(heard)
    assert site.server.ledger == {}
    assert figures.open_count == figures.last_seq > 0


@pytest.mark.parametrize("acl", [rules().replace("pattern write lamp/v1/+/%u/up\n", "")])
def test_a_denied_publication_is_an_event_with_its_reason(site: Site) -> None:
    config = site.gateway("gw-01")

    def events() -> list[str]:
        return [each.decode() for each in site.server.payloads(Channel.EVENT)]

    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until(lambda: any("publish_denied" in each for each in events()))

    assert any("Not authorized" in each for each in events())
    assert read_figures(config.data / QUEUE_FILE).kept_count == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("shown", "meaning"),
    [
        (("old", "ca", LOOPBACK), "the broker says that our certificate has expired"),
        (("stolen", "ca", LOOPBACK), "the broker says that our certificate was revoked"),
        (("foreign", "ca", LOOPBACK), "the broker does not trust who signed our certificate"),
        (("gw-01", "stranger", LOOPBACK), "the broker's certificate is not signed by"),
        (("gw-01", "ca", "localhost"), "the broker's certificate is for another name"),
    ],
)
def test_a_certificate_that_does_not_fit_is_named_and_nothing_is_lost(
    site: Site,
    capsys: pytest.CaptureFixture[str],
    shown: tuple[str, str, str],
    meaning: str,
) -> None:
    """The filter: paho 2.2 leaves the socket of a failed handshake to the collector."""
    certificate, trusted, host = shown
    config = site.gateway(certificate, trusted=trusted, host=host)
    heard: list[str] = []

    def is_explained() -> bool:
        heard.append(capsys.readouterr().out)
        return meaning in "".join(heard)

    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until(is_explained)
        until(lambda: read_figures(config.data / QUEUE_FILE).last_seq > 0)
    gc.collect()

    assert site.server.ledger == {}
    assert "mqtt.fallback" not in "".join(heard)


def test_a_certificate_that_expires_soon_is_told_thirty_days_ahead(site: Site) -> None:
    config = site.gateway("soon")

    def events() -> list[str]:
        return [each.decode() for each in site.server.payloads(Channel.EVENT)]

    with running(lambda stop: run_gateway(config, SystemClock(), stop)):
        until(lambda: any("certificate_expires" in each for each in events()))
        until(lambda: site.server.payloads(Channel.HEALTH))
    health = parse_health(unpack("health", site.server.payloads(Channel.HEALTH)[-1]))
    until_utc = health.settings.certificate_until_utc

    assert until_utc is not None
    assert abs(until_utc - (TODAY + 20 * DAY)) < DAY
    assert any("in 19 days; put a new one in its place" in each for each in events())


def test_nothing_older_than_tls_1_2_is_spoken_and_the_name_is_verified() -> None:
    context = tls_context(TlsConfig())

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_other_troubles_are_not_blamed_on_a_certificate() -> None:
    assert explain_tls("[Errno 111] Connection refused") is None


def test_the_rules_for_rabbitmq_name_every_channel_in_its_direction() -> None:
    lines = broker_acl(BrokerKind.RABBITMQ, "server")
    topics = [line for line in lines if "set_topic_permissions" in line]

    assert r"{username}\.(up|state|health|event|res)$' '" in topics[0]
    assert topics[0].endswith(r"{username}\.(ack|cmd)$'")
    assert "server amq.topic" in topics[1]
