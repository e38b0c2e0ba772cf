"""Makes the driver of a line: one table from the kind of URL to the maker of its driver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.cjt188_driver import Cjt188Driver
from edge_gateway.links.cjt188_io import open_cjt188
from edge_gateway.links.driver import Driver, DriverMeter
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.link_url import (
    Cjt188Url,
    LinkUrl,
    ListenUrl,
    RtuOverTcpUrl,
    SerialUrl,
    TcpUrl,
)
from edge_gateway.links.modbus_driver import ModbusDriver, ModbusMeter
from edge_gateway.links.modbus_links_io import open_link
from wire_contracts.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOrder:
    """What a driver is made from.

    Attributes:
        url: The line.
        timeout_s: Longest wall seconds to wait for an answer.
        clock: The gateway's clock.
        modbus: The meters with register maps, for Modbus.
        others: The meters by their settings alone, for every other protocol.
    """

    url: LinkUrl
    timeout_s: float
    clock: Clock
    modbus: Sequence[ModbusMeter] = ()
    others: Sequence[DriverMeter] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A driver with the account of its line.

    Attributes:
        driver: What reads.
        counts: Returns what the line has done since it was made.
    """

    driver: Driver
    counts: Callable[[], LinkCounts]


Maker = Callable[[LineOrder], Line]


def make_line(order: LineOrder) -> Line:
    """Return the line of an order; nothing is opened yet.

    Raises:
        KeyError: No driver speaks this kind of URL.
    """
    return MAKERS[type(order.url)](order)


def _modbus(order: LineOrder) -> Line:
    link = open_link(order.url, timeout_s=order.timeout_s)
    driver = ModbusDriver(link, order.modbus, bus_time(order.url), order.clock)
    return Line(driver=driver, counts=link.counts.copied)


def _cjt188(order: LineOrder) -> Line:
    assert isinstance(order.url, Cjt188Url)  # noqa: S101  # the table says so
    link = open_cjt188(order.url, order.timeout_s)
    return Line(driver=Cjt188Driver(link, order.others), counts=link.counts.copied)


MAKERS: Mapping[type[LinkUrl], Maker] = {
    Cjt188Url: _cjt188,
    ListenUrl: _modbus,
    RtuOverTcpUrl: _modbus,
    SerialUrl: _modbus,
    TcpUrl: _modbus,
}
"""Kind of URL to the maker of its driver; a new protocol is one line here."""
