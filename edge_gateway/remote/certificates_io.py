"""Reads until when the gateway's own certificate is good, so that nobody is surprised."""

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

WARN_BEFORE = timedelta(days=30)
"""Somebody must order, sign and carry a new one to the site (judgement)."""

_LOG: FilteringBoundLogger = structlog.get_logger()


def good_until(cert_file: Path | None) -> datetime | None:
    """Return when the certificate expires; None when there is none or it cannot be read."""
    if cert_file is None:
        return None
    from cryptography import x509  # noqa: PLC0415  # 3 MB that a gateway without does not need

    try:
        return x509.load_pem_x509_certificate(cert_file.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        _LOG.warning("certificate.unreadable", file=str(cert_file), error=str(error))
        return None


def expiry_warning(until: datetime | None, now_utc: datetime) -> str | None:
    """Return what to say about a certificate that expires soon or has expired, else None."""
    if until is None or until - now_utc > WARN_BEFORE:
        return None
    day = until.date().isoformat()
    if until <= now_utc:
        return f"the gateway's certificate expired on {day}; put a new one in its place"
    left = (until - now_utc).days
    return f"the gateway's certificate expires on {day}, in {left} days; put a new one in its place"
