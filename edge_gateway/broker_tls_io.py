"""How a broker connection is encrypted: TLS 1.2 or newer, its name verified, our certificate."""

import ssl
from collections.abc import Mapping

from edge_gateway.config import TlsConfig


def tls_context(tls: TlsConfig) -> ssl.SSLContext:
    """Return the context of a broker connection; raise OSError for a file that cannot be used."""
    ca_file = None if tls.ca_file is None else str(tls.ca_file)
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


_EXPLAINED: Mapping[str, str] = {
    "alert certificate expired": "the broker says that our certificate has expired; put a new one "
    "in place of cert_file",
    "alert certificate revoked": "the broker says that our certificate was revoked; ask who keeps "
    "the certificates why, and for a new one",
    "alert unknown ca": "the broker does not trust who signed our certificate; have cert_file "
    "signed by the broker's authority",
    "alert certificate required": "the broker asks for a certificate; give cert_file and key_file",
    "alert bad certificate": "the broker does not accept our certificate; have cert_file signed by "
    "the broker's authority",
    "alert protocol version": "the broker speaks no TLS 1.2 or newer; renew the broker",
    "unsupported protocol": "the broker speaks no TLS 1.2 or newer; renew the broker",
    "mismatch": "the broker's certificate is for another name; correct host, or the certificate",
    "certificate has expired": "the broker's certificate has expired; renew it there",
    "certificate verify failed": "the broker's certificate is not signed by an authority of "
    "ca_file; correct ca_file, or somebody else is answering",
}
"""What OpenSSL says, in lower case, to what it means and what to do; the first that fits counts."""


def explain_tls(problem: str) -> str | None:
    """Return what a failed handshake means and what to do; None for another trouble."""
    said = problem.lower()
    if "ssl" not in said and "certificate" not in said:
        return None
    return next((text for words, text in _EXPLAINED.items() if words in said), None)
