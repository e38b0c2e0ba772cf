"""How a broker connection is encrypted: TLS 1.2 or newer, its name verified, our certificate."""

import ssl

from edge_gateway.config import TlsConfig


def tls_context(tls: TlsConfig) -> ssl.SSLContext:
    """Return the context of a broker connection; raise OSError for a file that cannot be used."""
    ca_file = None if tls.ca_file is None else str(tls.ca_file)
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context
