"""Owns the tablet's settings and their defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

APP_VERSION: Final = "0.1.0"
"""Stamped on every operation; the distribution's version, known without its metadata on Android."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletConfig:
    """The settings of one tablet.

    Attributes:
        data: Folder of everything the tablet keeps.
        server_url: Where the server answers; offered at enrolment.
        device_name: How the office sees this tablet in its list.
        language: `zh_CN` or `en`; empty: the person's own.
        timezone: IANA name of the site's zone; empty: the tablet's own.
    """

    data: Path = Path("var/tablet")
    server_url: str = ""
    device_name: str = "tablet"
    language: str = ""
    timezone: str = ""
