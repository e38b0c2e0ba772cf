"""What the server is told: the values of its settings file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

SERVER_VERSION: Final = "0.1.0"
"""What `sync-server --version` says; a test holds it to pyproject.toml."""


class ConfigError(ValueError):
    """A setting that cannot be used; the text reads `place: field: problem; remedy`."""


class FactorRule(StrEnum):
    """Of whom a second factor is asked; who has set one up always shows it."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"
    EXPORTS = "exports"
    """Of administrators, and of whoever takes a file of people or of the audit away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """TLS of the broker connection.

    Attributes:
        ca_file: Certificates to trust; None means the system's.
        cert_file: The server's own certificate, if the broker asks for one.
        key_file: The key of that certificate.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Where the broker is and who we are to it.

    Attributes:
        host: Host name or address.
        port: TCP port.
        client_id: Our session at the broker; a second server needs another one.
        username: If the broker asks for one.
        password: Read from the file named in the settings.
        tls: None: plain TCP.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    client_id: str = "lamplighter-ingest"
    username: str | None = None
    password: str | None = None
    tls: TlsFiles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherConfig:
    """Where the outdoor temperature comes from; neither: detection judges without.

    Attributes:
        station: The name under which it is kept.
        url: A plain HTTP JSON source, asked once an hour.
        meter_id: A meter whose `temperature_degc` is the outdoor temperature.
    """

    station: str = "site"
    url: str | None = None
    meter_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The whole settings file.

    Attributes:
        data: Folder of what the server keeps besides its database.
        database_url: `sqlite:///FILE` or `postgresql+psycopg://...`.
        broker: The MQTT broker.
        listen_host: Address of the pages and of sync.
        listen_port: Port of the pages and of sync.
        public_url: Address that people and tablets use, without a slash at its end.
        site_name: The utility's name.
        language: `zh` or `en`, for a reader who has not chosen yet.
        timezone: The site's zone: nights and pages are in it.
        detection_interval: How often orders are made of alerts, in the clock's own time.
        weather: Where the outdoor temperature comes from.
        lease: How long a tablet keeps received personal data without a contact (RULINGS R4).
        tablet_token_life: How long a tablet's token holds after its last contact.
        telephone_secret: What the telephone system signs its events with; None: it tells none.
        open311_keys: Name -> key of each system that may send requests from outside.
        paging_file: Where calls to people are written, one JSON line each; None: nobody is called.
        messages_file: Where messages to customers are written; None: they wait.
        second_factor: Of whom a second factor is asked.
        is_ingest_shared: Whether several processes with the part `ingest` share the partitions.
        pages_tls: Certificate and key of the pages; None: TLS is the work of a proxy in front.
        traces_endpoint: OTLP address that spans are sent to; None: none are made.
        anchor_file: Where the end of the audit chain is noted, outside the database; None: nowhere.
        archive_folder: Where raw readings go that leave the database; None: nowhere.
    """

    data: Path
    database_url: str
    broker: BrokerConfig
    listen_host: str = "127.0.0.1"
    listen_port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    site_name: str = "Lamplighter"
    language: str = "zh"
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    detection_interval: timedelta = timedelta(minutes=15)
    weather: WeatherConfig = field(default_factory=WeatherConfig)
    lease: timedelta = timedelta(days=7)
    tablet_token_life: timedelta = timedelta(days=180)
    telephone_secret: bytes | None = field(default=None, repr=False)
    open311_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    paging_file: Path | None = None
    messages_file: Path | None = None
    second_factor: FactorRule = FactorRule.NOBODY
    anchor_file: Path | None = None
    traces_endpoint: str | None = None
    archive_folder: Path | None = None
    is_ingest_shared: bool = False
    pages_tls: TlsFiles | None = None
