"""Decides whether two links would be masters of one line, or two meters one address."""

from collections.abc import Hashable, Mapping, Sequence

from edge_gateway.config import ConfigError, MeterConfig
from edge_gateway.links import cjt188_driver, mbus_meter
from edge_gateway.links.link_url import (
    Cjt188Url,
    Framing,
    LinkUrl,
    ListenUrl,
    MbusUrl,
    RtuOverTcpUrl,
    SerialUrl,
    TcpLine,
    TcpUrl,
)

BROADCAST = 0
"""Unit to which no meter on a serial line answers; Modbus over serial line 1.02, section 2.2."""


def refuse_shared_lines(urls: Mapping[str, LinkUrl]) -> None:
    """Raise ConfigError where two links have one serial port, serial server or listening port.

    A Modbus TCP server takes several connections; behind the others is one line for one master.

    Args:
        urls: Place of the link, for the refusal, to its URL.
    """
    taken: dict[Hashable, str] = {}
    for place, url in urls.items():
        line = _line_of(url)
        if line is None:
            continue
        if line in taken:
            remedy = "put the meters of both under one [[link]]"
            raise ConfigError(f"{place}: url: is the line of {taken[line]}; {remedy}")
        taken[line] = place


def refuse_shared_units(place: str, url: LinkUrl, meters: Sequence[MeterConfig]) -> None:
    """Raise ConfigError where two Modbus meters are one, or one has the broadcast's unit.

    A device may be in the settings once for each of its register maps.
    """
    taken: dict[Hashable, str] = {}
    for meter in meters:
        where = f"{place} meter {meter.serial!r}: device_address"
        if meter.device_address == BROADCAST and not _has_unit_zero(url):
            remedy = "give the unit that the meter shows, 1..247"
            raise ConfigError(f"{where}: 0 is for everybody on a serial line; {remedy}")
        known = (meter.device_address, meter.profile, tuple(meter.candidates))
        if known in taken:
            other = f"is the one of {taken[known]!r}, with the same profile"
            raise ConfigError(f"{where}: {meter.device_address} {other}; correct one of the two")
        taken[known] = meter.serial


def refuse_shared_names(
    place: str, url: MbusUrl | Cjt188Url, meters: Sequence[MeterConfig]
) -> None:
    """Raise ConfigError where two M-Bus or CJ/T 188 meters are one, or one is any meter at all.

    The addresses are ones that the protocol can have.
    """
    is_mbus = isinstance(url, MbusUrl)
    is_one = mbus_meter.may_be_same if is_mbus else cjt188_driver.is_same
    for number, meter in enumerate(meters):
        address = str(meter.device_address)
        where = f"{place} meter {meter.serial!r}: device_address: {address!r}"
        if is_mbus and mbus_meter.is_for_all(address):
            remedy = "write the identification on its name plate, or let scan find it"
            raise ConfigError(f"{where} fits every meter; {remedy}")
        for other in meters[:number]:
            if is_one(address, str(other.device_address)):
                named = f"{str(other.device_address)!r} of {other.serial!r}"
                remedy = "correct one of the two"
                if is_mbus:
                    remedy += "; two that share a primary address are 5/24083344 and 5/24083345"
                raise ConfigError(f"{where} may be the meter {named}; {remedy}")


def _has_unit_zero(url: LinkUrl) -> bool:
    is_tcp = isinstance(url, ListenUrl) and url.framing is Framing.TCP
    return is_tcp or isinstance(url, TcpUrl)


def _line_of(url: LinkUrl) -> Hashable | None:
    match url:
        case SerialUrl():
            return url.line.device
        case RtuOverTcpUrl():
            return (url.host, url.port)
        case ListenUrl():
            return url.port
        case MbusUrl() | Cjt188Url():
            line = url.line
            return (line.host, line.port) if isinstance(line, TcpLine) else line.device
        case _:
            return None
