"""What was learnt of M-Bus and CJ/T 188 meters outlasts a swap of the settings, and a restart."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_gateway.clock_io import SystemClock
from edge_gateway.links.cjt188_driver import Cjt188Driver
from edge_gateway.links.driver import DriverMeter
from edge_gateway.links.learnt import NOTHING_LEARNT, Learnt
from edge_gateway.links.mbus_driver import MbusDriver
from edge_gateway.links.mbus_standing import BELIEVED_AFTER
from edge_gateway.polling.learnt_store import LEARNT_FILE
from edge_gateway.run import run_gateway
from tests.edge_gateway.cjt188_meters import Cjt188Line
from tests.edge_gateway.cjt188_meters import SimulatedMeter as Cjt188Meter
from tests.edge_gateway.learnt_over_restarts import restarted
from tests.edge_gateway.mbus_meters import Fault, MbusLine, SimulatedMeter
from tests.edge_gateway.order_rig import OrderDesk, Signer
from tests.edge_gateway.order_rig import settings as settings_of
from tests.edge_gateway.rig import LOOPBACK, LedgerServer, Mosquitto, running, until
from tests.edge_gateway.test_cjt188_line import JOB as W_1
from tests.edge_gateway.test_cjt188_line import link_to as cjt188_link
from tests.edge_gateway.test_cjt188_line import settings as cjt188_settings
from tests.edge_gateway.test_mbus_line import JOB, link_to, now, water
from wire_contracts.gateway_commands import ApplyConfig, CommandOutcome
from wire_contracts.quality import SUSPECT_STATUS
from wire_contracts.quantities import Quantity


def unselectable() -> SimulatedMeter:
    meter = water()
    meter.knows_selection = False
    return meter


@contextmanager
def mbus(line: MbusLine, learnt: Mapping[str, Learnt] = NOTHING_LEARNT) -> Iterator[MbusDriver]:
    meters = [DriverMeter(serial="M-1", device_address="5")]
    driver = MbusDriver(link_to(line.port), meters, learnt)
    yield driver
    driver.close()


def believed(line: MbusLine) -> Mapping[str, Learnt]:
    """Read a meter until it is believed without a selection."""
    with mbus(line) as driver:
        reads = [driver.read(JOB, retry_count=1) for _ in range(BELIEVED_AFTER + 1)]
        learnt = driver.learnt()

    assert reads[0].quality == {Quantity.VOLUME_M3: SUSPECT_STATUS}
    assert reads[-1].quality == {}
    return learnt


@pytest.mark.parametrize("is_restart", [False, True])
def test_a_meter_without_selection_stays_believed(tmp_path: Path, *, is_restart: bool) -> None:
    meter = unselectable()
    with MbusLine([meter]) as line:
        learnt = believed(line)
        known = restarted(learnt, tmp_path) if is_restart else learnt
        with mbus(line, known) as driver:
            read = driver.read(JOB, retry_count=1)

    assert read.quality == {}
    assert read.values == now(meter)


def test_another_meter_than_the_believed_one_is_refused(tmp_path: Path) -> None:
    with MbusLine([unselectable()]) as line:
        known = restarted(believed(line), tmp_path)
        other = water(777)
        other.knows_selection = False
        line.meters = [other]
        with mbus(line, known) as driver:
            reads = [driver.read(JOB, retry_count=1) for _ in range(BELIEVED_AFTER)]

    assert [read.values for read in reads] == [{}] * BELIEVED_AFTER


def test_an_answer_that_is_refused_ends_what_was_kept(tmp_path: Path) -> None:
    with MbusLine([unselectable()]) as line:
        known = restarted(believed(line), tmp_path)
        with mbus(line, known) as driver:
            line.fault = lambda: Fault.CHECKSUM
            driver.read(JOB, retry_count=0)
            line.fault = lambda: Fault.NONE
            read = driver.read(JOB, retry_count=0)
            forgotten = restarted(driver.learnt(), tmp_path)

    assert read.quality == {Quantity.VOLUME_M3: SUSPECT_STATUS}
    assert forgotten == {}


@pytest.mark.parametrize("is_restart", [False, True])
def test_a_swapped_meter_is_asked_its_way_at_once(tmp_path: Path, *, is_restart: bool) -> None:
    meter = Cjt188Meter(meter_type=0x10, address=f"{1:014d}", orders=frozenset({b"\x1f\x90"}))
    with Cjt188Line([meter]) as line:
        before = Cjt188Driver(cjt188_link(line.port), [cjt188_settings(meter)])
        for _ in range(2):
            before.read(W_1, retry_count=0)
        before.close()
        known = restarted(before.learnt(), tmp_path) if is_restart else before.learnt()
        driver = Cjt188Driver(cjt188_link(line.port), [cjt188_settings(meter)], known)
        read = driver.read(W_1, retry_count=0)
        driver.close()

    assert read.values == {Quantity.VOLUME_M3: 100.02}


def mbus_link(port: int, timeout_s: float) -> str:
    return f"""
[[link]]
name = "plant"
url = "mbus://{LOOPBACK}:{port}"
timeout_s = {timeout_s}
intervals = {{ telegram = "1s" }}
[[link.meter]]
serial = "M-1"
device_address = "5"
profile = "mbus@1"
"""


def test_a_revision_that_leaves_a_meter_without_selection_alone_is_confirmed(
    tmp_path: Path,
) -> None:
    """Its first values after the swap are as good as those before it."""
    signer = Signer()
    with (
        MbusLine([unselectable()]) as line,
        Mosquitto(folder=tmp_path, lines="allow_anonymous true\n") as broker,
        LedgerServer(broker.port) as server,
    ):
        desk = OrderDesk(server=server, signer=signer)
        config = settings_of(tmp_path, broker.port, signer, mbus_link(line.port, 0.3))
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: any(f.values and not f.quality for f in server.frames()))
            answer = desk.ask(ApplyConfig(number=1, settings=mbus_link(line.port, 0.4)))

    assert (answer.outcome, answer.text) == (CommandOutcome.DONE, answer.text)
    assert (tmp_path / "gateway" / LEARNT_FILE).exists()
