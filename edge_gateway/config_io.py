"""Reads the settings file; every refusal names the place, the field and the remedy."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar, cast

from edge_gateway.config import (
    ConfigError,
    GatewayConfig,
    LinkConfig,
    MeterConfig,
    MqttConfig,
    MqttVersion,
    QueueConfig,
    TlsConfig,
    Transport,
)
from wire_contracts.errors import ContractError
from wire_contracts.topics import check_gateway_id

Choice = TypeVar("Choice", bound=StrEnum)

SETTINGS: Mapping[str, frozenset[str]] = {
    "": frozenset({"gateway", "mqtt", "queue", "link"}),
    "gateway": frozenset({"id", "data", "profiles", "health_interval", "keep_raw"}),
    "mqtt": frozenset(
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
            "ack_timeout_s",
            "window",
        }
    ),
    "queue": frozenset({"max_open_mb", "keep_sent", "keep_sent_mb", "commit_s", "commit_frames"}),
    "link": frozenset(
        {
            "name",
            "transport",
            "host",
            "port",
            "timeout_s",
            "retry_count",
            "backoff_max_s",
            "intervals",
            "meter",
        }
    ),
    "link.meter": frozenset({"serial", "device_address", "profile", "intervals"}),
}
"""Every key of the settings file, by table; docs/gateway.md explains each."""

_DURATION = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MEGABYTE = 1024 * 1024
_HIGHEST_PORT = 65535


def load_config(path: Path) -> GatewayConfig:
    """Return the settings in a TOML file; relative paths count from the file's folder.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or holds a setting that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(str(path), "file", f"cannot be read ({error})", "give a TOML file") from None
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
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(place, "file", f"is not TOML ({error})", "correct that line") from None
    root = _Table(place=place, path="", values=values, folder=folder)
    root.refuse_unknown(SETTINGS[""])
    gateway = root.table("gateway")
    gateway.refuse_unknown(SETTINGS["gateway"])
    links = tuple(_link(table) for table in root.tables("link"))
    _refuse_repeated(root, links)
    return GatewayConfig(
        gateway_id=_gateway_id(gateway),
        data=gateway.path_or("data", folder / "var"),
        profiles=gateway.folder_or_none("profiles"),
        health_interval=gateway.duration("health_interval", timedelta(seconds=60)),
        is_raw_kept=gateway.boolean("keep_raw", default=True),
        mqtt=_mqtt(root.table("mqtt"), environment),
        queue=_queue(root.table_or_empty("queue")),
        links=links,
    )


def _gateway_id(table: "_Table") -> str:
    try:
        return check_gateway_id(table.text("id"), place=table.place, field="gateway.id")
    except ContractError as error:
        raise ConfigError(str(error)) from None


def _mqtt(table: "_Table", environment: Mapping[str, str]) -> MqttConfig:
    table.refuse_unknown(SETTINGS["mqtt"])
    has_tls = table.boolean("tls", default=False)
    return MqttConfig(
        host=table.text("host"),
        port=table.integer("port", low=1, high=_HIGHEST_PORT, default=8883 if has_tls else 1883),
        username=table.text_or_none("username"),
        password=_password(table, environment),
        tls=_tls(table) if has_tls else None,
        version=table.choice_or_none("version", MqttVersion),
        keepalive_s=table.integer("keepalive_s", low=5, high=3600, default=30),
        ack_timeout_s=table.number("ack_timeout_s", low=0.1, high=3600, default=10.0),
        window=table.integer("window", low=1, high=64, default=8),
    )


def _tls(table: "_Table") -> TlsConfig:
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


def _password(table: "_Table", environment: Mapping[str, str]) -> str | None:
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


def _queue(table: "_Table") -> QueueConfig:
    table.refuse_unknown(SETTINGS["queue"])
    return QueueConfig(
        max_open_bytes=table.integer("max_open_mb", low=1, high=1_000_000, default=512) * _MEGABYTE,
        keep_sent=table.duration("keep_sent", timedelta(days=7)),
        keep_sent_bytes=table.integer("keep_sent_mb", low=1, high=1_000_000, default=256)
        * _MEGABYTE,
        commit_s=table.number("commit_s", low=0.01, high=60, default=1.0),
        commit_frames=table.integer("commit_frames", low=1, high=10_000, default=50),
    )


def _link(table: "_Table") -> LinkConfig:
    table.refuse_unknown(SETTINGS["link"])
    intervals = table.durations("intervals")
    meters = tuple(_meter(inner, intervals) for inner in table.tables("meter"))
    if not meters:
        raise table.refused("meter", "is missing", "add at least one [[link.meter]]")
    return LinkConfig(
        name=table.text("name"),
        transport=table.choice_or_none("transport", Transport) or Transport.TCP,
        host=table.text("host"),
        port=table.integer("port", low=1, high=_HIGHEST_PORT, default=502),
        timeout_s=table.number_or_none("timeout_s", low=0.02, high=120),
        retry_count=table.integer("retry_count", low=0, high=5, default=1),
        backoff_max_s=table.number("backoff_max_s", low=1, high=86400, default=300.0),
        meters=meters,
    )


def _meter(table: "_Table", link_intervals: Mapping[str, timedelta]) -> MeterConfig:
    table.refuse_unknown(SETTINGS["link.meter"])
    return MeterConfig(
        serial=table.text("serial", longest=64),
        device_address=table.integer("device_address", low=0, high=255),
        profile=table.text("profile"),
        intervals={**link_intervals, **table.durations("intervals")},
    )


def _refuse_repeated(root: "_Table", links: tuple[LinkConfig, ...]) -> None:
    names = [link.name for link in links]
    serials = [meter.serial for link in links for meter in link.meters]
    for field, seen in (("link.name", names), ("link.meter.serial", serials)):
        for value in seen:
            if seen.count(value) > 1:
                raise root.refused(field, f"{value!r} occurs twice", "give every one its own")


def _refused(place: str, field: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(f"{place}: {field}: {problem}; {remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One table of the file, with the way to it; every getter refuses in the same words."""

    place: str
    path: str
    values: Mapping[str, object]
    folder: Path

    def refused(self, key: str, problem: str, remedy: str) -> ConfigError:
        return _refused(self.place, f"{self.path}.{key}" if self.path else key, problem, remedy)

    def refuse_unknown(self, known: frozenset[str]) -> None:
        for key in self.values:
            if key not in known:
                remedy = f"use one of: {', '.join(sorted(known))}"
                raise self.refused(key, "is not a known setting", remedy)

    def has(self, key: str) -> bool:
        return key in self.values

    def _inner(self, key: str, value: object, path: str) -> "_Table":
        if not isinstance(value, dict):
            raise self.refused(key, "is not a table", f"write it as [{key}]")
        values = cast("Mapping[str, object]", value)  # TOML keys are always text
        return _Table(place=self.place, path=path, values=values, folder=self.folder)

    def table(self, key: str) -> "_Table":
        if not self.has(key):
            raise self.refused(key, "is missing", f"add a [{key}] table")
        return self.table_or_empty(key)

    def table_or_empty(self, key: str) -> "_Table":
        return self._inner(key, self.values.get(key, {}), f"{self.path}.{key}".lstrip("."))

    def tables(self, key: str) -> list["_Table"]:
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.refused(key, "is not a list of tables", f"write each as [[{key}]]")
        path = f"{self.path}.{key}".lstrip(".")
        return [self._inner(key, item, f"{path}[{index}]") for index, item in enumerate(value)]

    def text(self, key: str, *, longest: int = 200) -> str:
        value = self.values.get(key)
        if value is None:
            raise self.refused(key, "is missing", "add it")
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise self.refused(key, f"is {value!r}", f"give a text of 1 to {longest} characters")
        return value

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def choice_or_none(self, key: str, choices: type[Choice]) -> Choice | None:
        text = self.text_or_none(key)
        if text is not None and text not in set(choices):
            known = ", ".join(choices)
            raise self.refused(key, f"{text!r} is not known", f"use one of: {known}")
        return None if text is None else choices(text)

    def boolean(self, key: str, *, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.refused(key, f"is {value!r}", "give true or false")
        return value

    def integer(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if value is None:
            raise self.refused(key, "is missing", "add it")
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.refused(key, f"is {value!r}", f"give a whole number in {low}..{high}")
        return value

    def number(self, key: str, *, low: float, high: float, default: float) -> float:
        value = self.values.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise self.refused(key, f"is {value!r}", f"give a number in {low}..{high}")
        return float(value)

    def number_or_none(self, key: str, *, low: float, high: float) -> float | None:
        return self.number(key, low=low, high=high, default=low) if self.has(key) else None

    def duration(self, key: str, default: timedelta) -> timedelta:
        if not self.has(key):
            return default
        value = self.values[key]
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.refused(
                key, f"is {value!r}", 'give a length such as "30s", "15m", "1h", "7d"'
            )
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])

    def durations(self, key: str) -> dict[str, timedelta]:
        table = self.table_or_empty(key)
        return {group: table.duration(group, timedelta()) for group in table.values}

    def path_or(self, key: str, default: Path) -> Path:
        text = self.text_or_none(key)
        return default if text is None else self.folder / text

    def folder_or_none(self, key: str) -> Path | None:
        text = self.text_or_none(key)
        if text is not None and not (self.folder / text).is_dir():
            raise self.refused(key, f"{str(self.folder / text)!r} is not a folder", "correct it")
        return None if text is None else self.folder / text

    def file_or_none(self, key: str) -> Path | None:
        text = self.text_or_none(key)
        if text is None:
            return None
        file = self.folder / text
        if not file.is_file():
            raise self.refused(key, f"{str(file)!r} is not a file", "correct the path")
        return file
