"""`edge-gateway bus-report`: measured on real sockets, or asked of the running gateway."""

import contextlib
import http.server
import json
import math
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.__main__ import main
from edge_gateway.clock_io import SystemClock
from edge_gateway.commands.bus_figures import (
    BusFigures,
    BusReport,
    MeterFigures,
    report_json,
    report_text,
)
from edge_gateway.commands.metric_samples import Sample, parse_samples, value_of
from edge_gateway.config import MetricsConfig
from edge_gateway.queue.data_lock_io import held_folder
from edge_gateway.remote.metrics_io import serve_metrics
from tests.edge_gateway.rig import LOOPBACK, MeterServer, from_image, is_listening, running, until
from tests.free_ports import free_port
from wire_contracts.gateway_health import (
    GatewayHealth,
    LinkHealth,
    MeterHealth,
    QueueHealth,
    UplinkHealth,
)

SETTINGS = """
[gateway]
id = "gw-01"
data = "state"
[mqtt]
host = "127.0.0.1"
[metrics]
listen = "127.0.0.1:{metrics}"
[[link]]
name = "plant"
host = "127.0.0.1"
port = {meters}
timeout_s = 1.0
[[link.meter]]
serial = "HM-7"
device_address = 7
profile = "tuf_2000m@1"
[[link.meter]]
serial = "HM-8"
device_address = 8
profile = "tuf_2000m@1"
"""
METER = from_image({(3, 1441): 7})


def settings_file(folder: Path, *, meters: int, metrics: int) -> Path:
    file = folder / "gateway.toml"
    file.write_text(SETTINGS.format(meters=meters, metrics=metrics))
    return file


def reported(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["bus-report", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def health(now: datetime) -> GatewayHealth:
    return GatewayHealth(
        gateway_id="gw-01",
        at_utc=now,
        queue=QueueHealth(
            epoch=1, last_seq=0, open_count=0, open_bytes=0, kept_count=0, kept_bytes=0
        ),
        uplink=UplinkHealth(published=0, republished=0, acknowledged=0, refused=0),
        links=[
            LinkHealth(
                name="plant",
                is_open=True,
                requests=200,
                timeouts=3,
                exceptions=2,
                mismatches=1,
                reopens=1,
                frames=50,
                skipped=0,
                crc_errors=4,
                late_answers=5,
                probes=12,
                suspects=["HM-8"],
                load=0.913,
                p50_ms=21.5,
                p99_ms=80.0,
                meters=[
                    MeterHealth(serial="HM-7", good_at_utc=now - timedelta(seconds=30)),
                    MeterHealth(serial="HM-8"),
                ],
            )
        ],
    )


@contextlib.contextmanager
def metrics_served(now: datetime) -> Iterator[int]:
    """Serve what the running gateway serves."""
    port = free_port()
    config = MetricsConfig(host=LOOPBACK, port=port)
    with running(lambda stop: serve_metrics(config, lambda: health(now), stop)):
        until(lambda: is_listening(port))
        yield port


@contextlib.contextmanager
def stranger(body: bytes) -> Iterator[int]:
    """A server that says the same to everybody."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_request(  # type: ignore[explicit-override]  # needs Python 3.12
            self, code: int | str = "-", size: int | str = "-"
        ) -> None:
            """Say nothing."""

    server = http.server.HTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_measured_report_counts_every_meter_of_every_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with MeterServer(units={7: METER}) as plant:
        file = settings_file(tmp_path, meters=plant.port, metrics=free_port())
        status, out, _ = reported(capsys, "--config", str(file), "--seconds", "2", "--json")
    body = json.loads(out)
    (link,) = body["links"]
    good, silent = link["meters"]

    assert status == 0
    assert body["source"] == "measured for 2 s, reading without a pause"
    assert (link["name"], link["open"]) == ("plant", True)
    assert link["requests"] > 2
    assert link["timeouts"] >= 1
    assert 0 < link["load"] < 0.1  # of intervals of minutes, though it read without a pause
    assert good["serial"] == "HM-7"
    assert good["good"] == good["reads"] >= 1
    assert good["p50_ms"] <= good["p99_ms"]
    assert (silent["serial"], silent["good"]) == ("HM-8", 0)
    assert silent["note"].startswith("bad_timeout: ")


def test_a_running_gateway_is_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings_file(tmp_path, meters=free_port(), metrics=free_port())
    with held_folder(tmp_path / "state"):
        status, out, err = reported(capsys, "--config", str(file), "--seconds", "1")

    assert (status, out) == (2, "")
    assert err.startswith("bus-report: seconds: ")
    assert err.endswith("leave --seconds out to ask the running gateway\n")


def test_the_running_gateway_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with metrics_served(SystemClock().now_utc()) as port:
        file = settings_file(tmp_path, meters=free_port(), metrics=port)
        status, out, err = reported(capsys, "--config", str(file))
    lines = out[out.index("gateway gw-01") :].splitlines()  # behind the served metrics' log

    assert (status, err) == (0, "")
    assert lines[0] == f"gateway gw-01 at http://{LOOPBACK}:{port}/metrics, since its links started"
    assert lines[1] == (
        "link plant: open, load 91.3 %, 200 requests, turnaround p50 21.5 ms, p99 80.0 ms"
    )
    assert lines[2] == (
        "  3 time-outs, 2 exceptions, 1 mismatches, 4 wrong checksums (2.00 %), reopened 1 times"
    )
    assert lines[3] == "  5 late answers recognised, 12 probes for them"
    assert lines[4:6] == [
        "  ! 1 of 2 meters do not answer",
        "  ! the bus is full: longer intervals, fewer meters, or a faster line",
    ]
    assert lines[6].startswith("  ! many wrong checksums: ")
    assert lines[7].startswith("  HM-7  last good 3")
    assert lines[8] == "  HM-8  no good frame yet"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>", "'<html>' is no sample; is that the gateway?"),
        (b"up 1\n", "nothing of a gateway; is that the gateway?"),
    ],
)
def test_somebody_else_at_that_address_is_refused(
    tmp_path: Path, body: bytes, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with stranger(body) as port:
        file = settings_file(tmp_path, meters=free_port(), metrics=port)
        status, out, err = reported(capsys, "--config", str(file))

    assert (status, out) == (2, "")
    assert err == f"bus-report: metrics: http://{LOOPBACK}:{port}/metrics: {text}\n"


def test_a_port_that_speaks_no_http_is_one_line_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def greet(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    with socket.create_server((LOOPBACK, 0)) as server:
        thread = threading.Thread(target=greet, args=(server,))
        thread.start()
        file = settings_file(tmp_path, meters=free_port(), metrics=server.getsockname()[1])
        status, out, err = reported(capsys, "--config", str(file))
        thread.join()

    assert (status, out) == (2, "")
    assert "no web page" in err
    assert len(err.splitlines()) == 1


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{LOOPBACK}:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with metrics_served(SystemClock().now_utc()) as port:
        file = settings_file(tmp_path, meters=free_port(), metrics=port)
        status, _, _ = reported(capsys, "--config", str(file))

    assert status == 0


def test_samples_are_read_with_their_labels() -> None:
    text = '# HELP a b\na{x="1",y="q\\"\\\\z"} 2.5\nb 3e2 1700000000000\nc NaN\n'
    samples = list(parse_samples(text))

    assert samples == [
        Sample(name="a", labels={"x": "1", "y": 'q"\\z'}, value=2.5),
        Sample(name="b", labels={}, value=300.0),
    ]
    assert value_of(samples, "a", x="1") == 2.5
    assert value_of(samples, "a", x="2") is None


@given(st.text(max_size=40))
def test_any_text_is_samples_or_refused(text: str) -> None:
    problem = "no sample"
    try:
        samples = list(parse_samples(text))
    except ValueError as error:
        problem, samples = str(error), []

    assert problem
    assert all(math.isfinite(sample.value) for sample in samples)


def test_a_gateway_that_is_not_running_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings_file(tmp_path, meters=free_port(), metrics=free_port())
    status, out, err = reported(capsys, "--config", str(file))

    assert (status, out) == (2, "")
    assert err.endswith("is the gateway running?\n")


def test_without_an_address_the_report_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings_file(tmp_path, meters=free_port(), metrics=1)
    file.write_text(file.read_text().replace('[metrics]\nlisten = "127.0.0.1:1"\n', ""))
    status, _, err = reported(capsys, "--config", str(file))

    assert status == 2
    assert err == (
        "bus-report: metrics: the settings name no address to ask the gateway at;"
        " add [metrics] listen, or stop the gateway and measure with --seconds 60\n"
    )


@pytest.mark.parametrize("seconds", ["0", "-1", "long"])
def test_a_time_that_cannot_be_is_refused(
    tmp_path: Path, seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bus-report", "--config", str(tmp_path), "--seconds", seconds])

    assert caught.value.code == 2
    assert "--seconds" in capsys.readouterr().err


def test_a_link_that_nobody_measured_has_no_rate_and_no_load() -> None:
    report = BusReport(
        source="nowhere",
        links=[BusFigures(name="x", is_open=False, meters=[MeterFigures(serial="M")])],
    )

    assert list(report_text(report)) == [
        "nowhere",
        "link x: closed, load unknown, 0 requests, turnaround p50 -, p99 -",
        "  0 time-outs, 0 exceptions, 0 mismatches, 0 wrong checksums (0.00 %), reopened 0 times",
        "  M  no good frame yet",
    ]
    assert report_json(report)["links"] != []
