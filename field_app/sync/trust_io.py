"""Whose certificates a server may show: the public authorities', or the site's own alone."""

import os
from pathlib import Path

CA_VARIABLE = "LAMPLIGHTER_CA_FILE"
CA_FILE = "ca.crt"
"""Put into the data folder, it is the only authority that counts."""


def trust_own(data: Path) -> None:
    """Trust the site's own authority alone, where its certificate lies in the data folder."""
    own = data / CA_FILE
    if own.is_file():
        os.environ.setdefault(CA_VARIABLE, str(own.resolve()))


def trusted() -> str | bool:
    """Return the file of the authorities to trust, True for the public ones."""
    return os.environ.get(CA_VARIABLE) or True
