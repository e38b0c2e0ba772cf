"""Finds the meters on an M-Bus line: address by address, or through the tree of wildcards.

The tree: a pattern of eight digits is selected, at first all wildcards. Nobody acknowledges: the
branch is empty. One readable answer, whose identification fits: a meter is found. Anything else
is a collision, and the next wildcard is tried as 0 to 9. A readable answer is confirmed by
selecting its full address, because two meters that speak at once may look like a third.

They may also look like one of them, or the later is not waited for: a meter that was found under
wildcards says nothing of others there. So at each place that was a wildcard all digits but its own
are tried, too: at most 72 selections for each meter, most of them unanswered.
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
        is_unread: Whether somebody answers there whom nothing has named.
    """

    tried: str
    found: Identity | None = None
    detail: str = ""
    is_unread: bool = False


def scan_primary(link: MbusLink, addresses: Iterable[int] = ALL_PRIMARY) -> Iterator[ScanStep]:
    """Yield one step for each primary address, as soon as it is known."""
    link.is_scanned = True
    for address in addresses:
        found = read_out(link, MbusMeter(primary=address))
        text = str(address)
        if isinstance(found, Fault):
            yield _unnamed(text, found)
            if found.kind is FaultKind.LINK_DOWN:
                return
        elif found.telegram is None:
            detail = "" if found.fault is None else found.fault.detail
            yield ScanStep(tried=text, detail=detail, is_unread=True)
        else:
            yield _named(link, text, found.telegram)


def _named(link: MbusLink, tried: str, telegram: Telegram) -> ScanStep:
    """Return the step of a primary address that was read; its name is tried as an address too."""
    found = identity_of(telegram, tried)
    if telegram.address is None or is_confirmed(link, telegram.address):
        return ScanStep(tried=tried, found=found)
    return ScanStep(tried=tried, found=found, detail=UNCONFIRMED)


def _unnamed(tried: str, fault: Fault) -> ScanStep:
    """Return the step of a primary address that brought no telegram."""
    if fault.kind is FaultKind.TIMEOUT:
        return ScanStep(tried=tried)
    is_unread = fault.kind is not FaultKind.LINK_DOWN
    return ScanStep(tried=tried, detail=fault.detail, is_unread=is_unread)


def scan_secondary(
    link: MbusLink, pattern: str = EVERYBODY, *, is_brisk: bool = False
) -> Iterator[ScanStep]:
    """Yield one step for each pattern that is tried, meters as they are found.

    Args:
        link: The line.
        pattern: Where to begin: eight digits, `F` where any will do, wildcards at the end.
        is_brisk: Whether a branch is left, once somebody was heard, after the standard's time, or
            twice the slowest answer if that is longer; else after the line's time-out.
    """
    link.is_scanned = True
    step = _tried(link, pattern, _patience_s(link) if is_brisk else link.timeout_s)
    yield step
    if step.found is None and not step.detail:
        return
    has_named = step.found is not None
    for narrower in _narrower(pattern, step.found):
        if not link.open():
            return
        for each in scan_secondary(link, narrower, is_brisk=is_brisk):
            has_named |= each.found is not None or each.is_unread
            yield each
    if not has_named:
        yield ScanStep(tried=pattern, detail=step.detail, is_unread=True)


def _patience_s(link: MbusLink) -> float:
    slowest_s = link.counts.turnarounds.quantile_s(1.0)
    if slowest_s is None:
        return link.timeout_s
    return min(link.timeout_s, max(link.standard_s, 2 * slowest_s))


def _narrower(pattern: str, found: Identity | None) -> Iterator[str]:
    """Yield the patterns that stand for everybody under a pattern but the meter found there."""
    places = [place for place, digit in enumerate(pattern) if digit == "F"]
    own = pattern if found is None else found.facts["serial"]
    for place in places[:1] if found is None else places:
        for digit in _DIGITS:
            if digit != own[place]:
                yield own[:place] + digit + pattern[place + 1 :]


def _tried(link: MbusLink, pattern: str, wait_s: float) -> ScanStep:
    silence = select(link, pattern_address(pattern), wait_s=wait_s)
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
