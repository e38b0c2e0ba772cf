"""Finds the meters on an M-Bus line: address by address, or through the tree of wildcards.

The tree: a pattern of eight digits is selected, at first all wildcards. Nobody acknowledges: the
branch is empty. One readable answer, whose identification fits: a meter is found. Anything else
is a collision, and the next wildcard is tried as 0 to 9. A readable answer is confirmed by
selecting its full address, because two meters that speak at once may look like a third.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.driver import Identity
from edge_gateway.links.mbus_driver import UNCONFIRMED, identity_of
from edge_gateway.links.mbus_io import MbusLink
from edge_gateway.links.mbus_meter import MbusMeter, format_secondary
from edge_gateway.links.mbus_readout import (
    first_of_selected,
    is_confirmed,
    pattern_address,
    read_out,
    select,
)
from meter_telegrams.mbus.frames import HIGHEST_ADDRESS
from meter_telegrams.records.telegram import Telegram

ALL_PRIMARY = range(HIGHEST_ADDRESS + 1)
"""Every primary address a meter can have."""

EVERYBODY = "FFFFFFFF"
"""The pattern that fits every meter."""

_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanStep:
    """One thing that was tried.

    Attributes:
        tried: Primary address, or pattern of identification digits.
        found: The meter, None when nobody or more than one answered.
        detail: What happened where no meter was found, and what is doubtful about one that was;
            empty when nobody answered.
    """

    tried: str
    found: Identity | None = None
    detail: str = ""


def scan_primary(link: MbusLink, addresses: Iterable[int] = ALL_PRIMARY) -> Iterator[ScanStep]:
    """Yield one step for each primary address, as soon as it is known."""
    link.is_scanned = True
    for address in addresses:
        found = read_out(link, MbusMeter(primary=address))
        text = str(address)
        if isinstance(found, Fault):
            is_silent = found.kind is FaultKind.TIMEOUT
            yield ScanStep(tried=text, detail="" if is_silent else found.detail)
            if found.kind is FaultKind.LINK_DOWN:
                return
        elif found.telegram is None:
            yield ScanStep(tried=text, detail="" if found.fault is None else found.fault.detail)
        else:
            yield _named(link, text, found.telegram)


def _named(link: MbusLink, tried: str, telegram: Telegram) -> ScanStep:
    """Return the step of a primary address that was read; its name is tried as an address too."""
    found = identity_of(telegram, tried)
    if telegram.address is None or is_confirmed(link, telegram.address):
        return ScanStep(tried=tried, found=found)
    return ScanStep(tried=tried, found=found, detail=UNCONFIRMED)


def scan_secondary(link: MbusLink, pattern: str = EVERYBODY) -> Iterator[ScanStep]:
    """Yield one step for each pattern that is tried, meters as they are found.

    Args:
        link: The line.
        pattern: Where to begin: eight digits, `F` where any will do, wildcards at the end.
    """
    link.is_scanned = True
    step = _tried(link, pattern)
    yield step
    if step.found is not None or not step.detail:
        return
    free = pattern.find("F")
    if free < 0 or not link.open():
        return
    for digit in _DIGITS:
        yield from scan_secondary(link, pattern[:free] + digit + pattern[free + 1 :])


def _tried(link: MbusLink, pattern: str) -> ScanStep:
    silence = select(link, pattern_address(pattern), is_scan=True)
    if silence is not None:
        is_empty = silence.kind is FaultKind.TIMEOUT
        return ScanStep(tried=pattern, detail="" if is_empty else silence.detail)
    telegram = first_of_selected(link)
    if isinstance(telegram, str):
        return ScanStep(tried=pattern, detail=telegram)
    if telegram.address is None or not is_confirmed(link, telegram.address):
        return ScanStep(tried=pattern, detail="an answer that its own address does not confirm")
    address = format_secondary(telegram.address)
    return ScanStep(tried=pattern, found=identity_of(telegram, address))
