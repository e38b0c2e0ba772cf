"""Reads the settings file; every refusal names the place, the field and the remedy."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge_gateway.config import (
    AUTO,
    ConfigError,
    GatewayConfig,
    LinkConfig,
    MeterConfig,
    MetricsConfig,
    MqttConfig,
    MqttVersion,
    QueueConfig,
    RemoteConfig,
    SparkplugConfig,
    TlsConfig,
)
from edge_gateway.host_names import is_host
from edge_gateway.settings_table_io import SettingsTable, setting_refused
from firmware_profiles.cadence import Cadence
from wire_contracts.errors import ContractError
from wire_contracts.topics import check_gateway_id

_CONNECTION = frozenset(
    {
        "host",
        "port",
        "username",
        "password_file",
        "password_env",
        "tls",
        "ca_file",
        "cert_file",
        "key_file",
        "version",
        "keepalive_s",
    }
)
"""Settings of a connection to a broker."""

SETTINGS: Mapping[str, frozenset[str]] = {
    "": frozenset({"gateway", "mqtt", "queue", "link", "remote", "metrics", "sparkplug"}),
    "gateway": frozenset(
        {
            "id",
            "data",
            "profiles",
            "health_interval",
            "keep_raw",
            "time_zone",
            "meter_clock_drift_s",
        }
    ),
    "mqtt": _CONNECTION | {"ack_timeout_s", "window", "backlog_per_s"},
    "queue": frozenset(
        {
            "max_open_mb",
            "max_days",
            "min_free_mb",
            "keep_sent",
            "keep_sent_mb",
            "hold_max",
            "commit_s",
            "commit_frames",
        }
    ),
    "link": frozenset(
        {
            "name",
            "url",
            "transport",
            "host",
            "port",
            "timeout_s",
            "retry_count",
            "backoff_max_s",
            "intervals",
            "meter",
            "writes",
        }
    ),
    "link.meter": frozenset({"serial", "device_address", "profile", "intervals", "writes"}),
    "remote": frozenset({"trusted_keys"}),
    "metrics": frozenset({"listen"}),
    "sparkplug": frozenset({"group", "node", "primary_host"}) | _CONNECTION,
}
"""Every key of the settings file, by table; docs/gateway.md explains each."""

FROM_AFAR: Mapping[str, frozenset[str]] = {
    "": frozenset({"gateway", "queue", "link"}),
    "gateway": frozenset({"health_interval", "keep_raw"}),
}
"""What a signed revision may hold (ADR 0015): `queue`, and `link` without `writes`, as here."""

_MEGABYTE = 1024 * 1024
_PUBLIC_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")
_HIGHEST_PORT = 65535


def load_config(path: Path) -> GatewayConfig:
    """Return the settings in a TOML file; relative paths count from the file's folder.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or holds a setting that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise setting_refused(
            str(path), "file", f"cannot be read ({error})", "give a TOML file"
        ) from None
    return parse_config(text, place=str(path), folder=path.parent, environment=os.environ)


def parse_config(
    text: str, *, place: str, folder: Path, environment: Mapping[str, str]
) -> GatewayConfig:
    """Return the settings in a TOML text; raise ConfigError that names the field.

    Args:
        text: The TOML.
        place: Name of the file for the refusal.
        folder: What relative paths count from.
        environment: Where `password_env` looks.
    """
    root = _root(text, place, folder)
    root.refuse_unknown(SETTINGS[""])
    gateway = root.table("gateway")
    gateway.refuse_unknown(SETTINGS["gateway"])
    links = tuple(_link(table) for table in root.tables("link"))
    _refuse_bad_names(root, links)
    mqtt = _mqtt(root.table("mqtt"), environment)
    return GatewayConfig(
        gateway_id=_gateway_id(gateway),
        data=gateway.path_or("data", folder / "var"),
        profiles=gateway.folder_or_none("profiles"),
        health_interval=gateway.duration("health_interval", timedelta(seconds=60)),
        is_raw_kept=gateway.boolean("keep_raw", default=True),
        time_zone=_time_zone(gateway),
        clock_drift_s=gateway.number("meter_clock_drift_s", low=1, high=86400, default=60.0),
        mqtt=mqtt,
        queue=_queue(root.table_or_empty("queue")),
        links=links,
        remote=_remote(root.table_or_empty("remote")),
        metrics=_metrics(root.table_or_empty("metrics")),
        sparkplug=_sparkplug(root, mqtt, environment),
    )


def parse_overlay(text: str, *, place: str, local: GatewayConfig) -> GatewayConfig:
    """Return the gateway's own settings with what a revision changes in them.

    A table that the revision holds replaces the gateway's whole: all links, all bounds of the
    queue. What the revision leaves out stays as the gateway's own file has it.

    Args:
        text: The revision's TOML.
        place: Name of the revision for the refusal.
        local: The settings of the gateway's own file.

    Raises:
        ConfigError: It is no TOML, holds what may be changed at the gateway only, or cannot be
            used.
    """
    root = _root(text, place, Path())
    _refuse_local(root, "")
    gateway = root.table_or_empty("gateway")
    _refuse_local(gateway, "gateway")
    links = tuple(_link(table) for table in root.tables("link"))
    for table in root.tables("link"):
        for each in (table, *table.tables("meter")):
            if each.has("writes"):
                raise each.refused("writes", *_AT_THE_GATEWAY)
    _refuse_bad_names(root, links)
    return replace(
        local,
        health_interval=gateway.duration("health_interval", local.health_interval),
        is_raw_kept=gateway.boolean("keep_raw", default=local.is_raw_kept),
        queue=_queue(root.table("queue")) if root.has("queue") else local.queue,
        links=links if root.has("link") else local.links,
    )


_AT_THE_GATEWAY = ("is not changed from afar", "change it in the gateway's own file")


def _refuse_local(table: SettingsTable, name: str) -> None:
    for key in table.values:
        if key in SETTINGS[name] and key not in FROM_AFAR[name]:
            raise table.refused(key, *_AT_THE_GATEWAY)
    table.refuse_unknown(FROM_AFAR[name])


def _root(text: str, place: str, folder: Path) -> SettingsTable:
    try:
        values = tomllib.loads(text)
    except (ValueError, ArithmeticError, RecursionError) as error:  # a number of 5000 digits too
        raise setting_refused(
            place, "file", f"is not TOML ({error})", "correct that line"
        ) from None
    return SettingsTable(place=place, path="", values=values, folder=folder)


def _remote(table: SettingsTable) -> RemoteConfig:
    table.refuse_unknown(SETTINGS["remote"])
    keys = table.texts("trusted_keys")
    for key in keys:
        if not _PUBLIC_KEY.fullmatch(key):
            problem = f"{key[:60]!r} is no public key"
            remedy = "give the line that `sync-server gateway-keys new` printed"
            raise table.refused("trusted_keys", problem, remedy)
    return RemoteConfig(trusted_keys=keys)


def _metrics(table: SettingsTable) -> MetricsConfig | None:
    table.refuse_unknown(SETTINGS["metrics"])
    text = table.text_or_none("listen")
    if text is None:
        return None
    found = _LISTEN.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= _HIGHEST_PORT:
        raise table.refused("listen", f"is {text!r}", 'give an address such as "127.0.0.1:9464"')
    return MetricsConfig(host=found[1].strip("[]"), port=int(found[2]))


def _gateway_id(table: SettingsTable) -> str:
    try:
        return check_gateway_id(table.text("id"), place=table.place, field="gateway.id")
    except ContractError as error:
        raise ConfigError(str(error)) from None


def _sparkplug(
    root: SettingsTable, mqtt: MqttConfig, environment: Mapping[str, str]
) -> SparkplugConfig | None:
    """Return the second output; without a `host` of its own it uses the broker of `[mqtt]`."""
    if not root.has("sparkplug"):
        return None
    table = root.table("sparkplug")
    table.refuse_unknown(SETTINGS["sparkplug"])
    own = sorted(_CONNECTION & table.values.keys())
    if own and not table.has("host"):
        raise table.refused(own[0], "stands without a host", "give host, or none of its keys")
    gateway_id = _gateway_id(root.table("gateway"))
    return SparkplugConfig(
        group_id=_sparkplug_name(table, "group", "lamplighter"),
        node_id=_sparkplug_name(table, "node", gateway_id),
        primary_host=_sparkplug_name(table, "primary_host", "") or None,
        mqtt=_connection(table, environment) if table.has("host") else mqtt,
    )


def _sparkplug_name(table: SettingsTable, key: str, default: str) -> str:
    """Return an id; MQTT forbids `/ + #` in it (Sparkplug 3.0.0, section 4.1)."""
    text = table.text(key, longest=64) if table.has(key) else default
    if set(text) & set("/+#") or not text.isprintable():
        raise table.refused(key, f"is {text!r}", "leave out / + # and what cannot be printed")
    return text


def _mqtt(table: SettingsTable, environment: Mapping[str, str]) -> MqttConfig:
    table.refuse_unknown(SETTINGS["mqtt"])
    return _connection(table, environment)


def _connection(table: SettingsTable, environment: Mapping[str, str]) -> MqttConfig:
    has_tls = table.boolean("tls", default=False)
    host = table.text("host")
    if not is_host(host):
        raise table.refused("host", f"{host!r} cannot be a name or address", "give the broker's")
    return MqttConfig(
        host=host,
        port=table.integer("port", low=1, high=_HIGHEST_PORT, default=8883 if has_tls else 1883),
        username=table.text_or_none("username"),
        password=_password(table, environment),
        tls=_tls(table) if has_tls else None,
        version=table.choice_or_none("version", MqttVersion),
        keepalive_s=table.integer("keepalive_s", low=5, high=3600, default=30),
        ack_timeout_s=table.number("ack_timeout_s", low=0.1, high=3600, default=10.0),
        window=table.integer("window", low=1, high=64, default=8),
        backlog_per_s=table.number("backlog_per_s", low=1, high=100_000, default=200.0),
    )


def _tls(table: SettingsTable) -> TlsConfig:
    tls = TlsConfig(
        ca_file=table.file_or_none("ca_file"),
        cert_file=table.file_or_none("cert_file"),
        key_file=table.file_or_none("key_file"),
    )
    if (tls.cert_file is None) != (tls.key_file is None):
        raise table.refused(
            "cert_file", "stands without its partner", "give cert_file and key_file"
        )
    return tls


def _password(table: SettingsTable, environment: Mapping[str, str]) -> str | None:
    variable = table.text_or_none("password_env")
    if variable is not None and table.has("password_file"):
        raise table.refused("password_env", "stands beside password_file", "keep one of the two")
    if variable is not None:
        if not environment.get(variable):
            raise table.refused(
                "password_env", f"{variable!r} is not set", "set it before starting"
            )
        return environment[variable]
    file = table.file_or_none("password_file")
    if file is None:
        return None
    secret = file.read_text(encoding="utf-8").strip()
    if not secret:
        raise table.refused("password_file", f"{str(file)!r} is empty", "put the password in it")
    return secret


def _queue(table: SettingsTable) -> QueueConfig:
    table.refuse_unknown(SETTINGS["queue"])
    return QueueConfig(
        max_open_bytes=table.integer("max_open_mb", low=1, high=1_000_000, default=512) * _MEGABYTE,
        max_age=timedelta(days=table.integer("max_days", low=1, high=3650, default=90)),
        min_free_bytes=table.integer("min_free_mb", low=0, high=1_000_000, default=64) * _MEGABYTE,
        hold_max=table.duration("hold_max", timedelta(days=1)),
        keep_sent=table.duration("keep_sent", timedelta(days=7)),
        keep_sent_bytes=table.integer("keep_sent_mb", low=1, high=1_000_000, default=256)
        * _MEGABYTE,
        commit_s=table.number("commit_s", low=0.01, high=60, default=1.0),
        commit_frames=table.integer("commit_frames", low=1, high=10_000, default=50),
    )


def _link(table: SettingsTable) -> LinkConfig:
    table.refuse_unknown(SETTINGS["link"])
    intervals = table.cadences("intervals")
    meters = tuple(_meter(inner, intervals) for inner in table.tables("meter"))
    if not meters:
        raise table.refused("meter", "is missing", "add at least one [[link.meter]]")
    return LinkConfig(
        name=table.text("name"),
        url=_url(table),
        timeout_s=table.number_or_none("timeout_s", low=0.02, high=120),
        retry_count=table.integer("retry_count", low=0, high=5, default=1),
        backoff_max_s=table.number("backoff_max_s", low=1, high=86400, default=300.0),
        is_writable=_is_writable(table, meters),
        meters=meters,
    )


def _is_writable(table: SettingsTable, meters: tuple[MeterConfig, ...]) -> bool:
    is_writable = table.boolean("writes", default=False)
    for index, meter in enumerate(meters):
        if meter.writes and not is_writable:
            remedy = "set writes = true on the link, or leave the list out"
            raise table.refused(f"meter[{index}].writes", "stands on a read-only link", remedy)
    return is_writable


def _meter(table: SettingsTable, link_intervals: Mapping[str, Cadence]) -> MeterConfig:
    table.refuse_unknown(SETTINGS["link.meter"])
    has_candidates = isinstance(table.values.get("profile"), list)
    candidates = table.texts("profile") if has_candidates else ()
    return MeterConfig(
        serial=_serial(table),
        device_address=_device_address(table),
        profile=AUTO if candidates else table.text_or_none("profile") or AUTO,
        candidates=candidates,
        intervals={**link_intervals, **table.cadences("intervals")},
        writes=table.texts("writes"),
    )


def _serial(table: SettingsTable) -> str:
    """Return the serial; one with a maker must have the number that a guard compares."""
    serial = table.text("serial", longest=64)
    _, colon, number = serial.rpartition(":")
    if colon and not number.strip().lstrip("0"):
        remedy = "write the number of the name plate behind it, like KAM:65432109"
        raise table.refused("serial", f"{serial!r} has no number behind the colon", remedy)
    return serial


def _time_zone(table: SettingsTable) -> tzinfo:
    name = table.text_or_none("time_zone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        remedy = "name it like Asia/Shanghai"
        raise table.refused("time_zone", f"{name!r} is no time zone", remedy) from None


def _url(table: SettingsTable) -> str:
    """Return the link's URL; `transport`, `host` and `port` are the older way to write tcp://."""
    old = [key for key in ("transport", "host", "port") if table.has(key)]
    if table.has("url"):
        if old:
            raise table.refused(old[0], "stands beside url", "keep the url")
        return table.text("url")
    if not old:
        raise table.refused("url", "is missing", "name the line, such as tcp://10.0.0.5:502")
    if table.has("transport") and table.text("transport") != "tcp":
        raise table.refused("transport", f"is {table.text('transport')!r}", "write a url instead")
    host = table.text("host")
    port = table.integer("port", low=1, high=_HIGHEST_PORT, default=502)
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _device_address(table: SettingsTable) -> int | str:
    """Return the unit of a Modbus meter, or the text that another protocol calls its meter by."""
    if isinstance(table.values.get("device_address"), str):
        return table.text("device_address", longest=64)
    return table.integer("device_address", low=0, high=255)


def _refuse_bad_names(root: SettingsTable, links: tuple[LinkConfig, ...]) -> None:
    names = [link.name for link in links]
    serials = [meter.serial for link in links for meter in link.meters]
    for field, seen in (("link.name", names), ("link.meter.serial", serials)):
        for value in seen:
            if not value.isprintable():
                raise root.refused(field, f"{value!r} has a control character", "leave it out")
            if seen.count(value) > 1:
                raise root.refused(field, f"{value!r} occurs twice", "give every one its own")
