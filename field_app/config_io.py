"""Reads the tablet's TOML file; an unknown key is an error that names place and remedy."""

import tomllib
import zoneinfo
from dataclasses import fields
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from field_app.config import TabletConfig

SECTION: Final = "tablet"


class ConfigError(ValueError):
    """A setting that cannot be used; the text names place, field, problem and remedy."""

    def __init__(self, place: str, field: str, problem: str, remedy: str) -> None:
        """Build the text."""
        super().__init__(f"{place}: {field}: {problem}; {remedy}")


def load_config(path: Path) -> TabletConfig:
    """Return the settings of a file; absent keys have their defaults.

    Raises:
        ConfigError: The file is missing, is no TOML, or holds a key or value that is not known.
    """
    place = str(path)
    try:
        root = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(place, "file", "does not exist", "give the right path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(place, "file", f"is not TOML ({error})", "correct that line") from error
    for section in root:
        if section != SECTION:
            raise ConfigError(place, section, "is not a known section", f"use [{SECTION}]")
    table = root.get(SECTION, {})
    if not isinstance(table, dict):
        raise ConfigError(place, SECTION, "is not a table", f"write [{SECTION}] above its keys")
    values = {key: _text(place, key, value) for key, value in table.items()}
    return check_config(place, _build(values, path.parent))


def _text(place: str, key: str, value: object) -> str:
    known = [each.name for each in fields(TabletConfig)]
    if key not in known:
        remedy = f"use one of: {', '.join(known)}"
        raise ConfigError(place, f"{SECTION}.{key}", "is not a known key", remedy)
    if not isinstance(value, str):
        raise ConfigError(
            place, f"{SECTION}.{key}", f"is {value!r}, not a text", "put it in quotes"
        )
    return value


def _build(values: dict[str, str], folder: Path) -> TabletConfig:
    default = TabletConfig()
    data = values.get("data")
    return TabletConfig(
        data=default.data if data is None else folder / data,
        server_url=values.get("server_url", default.server_url),
        device_name=values.get("device_name", default.device_name),
        language=values.get("language", default.language),
        timezone=values.get("timezone", default.timezone),
    )


def check_config(place: str, config: TabletConfig) -> TabletConfig:
    """Return the settings when every value can be used; raise ConfigError otherwise."""
    if config.server_url:
        check_server_url(place, config.server_url)
    if config.language not in {"", "en", "zh_CN"}:
        problem = f"{config.language!r} is not spoken"
        raise ConfigError(place, f"{SECTION}.language", problem, "use 'zh_CN' or 'en'")
    if not config.device_name.strip():
        raise ConfigError(place, f"{SECTION}.device_name", "is empty", "name the tablet")
    load_zone(place, config.timezone)
    return config


def check_server_url(place: str, url: str) -> str:
    """Return the address when it is one; raise ConfigError otherwise."""
    if not _is_address(url.strip()):
        remedy = "use an address such as 'https://lamp.example.com'"
        raise ConfigError(place, "server_url", f"{url!r} is not an address", remedy)
    return url.strip().rstrip("/")


def _is_address(url: str) -> bool:
    """Return whether a text names a server: half a code and a slip of the finger do not."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
        is_name = bool(host) and ":" not in host
        is_host = bool(host.encode("idna")) if is_name else bool(host)
    except ValueError:  # also a name with a part of more than 63 letters
        return False
    return is_host and parts.scheme in {"http", "https"}


def load_zone(place: str, name: str) -> tzinfo:
    """Return the site's zone, the machine's own for an empty name."""
    if not name:
        return datetime.now(tz=UTC).astimezone().tzinfo or UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        remedy = "use an IANA name such as 'Asia/Shanghai'"
        raise ConfigError(place, f"{SECTION}.timezone", f"{name!r} is not known", remedy) from error
