"""Weather from a plain HTTP source: both shapes, and everything a source may do wrong."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from sync_server.detection.watch.weather_io import (
    MOST_BYTES,
    WeatherError,
    fetch_weather,
    parse_weather,
)

HOUR_MS = 3_600_000
FIRST_MS = 1_793_491_200_000
"""2026-11-01T00:00:00Z."""


@contextmanager
def source(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        @override
        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/weather"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _wait(over: threading.Event) -> None:
    over.wait(10)


def _says(
    body: bytes, status: int = 200, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    "body",
    [
        {
            "hours": [
                {"ts": "2026-11-01T00:10:00Z", "t_out": 3.5},
                {"ts": "2026-11-01T01:00:00Z", "t_out": 4},
            ]
        },
        {"hourly": {"time": ["2026-11-01T00:00", "2026-11-01T01:00"], "temperature_2m": [3.5, 4]}},
    ],
)
def test_both_shapes_are_read_as_hours(body: dict[str, object]) -> None:
    with source(_says(json.dumps(body).encode())) as url:
        hours = fetch_weather(url)

    assert hours == [(FIRST_MS, 3.5), (FIRST_MS + HOUR_MS, 4.0)]


def test_a_value_that_no_weather_has_is_left_out() -> None:
    body = {
        "hourly": {"time": ["2026-11-01T00:00", "2026-11-01T01:00"], "temperature_2m": [999, None]}
    }

    assert parse_weather("source", json.dumps(body).encode()) == []


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (_says(b"<html>"), "is not hours of temperatures"),
        (_says(b"{}"), "is not hours of temperatures"),
        (_says(b" " * (MOST_BYTES + 1)), "more than 1048576 bytes; ask for fewer hours"),
        (_says(b"", 503), "no answer .*503"),
        (_says(b"", 302, Location="http://127.0.0.1:1/"), "no answer .*302"),
    ],
)
def test_a_source_that_gives_nothing_usable_is_named(
    answer: Callable[[BaseHTTPRequestHandler], None], text: str
) -> None:
    with source(answer) as url, pytest.raises(WeatherError, match=text):
        fetch_weather(url)


def test_a_source_that_hangs_is_left() -> None:
    over = threading.Event()
    with source(lambda _handler: _wait(over)) as url:
        try:
            with pytest.raises(WeatherError, match="no answer"):
                fetch_weather(url, timeout_s=0.2)
        finally:
            over.set()


def test_a_file_is_no_source() -> None:
    with pytest.raises(WeatherError, match="is not http or https"):
        fetch_weather("file:///etc/hostname")


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.floats() | st.text(),
        lambda one: (
            st.lists(one)
            | st.dictionaries(st.sampled_from(["hours", "hourly", "time", "ts", "t_out"]), one)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_answer_is_read_or_refused(body: bytes) -> None:
    try:
        hours = parse_weather("source", body)
    except WeatherError:
        return
    assert all(-90 <= value <= 60 for _, value in hours)
