"""Reads the settings file; every refusal names the place, the field and the remedy."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync_server.config import (
    BrokerConfig,
    ConfigError,
    FactorRule,
    ServerConfig,
    TlsFiles,
    WeatherConfig,
)

SETTINGS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {
            "access",
            "archive",
            "audit",
            "server",
            "database",
            "ingest",
            "messages",
            "mqtt",
            "open311",
            "paging",
            "tablets",
            "telephone",
            "traces",
            "weather",
        }
    ),
    "access": frozenset({"second_factor"}),
    "archive": frozenset({"folder"}),
    "audit": frozenset({"anchor_file"}),
    "ingest": frozenset({"replicas"}),
    "traces": frozenset({"endpoint"}),
    "weather": frozenset({"station", "url", "meter"}),
    "telephone": frozenset({"secret_file"}),
    "open311": frozenset({"key_file"}),
    "messages": frozenset({"file"}),
    "paging": frozenset({"file"}),
    "tablets": frozenset({"lease_hours", "token_days"}),
    "server": frozenset(
        {
            "data",
            "listen_host",
            "listen_port",
            "public_url",
            "site_name",
            "language",
            "timezone",
            "detection_interval_s",
            "cert_file",
            "key_file",
        }
    ),
    "database": frozenset({"url"}),
    "mqtt": frozenset(
        {
            "host",
            "port",
            "client_id",
            "username",
            "password_file",
            "tls",
            "ca_file",
            "cert_file",
            "key_file",
        }
    ),
}
"""Every key of the settings file, by table; docs/server.md explains each."""

_HIGHEST_PORT = 65535
_DATABASES = ("sqlite:///", "postgresql+psycopg://", "postgresql://")


def load_config(path: Path) -> ServerConfig:
    """Return the settings in a TOML file; relative paths count from the file's folder.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or holds a setting that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: file: cannot be read ({error}); give a readable TOML file"
        ) from error
    return parse_config(text, place=str(path), folder=path.parent)


def parse_config(text: str, *, place: str, folder: Path) -> ServerConfig:
    """Return the settings in a TOML text; raise ConfigError that names the field."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{place}: file: is not TOML ({error}); correct that line") from error
    root = _Table(place=place, path="", values=values, folder=folder)
    root.refuse_unknown()
    server = root.table("server")
    data = server.path_or_none("data") or folder / "var"
    host, port = server.text("listen_host", "127.0.0.1"), server.port("listen_port", 8000)
    database, tablets = root.table("database"), root.table("tablets")
    pages_tls = _pages_tls(server)
    scheme = "http" if pages_tls is None else "https"
    public_url = server.text("public_url", f"{scheme}://{host}:{port}").rstrip("/")
    return ServerConfig(
        data=data,
        database_url=_database_url(database, data),
        broker=_broker(root.table("mqtt")),
        listen_host=host,
        listen_port=port,
        public_url=public_url,
        pages_tls=pages_tls,
        site_name=server.text("site_name", "Lamplighter"),
        language=_language(server),
        timezone=_zone(server),
        detection_interval=timedelta(
            seconds=server.integer("detection_interval_s", 900, low=1, high=86_400)
        ),
        weather=_weather(root.table("weather")),
        telephone_secret=_secret(root.table("telephone")),
        open311_keys=_open311_keys(root.table("open311")),
        paging_file=root.table("paging").path_or_none("file"),
        messages_file=root.table("messages").path_or_none("file"),
        second_factor=_second_factor(root.table("access"), public_url),
        is_ingest_shared=_is_ingest_shared(root.table("ingest"), database),
        traces_endpoint=_traces_endpoint(root.table("traces")),
        anchor_file=root.table("audit").path_or_none("anchor_file"),
        archive_folder=root.table("archive").path_or_none("folder"),
        lease=timedelta(hours=tablets.integer("lease_hours", 168, low=1, high=2160)),
        tablet_token_life=timedelta(days=tablets.integer("token_days", 180, low=1, high=400)),
    )


def _second_factor(table: "_Table", public_url: str) -> FactorRule:
    """Return the rule; unless said otherwise it is strict wherever TLS is in front."""
    usual = FactorRule.EXPORTS if public_url.startswith("https:") else FactorRule.NOBODY
    text = table.text("second_factor", str(usual))
    if text not in set(FactorRule):
        raise table.refused(
            "second_factor", f"{text!r} is not known", f"use one of: {', '.join(FactorRule)}"
        )
    return FactorRule(text)


def _traces_endpoint(table: "_Table") -> str | None:
    endpoint = table.text_or_none("endpoint")
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise table.refused("endpoint", f"is {endpoint!r}", "write http://HOST:4318/v1/traces")
    return endpoint


def _is_ingest_shared(table: "_Table", database: "_Table") -> bool:
    is_shared = table.boolean("replicas")
    if is_shared and not database.text("url", "").startswith("postgresql"):
        raise table.refused(
            "replicas", "needs PostgreSQL: SQLite is for one machine", "set url in [database]"
        )
    return is_shared


def _database_url(database: "_Table", data: Path) -> str:
    url = database.text("url", f"sqlite:///{data / 'server.sqlite3'}")
    if not url.startswith(_DATABASES):
        scheme = url.split("://", 1)[0]
        raise database.refused(
            "url",
            f"{scheme!r} is not a database that is supported",
            "use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
        )
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    place: str
    path: str
    values: Mapping[str, object]
    folder: Path

    def refused(self, key: str, problem: str, remedy: str) -> ConfigError:
        name = f"{self.path}.{key}" if self.path else key
        return ConfigError(f"{self.place}: {name}: {problem}; {remedy}")

    def refuse_unknown(self) -> None:
        known = SETTINGS[self.path]
        for key in self.values:
            if key not in known:
                raise self.refused(
                    key, "is not a known setting", f"use one of: {', '.join(sorted(known))}"
                )

    def table(self, key: str) -> "_Table":
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.refused(key, f"is {value!r}, not a table", f"write [{key}] above its keys")
        table = _Table(place=self.place, path=key, values=value, folder=self.folder)
        table.refuse_unknown()
        return table

    def text(self, key: str, otherwise: str) -> str:
        return self.text_or_none(key) or otherwise

    def text_or_none(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self.refused(key, f"is {value!r}, not a text", 'write it in quotes: "..."')
        return value

    def integer(self, key: str, otherwise: int, *, low: int, high: int) -> int:
        value = self.values.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refused(key, f"is {value!r}, not a whole number", "write a whole number")
        if not low <= value <= high:
            raise self.refused(key, f"{value} is outside {low}..{high}", "choose one inside")
        return value

    def port(self, key: str, otherwise: int) -> int:
        return self.integer(key, otherwise, low=1, high=_HIGHEST_PORT)

    def boolean(self, key: str) -> bool:
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.refused(key, f"is {value!r}, not true or false", "write true or false")
        return value

    def path_or_none(self, key: str) -> Path | None:
        value = self.text_or_none(key)
        return None if value is None else self.folder / value

    def file_or_none(self, key: str) -> Path | None:
        value = self.text_or_none(key)
        if value is None:
            return None
        path = self.folder / value
        if not path.is_file():
            raise self.refused(key, f"{str(path)!r} is not a file", "give an existing file")
        return path


def _broker(table: _Table) -> BrokerConfig:
    has_tls = table.boolean("tls")
    password_file = table.file_or_none("password_file")
    password = None if password_file is None else password_file.read_text(encoding="utf-8").strip()
    if password == "":
        raise table.refused("password_file", "is empty", "put the password in it")
    return BrokerConfig(
        host=table.text("host", "127.0.0.1"),
        port=table.port("port", 8883 if has_tls else 1883),
        client_id=table.text("client_id", "lamplighter-ingest"),
        username=table.text_or_none("username"),
        password=password,
        tls=_tls(table) if has_tls else None,
    )


def _pages_tls(table: _Table) -> TlsFiles | None:
    files = _pair(table)
    return None if files.cert_file is None else files


def _tls(table: _Table) -> TlsFiles:
    return replace(_pair(table), ca_file=table.file_or_none("ca_file"))


def _pair(table: _Table) -> TlsFiles:
    files = TlsFiles(
        cert_file=table.file_or_none("cert_file"),
        key_file=table.file_or_none("key_file"),
    )
    if (files.cert_file is None) != (files.key_file is None):
        raise table.refused("cert_file", "stands without its partner", "give both or none")
    return files


def _weather(table: _Table) -> WeatherConfig:
    url = table.text_or_none("url")
    if url is not None and not url.startswith(("http://", "https://")):
        raise table.refused("url", f"{url!r} is not http or https", "give a plain HTTP source")
    return WeatherConfig(
        station=table.text("station", "site"), url=url, meter_id=table.text_or_none("meter")
    )


_LONGEST_KEY_NAME = 40
_SHORTEST_SECRET = 32
"""Characters: 128 bits in hexadecimal; OWASP asks for no less of a shared secret."""


def _secret(table: _Table) -> bytes | None:
    path = table.file_or_none("secret_file")
    if path is None:
        return None
    secret = path.read_text(encoding="utf-8").strip()
    if len(secret) < _SHORTEST_SECRET:
        raise table.refused(
            "secret_file",
            f"holds {len(secret)} characters",
            f"put at least {_SHORTEST_SECRET} random ones in it",
        )
    return secret.encode()


def _open311_keys(table: _Table) -> Mapping[str, str]:
    """Return name -> key: one of each a line, a space between; empty where nothing is set."""
    path = table.file_or_none("key_file")
    if path is None:
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        name, _, key = line.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        if len(key.strip()) < _SHORTEST_SECRET or len(name) > _LONGEST_KEY_NAME or name in found:
            raise table.refused(
                "key_file",
                f"line {number} is no name with its own key",
                f"write a name, a space and at least {_SHORTEST_SECRET} random characters",
            )
        found[name] = key.strip()
    return found


def _language(table: _Table) -> str:
    language = table.text("language", "zh")
    if language not in {"zh", "en"}:
        raise table.refused("language", f"{language!r} is not known", "use zh or en")
    return language


def _zone(table: _Table) -> ZoneInfo:
    name = table.text("timezone", "Asia/Shanghai")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise table.refused(
            "timezone", f"{name!r} is not a zone", "use an IANA name such as Asia/Shanghai"
        ) from error
