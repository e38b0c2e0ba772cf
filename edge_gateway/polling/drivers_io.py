"""Makes the driver of a line: one table from the kind of URL to the maker of its driver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.cjt188_driver import Cjt188Driver
from edge_gateway.links.cjt188_io import open_cjt188
from edge_gateway.links.driver import Driver, DriverMeter, Notice
from edge_gateway.links.heard import Hear, hear_by
from edge_gateway.links.learnt import NOTHING_LEARNT, Learnt
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.link_url import (
    Cjt188Url,
    LinkUrl,
    ListenUrl,
    MbusUrl,
    RtuOverTcpUrl,
    SerialUrl,
    TcpUrl,
)
from edge_gateway.links.mbus_driver import MbusDriver
from edge_gateway.links.mbus_io import open_mbus
from edge_gateway.links.modbus_driver import ModbusDriver, ModbusSite
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_links_io import LinkQuirks, open_session
from edge_gateway.links.modbus_objects_io import read_objects_of
from edge_gateway.links.modbus_unit import ModbusMeter
from edge_gateway.links.modbus_write_io import ModbusWriter, WritableMeter
from firmware_profiles.profile import Profile
from wire_contracts.clock import Clock


def _nobody(_unit: int) -> Sequence[Profile]:
    return ()


def _unnamed(_unit: int) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOrder:
    """What a driver is made from.

    Attributes:
        url: The line.
        timeout_s: Longest wall seconds to wait for an answer.
        clock: The gateway's clock.
        modbus: The meters with register maps, for Modbus.
        others: The meters by their settings alone, for every other protocol.
        candidates: Returns the profiles that the meter at a Modbus unit may be.
        serial_of: Returns the serial number that the settings have for a Modbus unit.
        writable: The meters of which something may be written; none on a read-only link.
        learnt: What another driver has learnt of the meters, by serial.
    """

    url: LinkUrl
    timeout_s: float
    clock: Clock
    modbus: Sequence[ModbusMeter] = ()
    others: Sequence[DriverMeter] = ()
    candidates: Callable[[int], Sequence[Profile]] = _nobody
    serial_of: Callable[[int], str | None] = _unnamed
    writable: Sequence[WritableMeter] = ()
    learnt: Mapping[str, Learnt] = field(default_factory=lambda: NOTHING_LEARNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A driver with the account of its line.

    Attributes:
        driver: What reads.
        hear: What polls with it: a job's words are worked out while the next is asked for.
        counts: Returns what the line has done since it was made.
        take: Has a meter read that has been identified; None where nobody needs to be.
        writer: What writes; None on a read-only link, which has no other way to.
        take_notices: Returns, once, what people should be told of the line itself.
    """

    driver: Driver
    hear: Hear
    counts: Callable[[], LinkCounts]
    take: Callable[[ModbusMeter], None] | None = None
    writer: ModbusWriter | None = None
    take_notices: Callable[[], Sequence[Notice]] = tuple


Maker = Callable[[LineOrder], Line]


def make_line(order: LineOrder) -> Line:
    """Return the line of an order; nothing is opened yet.

    Raises:
        KeyError: No driver speaks this kind of URL.
    """
    return MAKERS[type(order.url)](order)


def _modbus(order: LineOrder) -> Line:
    session = open_session(order.url, timeout_s=order.timeout_s, quirks=_quirks(order))
    link = ModbusLink(session)
    writer = ModbusWriter(session, link, order.writable) if order.writable else None
    site = ModbusSite(
        time_of=bus_time(order.url),
        clock=order.clock,
        timeout_s=order.timeout_s,
        candidates=order.candidates,
        serial_of=order.serial_of,
        objects=lambda unit: read_objects_of(order.url, unit, wait_s=order.timeout_s),
    )
    driver = ModbusDriver(link, order.modbus, site, order.learnt)
    return Line(
        driver=driver,
        hear=driver.hear,
        counts=link.counts.copied,
        take=driver.take,
        writer=writer,
        take_notices=session.line.take_notices,
    )


def _quirks(order: LineOrder) -> LinkQuirks:
    """Return what the line's meters want of it: the longest pause, an echo if one has it."""
    wants = [meter.profile.link for meter in order.modbus]
    pauses = [each.after_connect.total_seconds() for each in wants if each.after_connect]
    return LinkQuirks(
        after_connect_s=max(pauses, default=0.0), echo=any(each.has_echo for each in wants)
    )


def _cjt188(order: LineOrder) -> Line:
    assert isinstance(order.url, Cjt188Url)  # noqa: S101  # the table says so
    link = open_cjt188(order.url, order.timeout_s)
    driver = Cjt188Driver(link, order.others, order.learnt, order.clock)
    return Line(driver=driver, hear=hear_by(driver), counts=link.counts.copied)


def _mbus(order: LineOrder) -> Line:
    assert isinstance(order.url, MbusUrl)  # noqa: S101  # the table says so
    link = open_mbus(order.url, order.timeout_s)
    driver = MbusDriver(link, order.others, order.learnt, clock=order.clock)
    return Line(driver=driver, hear=hear_by(driver), counts=link.counts.copied)


MAKERS: Mapping[type[LinkUrl], Maker] = {
    Cjt188Url: _cjt188,
    ListenUrl: _modbus,
    MbusUrl: _mbus,
    RtuOverTcpUrl: _modbus,
    SerialUrl: _modbus,
    TcpUrl: _modbus,
}
"""Kind of URL to the maker of its driver; a new protocol is one line here."""
