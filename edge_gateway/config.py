"""What one gateway is told: the values of its settings file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path

from firmware_profiles.cadence import Cadence


class ConfigError(ValueError):
    """A setting that cannot be used; the text reads `place: field: problem; remedy`."""


AUTO = "auto"
"""The profile of a meter that is asked what it is before it is polled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterConfig:
    """One meter on a link.

    Attributes:
        serial: Serial number of the device, as the server knows it.
        device_address: Modbus unit identifier, 0..255; 0 and 255 mean the TCP server itself.
            Text for the other protocols: M-Bus `5` or `24083345.EFE.00.0C`, CJ/T 188
            `20:11223344556677`.
        profile: Profile and revision, such as `tuf_2000m@1`; AUTO: the meter is asked.
        candidates: Profiles that an AUTO meter may be; empty: every one there is.
        intervals: Register group to interval or time of day, where it differs from the profile.
        writes: Registers that may be written, by the profile's names.
    """

    serial: str
    device_address: int | str
    profile: str = AUTO
    candidates: Sequence[str] = ()
    intervals: Mapping[str, Cadence] = field(default_factory=dict)
    writes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """One link: one line, one thread, one request at a time.

    Attributes:
        name: Name in logs and health messages, unique in the gateway.
        url: The line: `tcp://host:502`, `rtu:///dev/ttyUSB0?baud=9600`; `links.link_url`.
        timeout_s: Wall seconds to wait for an answer; None: what the profiles ask, at least 1.
        retry_count: Repetitions after a time-out, for meters in good standing.
        backoff_max_s: Longest wall seconds between two probes of a dead meter.
        is_writable: Whether anything on this link may be written; else nothing there can.
        meters: The meters behind this link.
    """

    name: str
    url: str
    meters: Sequence[MeterConfig]
    timeout_s: float | None = None
    retry_count: int = 1
    backoff_max_s: float = 300.0
    is_writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """TLS of the broker connection.

    Attributes:
        ca_file: Certificates to trust; None means the system's.
        cert_file: The gateway's own certificate, if the broker asks for one.
        key_file: The key of that certificate.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class MqttVersion(StrEnum):
    """The protocol versions we speak, as people write them."""

    V5 = "5"
    V311 = "3.1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttConfig:
    """The broker connection.

    Attributes:
        host: Host name or address.
        port: TCP port.
        username: Log-in name, None for a broker without accounts.
        password: Its secret, read from a file or the environment; never shown.
        tls: TLS settings, None for a plain connection.
        version: The one version to speak; None: 5, and 3.1.1 where the broker knows no better.
        keepalive_s: Wall seconds of the MQTT keep-alive.
        ack_timeout_s: Wall seconds without the server's word after which frames go again.
        window: Batches on their way at the same time.
        backlog_per_s: Most frames per wall second of what waited through an outage.
    """

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsConfig | None = None
    version: MqttVersion | None = None
    keepalive_s: int = 30
    ack_timeout_s: float = 10.0
    window: int = 8
    backlog_per_s: float = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueConfig:
    """The durable queue's bounds.

    Attributes:
        max_open_bytes: Frames not yet acknowledged; beyond it the oldest give way to a gap record.
        max_age: How old an unacknowledged frame may become before it gives way.
        min_free_bytes: Free space on the disk below which the queue file does not grow.
        hold_max: How long a frame waits for the time to be known before it is sent with a guess.
        keep_sent: How long an acknowledged frame is kept for a restored server (RULINGS R1).
        keep_sent_bytes: Largest size of those kept frames (RULINGS R1).
        commit_s: Longest wall seconds between a read and its commit.
        commit_frames: Frames after which the commit does not wait.
    """

    max_open_bytes: int = 512 * 1024 * 1024
    max_age: timedelta = timedelta(days=90)
    min_free_bytes: int = 64 * 1024 * 1024
    hold_max: timedelta = timedelta(days=1)
    keep_sent: timedelta = timedelta(days=7)
    keep_sent_bytes: int = 256 * 1024 * 1024
    commit_s: float = 1.0
    commit_frames: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteConfig:
    """Who may change settings and give orders from afar.

    Attributes:
        trusted_keys: Public keys, `ed25519:BASE64`; without any nothing remote counts.
    """

    trusted_keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """Where Prometheus may ask: own address and TCP port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkplugConfig:
    """The second output: whom to tell in Sparkplug B, and under which name.

    Attributes:
        group_id: The group, without `/ + #`.
        node_id: The edge node, without `/ + #`.
        primary_host: Host that must be there before anything is told; None: nobody must.
        mqtt: Its own connection.
    """

    group_id: str
    node_id: str
    primary_host: str | None
    mqtt: MqttConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """Everything one gateway is told.

    Attributes:
        gateway_id: Its id on MQTT, `[a-z0-9-]{1,32}`.
        data: Folder of the queue file.
        profiles: Folder of the site's own profiles, searched before those of the package.
        health_interval: Between two health messages, in the gateway's clock.
        is_raw_kept: Whether the words as read travel with each frame (RULINGS R17).
        time_zone: What times of day in the settings and the meters' own clocks are meant in.
        clock_drift_s: How far a meter's own clock may be off before it is an event.
        mqtt: The broker.
        queue: The queue's bounds.
        links: The lines to the meters.
        remote: Who may change settings and give orders from afar.
        metrics: Where Prometheus may ask; None: nowhere.
        sparkplug: The second output, None when there is none.
    """

    gateway_id: str
    data: Path
    mqtt: MqttConfig
    links: Sequence[LinkConfig]
    queue: QueueConfig = field(default_factory=QueueConfig)
    profiles: Path | None = None
    health_interval: timedelta = timedelta(seconds=60)
    is_raw_kept: bool = True
    time_zone: tzinfo = UTC
    clock_drift_s: float = 60.0
    remote: RemoteConfig = field(default_factory=RemoteConfig)
    metrics: MetricsConfig | None = None
    sparkplug: SparkplugConfig | None = None
