"""What the pages must know of the installation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from sync_server.access.tablet_store import TOKEN_LIFE
from sync_server.config import FactorRule
from sync_server.sync.service import LEASE


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Settings of the pages.

    Attributes:
        site_name: The utility's name, shown under the page's title.
        zone_name: IANA name of the site's time zone; every time is shown in it.
        language: `zh` or `en`, for a reader who has not chosen yet.
        is_https: Whether the cookie is marked Secure; True wherever TLS is in front.
        has_api_docs: Whether /docs and /openapi.json are served.
        are_metrics_local: Whether /metrics answers a caller on this machine without a log-in.
        blob_folder: Where photos and signatures are kept; None: this application takes none.
        archive_folder: Where raw readings are that left the database; None: none are.
        sealing_folder: Where the keys lie to which tablets seal; None: nothing sealed is opened.
        lease: How long a tablet keeps received personal data without a contact.
        tablet_token_life: How long a tablet's token holds after its last contact.
        telephone_secret: What the telephone system signs its events with; None: it tells none.
        open311_keys: Name -> key of each system that may send requests from outside.
        factor_rule: Of whom a second factor is asked.
    """

    site_name: str = "Lamplighter"
    zone_name: str = "Asia/Shanghai"
    language: str = "zh"
    is_https: bool = False
    has_api_docs: bool = False
    are_metrics_local: bool = True
    blob_folder: Path | None = None
    archive_folder: Path | None = None
    sealing_folder: Path | None = None
    lease: timedelta = LEASE
    tablet_token_life: timedelta = TOKEN_LIFE
    telephone_secret: bytes | None = field(default=None, repr=False)
    open311_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    factor_rule: FactorRule = FactorRule.NOBODY

    @property
    def zone(self) -> tzinfo:
        """Return the site's time zone."""
        return ZoneInfo(self.zone_name)
