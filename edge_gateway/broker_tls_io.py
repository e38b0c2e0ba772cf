"""How a broker connection is encrypted: TLS 1.2 or newer, its name verified, our certificate."""

import ssl
from collections.abc import Mapping

from edge_gateway.config import TlsConfig


class TlsFileError(Exception):
    """A file that a TLS connection needs cannot be used; the text names field and remedy."""


def tls_context(tls: TlsConfig) -> ssl.SSLContext:
    """Return the context of a broker connection.

    Raises:
        TlsFileError: A file cannot be used; a renewal may be half done.
    """
    ca_file = None if tls.ca_file is None else str(tls.ca_file)
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise TlsFileError(_file_problem("ca_file", error)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        try:
            context.load_cert_chain(tls.cert_file, tls.key_file)
        except OSError as error:
            raise TlsFileError(_file_problem("cert_file, key_file", error)) from error
    return context


def _file_problem(field: str, error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "key_file: is not the key of cert_file; give the one it was asked for with"
    if isinstance(error, ssl.SSLError):
        return f"{field}: no PEM that can be used ({error.reason or error}); give one"
    return f"{field}: cannot be read: {error.strerror}; give one that can be"


_EXPLAINED: Mapping[str, str] = {
    "alert certificate expired": "the broker says that our certificate has expired; put a new one "
    "in place of cert_file",
    "alert certificate revoked": "the broker says that our certificate was revoked; ask who keeps "
    "the certificates why, and for a new one",
    "alert unknown ca": "the broker does not trust who signed our certificate; have cert_file "
    "signed by the broker's authority",
    "alert certificate required": "the broker asks for a certificate; give cert_file and key_file",
    "alert bad certificate": "the broker does not accept our certificate; look whether it is valid "
    "already, and have cert_file signed by the broker's authority",
    "alert protocol version": "the broker speaks no TLS 1.2 or newer; renew the broker",
    "unsupported protocol": "the broker speaks no TLS 1.2 or newer; renew the broker",
    "mismatch": "the broker's certificate is for another name; correct host, or the certificate",
    "certificate has expired": "by this machine's clock the broker's certificate or that of its "
    "authority has expired; renew it there",
    "certificate is not yet valid": "by this machine's clock the broker's certificate is not valid "
    "yet; look whether the clock is right, else renew the certificate there",
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
