"""One meter's words are worked out while the next is asked; nothing is lost or mixed up by it."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_gateway.config import GatewayConfig, LinkConfig, MeterConfig, MqttConfig
from edge_gateway.links.driver import JobKind
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.modbus_links_io import open_link
from edge_gateway.polling.drivers_io import Line, make_line
from edge_gateway.polling.link_io import LinkParts, LinkWorker
from edge_gateway.polling.profiles_io import LinkSetup, load_links
from firmware_profiles.words import Span
from tests.edge_gateway.rig import (
    LOOPBACK,
    FastClock,
    MeterServer,
    Request,
    good,
    running,
    silent,
    until,
)
from tests.edge_gateway.test_modbus_driver import FAST, HEAD, Meter, Told, alpha, queue
from tests.free_ports import free_port

pytestmark = pytest.mark.usefixtures("unhurried")

BLOCK = Span(function_code=3, address=20, word_count=4)


def setup_of(folder: Path, port: int, units: int) -> LinkSetup:
    profiles = folder / "profiles"
    profiles.mkdir(exist_ok=True)
    (profiles / "alpha@1.toml").write_text(HEAD.format(name="alpha", model=11), encoding="utf-8")
    meters = [
        MeterConfig(serial=f"HM-{unit}", device_address=unit, profile="alpha@1")
        for unit in range(1, units + 1)
    ]
    link = LinkConfig(
        name="plant", url=f"tcp://{LOOPBACK}:{port}", meters=meters, timeout_s=10.0, retry_count=0
    )
    (setup,) = load_links(
        GatewayConfig(
            gateway_id="gw-01",
            data=folder,
            mqtt=MqttConfig(host=LOOPBACK),
            links=[link],
            profiles=profiles,
        )
    )
    return setup


def line_of(folder: Path, port: int) -> Line:
    return make_line(setup_of(folder, port, 1).order(FastClock(1)))


def test_the_work_is_done_once_and_after_the_request_was_sent(tmp_path: Path) -> None:
    asked_before: list[int] = []
    is_worked_off = threading.Event()

    def patient(request: Request) -> bytes | None:
        is_worked_off.wait(60)
        return alpha()(request)

    with MeterServer(units={1: patient}) as plant:
        line = line_of(tmp_path, plant.port)

        def work() -> None:
            until(lambda: plant.asked)
            asked_before.append(len(plant.asked))
            is_worked_off.set()

        heard = line.hear(FAST, 0, work, datetime(2026, 3, 1, tzinfo=UTC))
        read = heard.read()
        line.driver.close()

    assert asked_before == [1]
    assert heard.has_answered
    assert read.values
    assert read.profile == "alpha@1"


def test_a_line_that_is_down_leaves_the_work_to_the_caller(tmp_path: Path) -> None:
    done: list[str] = []
    line = line_of(tmp_path, free_port())
    at_utc = datetime(2026, 3, 1, tzinfo=UTC)
    heard = line.hear(FAST, 0, lambda: done.append("too soon"), at_utc)
    line.driver.read(JobKind(serial="HM-1", group="fast"), retry_count=0)
    line.driver.close()

    assert heard.is_link_down
    assert done == []


def test_slow_work_costs_no_answer_and_no_silence_is_believed_sooner() -> None:
    """A small machine may decode for longer than a meter may take to answer."""
    with MeterServer(units={1: good, 2: silent}) as plant:
        link = open_link(parse_url(f"tcp://{LOOPBACK}:{plant.port}"), timeout_s=0.1)

        def work() -> None:
            threading.Event().wait(0.3)

        link.meanwhile(work)
        words = link.transact(1, BLOCK, deadline_s=10.0)
        began_s = time.monotonic()
        link.meanwhile(work)
        nothing = link.transact(2, BLOCK, deadline_s=0.1)
        passed_s = time.monotonic() - began_s
        link.close()

    assert words == (1020, 1021, 1022, 1023)
    assert not isinstance(nothing, tuple)
    assert passed_s >= 0.4


def frames_of(serial: str, frames: Callable[[], list[dict[str, object]]]) -> list[object]:
    return [frame["v"] for frame in frames() if frame["d"] == serial]


def test_every_frame_holds_its_own_meters_words(tmp_path: Path) -> None:
    """Also beside one that never answers, and the last one before the line rests or ends."""
    units: dict[int, Callable[[Request], bytes | None]] = {
        unit: Meter(words={100: 11, 0: unit, 4: 10 * unit}) for unit in (1, 2, 3)
    }
    units[4] = silent
    with MeterServer(units=units) as plant, queue(tmp_path) as (outbox, frames):
        parts = LinkParts(
            clock=FastClock(20), outbox=outbox, announce=Told().announce, is_raw_kept=True
        )
        setup = replace(setup_of(tmp_path, plant.port, 4), timeout_s=1.0)
        worker = LinkWorker(setup, parts)
        with running(worker.run):
            until(lambda: all(len(frames_of(f"HM-{unit}", frames)) >= 3 for unit in (1, 2, 3)))
        count = worker.figures().frames
        until(lambda: len(frames()) == count)
        found = frames()

    for frame in found:
        unit = int(str(frame["d"]).removeprefix("HM-"))
        fast = {} if unit == 4 else {"flow_m3h": float(unit), "power_kw": 10.0 * unit}
        assert frame["v"] in (fast, {"energy_kwh": 0.0}, {})
        assert bool(frame["v"]) == (unit != 4)
