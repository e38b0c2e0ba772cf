"""A broker's certificate of another time than now: what it means is said, with what to look at."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_gateway.broker_tls_io import explain_tls, tls_context
from edge_gateway.config import TlsConfig
from tests.edge_gateway.rig import LOOPBACK

HOUR = timedelta(hours=1)


def write_broker(folder: Path, begins: timedelta, ends: timedelta) -> None:
    """Write a certificate that is its own authority, valid from and to so far from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  # OpenSSL compares with today
    address = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "broker.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def handshake(folder: Path) -> str:
    """What the gateway's side of a handshake ends with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "broker.pem", folder / "broker.key")
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            try:
                context.wrap_socket(theirs, server_side=True).close()
            except OSError:
                return

    broker = threading.Thread(target=serve)
    broker.start()
    client = tls_context(TlsConfig(ca_file=folder / "broker.pem"))
    try:
        with ours, pytest.raises(ssl.SSLError) as refused:
            client.wrap_socket(ours, server_hostname=LOOPBACK)
    finally:
        broker.join()
    return str(refused.value)


@pytest.mark.parametrize(
    ("begins", "ends", "meaning"),
    [
        (-2 * HOUR, -HOUR, "has expired; renew it there"),
        (HOUR, 2 * HOUR, "not valid yet; look whether the clock is right"),
    ],
)
def test_a_broker_of_another_time_is_told_from_a_stranger(
    tmp_path: Path, begins: timedelta, ends: timedelta, meaning: str
) -> None:
    write_broker(tmp_path, begins, ends)

    said = explain_tls(handshake(tmp_path))

    assert said is not None
    assert said.startswith("by this machine's clock the broker's certificate")
    assert meaning in said
