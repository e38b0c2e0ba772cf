"""Asks a plain HTTP JSON source for the outdoor temperature; bounded in size and time."""

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPException
from typing import TypeGuard
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from typing_extensions import override

from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc

MOST_BYTES = 1024 * 1024
"""A year of hours is a third of it."""

TIMEOUT_S = 10.0
_COLDEST_DEGC, _HOTTEST_DEGC = -90.0, 60.0
"""Beyond the records of the earth (WMO: -89.2 and 56.7 degC)."""

_HOUR_MS = 3_600_000


class WeatherError(RuntimeError):
    """The source gave nothing that can be used; detection goes on without."""


class _NoRedirect(HTTPRedirectHandler):
    @override
    def redirect_request(self, *_arguments: object, **_more: object) -> None:
        """Follow nothing: what is configured is what is asked."""


def fetch_weather(url: str, timeout_s: float = TIMEOUT_S) -> Sequence[tuple[int, float]]:
    """Return (start of the hour in ms, degC) as the source tells them.

    The answer is `{"hours": [{"ts": "2026-11-01T00:00:00Z", "t_out": 3.4}, ...]}`, or the columns
    `{"hourly": {"time": [...], "temperature_2m": [...]}}` of public weather services, in UTC.

    Raises:
        WeatherError: No answer in time, an answer that is too long, or none of these shapes.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise WeatherError(f"weather: url: {url!r} is not http or https; correct it")
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  # checked above
    try:
        with build_opener(_NoRedirect).open(request, timeout=timeout_s) as answer:
            body = answer.read(MOST_BYTES + 1)
    except (URLError, HTTPException, OSError) as error:
        raise WeatherError(f"weather: {url}: no answer ({error}); is it reachable?") from error
    if len(body) > MOST_BYTES:
        raise WeatherError(f"weather: {url}: more than {MOST_BYTES} bytes; ask for fewer hours")
    return parse_weather(url, body)


def parse_weather(place: str, body: bytes) -> Sequence[tuple[int, float]]:
    """Return the hours of an answer; values that no weather has are left out."""
    try:
        found = json.loads(body)
        pairs = _pairs(found)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeatherError(
            f"weather: {place}: is not hours of temperatures ({error!r}); see docs/server.md"
        ) from error
    hours: dict[int, float] = {}
    for text, value in pairs:
        at_ms = _moment(place, text)
        if _is_weather(value) and EARLIEST_MS <= at_ms <= LATEST_MS:
            hours[at_ms - at_ms % _HOUR_MS] = float(value)
    return sorted(hours.items())


def _is_weather(value: object) -> TypeGuard[int | float]:
    return (
        isinstance(value, int | float)
        and math.isfinite(value)
        and _COLDEST_DEGC <= value <= _HOTTEST_DEGC
    )


def _pairs(found: dict[str, object]) -> list[tuple[object, object]]:
    if "hours" in found:
        hours = found["hours"]
        if not isinstance(hours, list):
            raise TypeError("hours")
        return [(each["ts"], each["t_out"]) for each in hours]
    hourly = found["hourly"]
    if not isinstance(hourly, dict):
        raise TypeError("hourly")
    return list(zip(hourly["time"], hourly["temperature_2m"], strict=True))


def _moment(place: str, text: object) -> int:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise WeatherError(f"weather: {place}: {text!r} is no time; send UTC") from error
    return ms_from_utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
