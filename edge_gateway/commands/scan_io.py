"""The command `scan`: who answers on a line."""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from edge_gateway.clock_io import SystemClock
from edge_gateway.commands.calls import (
    DONE,
    INTERRUPTED,
    REFUSED,
    CallError,
    line_trouble,
    with_line,
)
from edge_gateway.commands.dial_in_io import wait_for_call
from edge_gateway.commands.progress_io import Progress
from edge_gateway.commands.scan_plan import (
    HIGHEST_SERIAL_UNIT,
    HIGHEST_UNIT,
    Found,
    Scan,
    parse_settings,
    parse_units,
    scan_json,
    scan_text,
    setting_text,
)
from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.cjt188_driver import ANYBODY
from edge_gateway.links.driver import Driver, Identity
from edge_gateway.links.link_url import (
    Cjt188Url,
    LinkUrl,
    LinkUrlError,
    ListenUrl,
    MbusUrl,
    RtuOverTcpUrl,
    SerialUrl,
    TcpUrl,
    format_url,
    parse_url,
)
from edge_gateway.links.mbus_io import MbusLink, open_mbus
from edge_gateway.links.mbus_scan import ALL_PRIMARY, ScanStep, scan_primary, scan_secondary
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_links_io import open_link
from edge_gateway.links.modbus_probe_io import Heard, ModbusProbe, Sighting
from edge_gateway.logs_io import quiet_logs
from edge_gateway.polling.drivers_io import LineOrder, make_line
from firmware_profiles.words import Span
from wire_contracts.texts import printable

HIGHEST_MBUS = 250
"""Primary addresses of M-Bus; EN 13757-2, 5.7.5."""

TELEGRAM_WAIT_S = 0.5
"""Wall seconds for one M-Bus or CJ/T 188 address: 330 bit times and 50 ms at 300 baud are 1.15 s,
at 2400 and above 0.2 s (EN 13757-2, 5.6); CJ/T 188 meters wake up first."""

DIAL_IN_WAIT_S = 2.0
"""Wall seconds for one unit behind a mobile network."""

MOST_CLOSINGS = 3
"""Units in a row whose question may close a TCP line; with more nobody serves us (judgement)."""

UNSURE = frozenset({Sighting.GARBLED.value, Sighting.STRANGER.value})
"""What is no frame of the unit that was asked."""

_PROBE = Span(function_code=3, address=0, word_count=1)


def add_scan(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    with_line(parser)
    parser.add_argument("--units", metavar="LIST", help="such as 1-247 or 1,5,7-9")
    parser.add_argument(
        "--bauds", metavar="LIST", help="auto, or speeds such as 9600,19200E; serial lines only"
    )
    parser.set_defaults(work=_scan)


@dataclass(slots=True, kw_only=True)
class _Account:
    """What a scan is told, and what it has brought so far."""

    url: str
    timeout_s: float | None
    units: str | None
    bauds: str | None
    progress: Progress
    started_s: float
    asked_count: int = 0
    is_complete: bool = False
    fault: str = ""
    foreign: str = ""
    found: dict[str, Found] = field(default_factory=dict)

    @property
    def has_somebody(self) -> bool:
        """Return whether anybody has been heard whose frame was whole."""
        return any(found.answer not in UNSURE for found in self.found.values())

    def step(self, name: str, count: int) -> None:
        """Count one more address, and show it."""
        self.asked_count += 1
        self.progress.step(f"{name} of {count}, {len(self.found)} found")

    def add(self, found: Found) -> None:
        """Keep somebody; two answers count for more than one, one for more than garbled bytes."""
        known = self.found.get(found.address)
        is_better = known is not None and known.answer in UNSURE and found.answer not in UNSURE
        if known is None or is_better or found.answer == Sighting.TWICE:
            self.found[found.address] = found

    def result(self) -> Scan:
        """Return it, sorted by address."""
        return Scan(
            url=self.url,
            asked_count=self.asked_count,
            is_complete=self.is_complete,
            fault=self.fault,
            found=sorted(self.found.values(), key=lambda each: (len(each.address), each.address)),
            seconds=time.monotonic() - self.started_s,
        )


def _scan(options: argparse.Namespace) -> int:
    quiet_logs()
    try:
        url = parse_url(options.url, place="scan")
    except LinkUrlError as error:
        raise CallError(str(error)) from error
    if options.bauds is not None and not isinstance(url, SerialUrl):
        message = "scan: bauds: only rtu:// and ascii:// lines have a speed to find; leave it out"
        raise CallError(message)
    with Progress() as progress:
        account = _Account(
            url=options.url,
            timeout_s=options.timeout,
            units=options.units,
            bauds=options.bauds,
            progress=progress,
            started_s=time.monotonic(),
        )
        try:
            _run(url, account)
            account.is_complete = True
        except KeyboardInterrupt:
            progress.stage("interrupted; found so far:")
        except OSError as error:
            account.fault = f"{options.url} cannot be used: {line_trouble(str(error))}"
            progress.stage(f"scan: line: {account.fault}")
    scan = account.result()
    if options.json or scan.found or not scan.fault:
        _show(scan, is_json=options.json)
    if scan.fault:
        return REFUSED
    if not scan.is_complete:
        return INTERRUPTED
    return DONE if scan.found else REFUSED


def _show(scan: Scan, *, is_json: bool) -> None:
    print(json.dumps(scan_json(scan)) if is_json else "\n".join(map(printable, scan_text(scan))))


def _run(url: LinkUrl, account: _Account) -> None:
    if isinstance(url, SerialUrl):
        _scan_serial(url, account)
    elif isinstance(url, TcpUrl | RtuOverTcpUrl):
        _scan_probe(url, "", account)
    elif isinstance(url, ListenUrl):
        link = open_link(url, timeout_s=account.timeout_s or DIAL_IN_WAIT_S)
        wait_for_call(format_url(url), link.open)
        _each(_modbus_units(account), account, lambda unit: _ask_link(link, unit), link.close)
    elif isinstance(url, MbusUrl):
        _scan_mbus(url, account)
    else:
        _scan_cjt188(url, account)


def _modbus_units(account: _Account) -> Sequence[int]:
    wanted = f"1-{HIGHEST_SERIAL_UNIT}" if account.units is None else account.units
    return parse_units(wanted, highest=HIGHEST_UNIT)


def _scan_serial(url: SerialUrl, account: _Account) -> None:
    """Try one setting after the other until somebody answers; one bus has one setting."""
    settings = parse_settings(account.bauds, url.line)
    for number, line in enumerate(settings, start=1):
        name = setting_text(line)
        if len(settings) > 1:
            account.progress.stage(f"{name} ({number} of {len(settings)})")
        _scan_probe(replace(url, line=line), name, account)
        if account.has_somebody:
            return


def _scan_probe(url: TcpUrl | SerialUrl | RtuOverTcpUrl, name: str, account: _Account) -> None:
    units = _modbus_units(account)
    most_closings = 0 if isinstance(url, SerialUrl) else MOST_CLOSINGS
    probe = ModbusProbe(url, account.timeout_s)
    closings = 0
    try:
        for unit in units:
            account.step(f"unit {unit}", len(units))
            lost, is_served = _ask_unit(probe, unit, name, account)
            closings = 0 if is_served else closings + 1
            if lost is None:
                continue
            if closings > most_closings:
                raise lost
            account.progress.stage(f"unit {unit}: {lost}; the line is opened again")
            probe.close()
            probe = ModbusProbe(url, account.timeout_s)
        for heard in probe.listen():
            account.add(_found(heard, name))
    except OSError as error:
        if account.foreign and not account.found:
            raise OSError(account.foreign) from error
        raise
    finally:
        probe.close()
    if account.foreign and not account.found:
        raise OSError(account.foreign)


def _ask_unit(
    probe: ModbusProbe, unit: int, name: str, account: _Account
) -> tuple[OSError | None, bool]:
    """Return how the line ended with this unit, if it did, and whether somebody serves it."""
    try:
        seen = probe.probe(unit)
    except OSError as error:
        return error, False
    foreign = [each for each in seen if each.sighting is Sighting.FOREIGN]
    known = [each for each in seen if each.sighting is not Sighting.FOREIGN]
    for heard in known:
        account.add(_found(heard, name))
    account.foreign = foreign[0].text if foreign else account.foreign
    is_answer = any(each.sighting.value not in UNSURE for each in known)
    return probe.lost, probe.lost is None or is_answer


def _found(heard: Heard, line: str) -> Found:
    is_exception = heard.sighting is Sighting.EXCEPTION
    return Found(
        address=str(heard.unit),
        line=line,
        answer=f"exception {heard.exception}" if is_exception else heard.sighting.value,
        is_late=heard.is_late,
        milliseconds=heard.milliseconds or None,
        doubt=heard.text,
    )


def _each(
    units: Sequence[int],
    account: _Account,
    ask: Callable[[int], Found | None],
    close: Callable[[], None],
) -> None:
    try:
        for unit in units:
            account.step(f"address {unit}", len(units))
            found = ask(unit)
            if found is not None:
                account.add(found)
    finally:
        close()


def _ask_link(link: ModbusLink, unit: int) -> Found | None:
    answer = link.transact(unit, _PROBE)
    if not isinstance(answer, Fault):
        return Found(address=str(unit), answer="words")
    if answer.kind is FaultKind.LINK_DOWN:
        raise OSError(answer.detail)
    if answer.is_silence:
        return None
    is_exception = answer.kind is FaultKind.EXCEPTION
    return Found(
        address=str(unit),
        answer=f"exception {answer.exception}" if is_exception else "garbled",
        doubt="" if is_exception else answer.detail,
    )


def _driver(url: LinkUrl, account: _Account) -> Driver:
    order = LineOrder(url=url, timeout_s=account.timeout_s or TELEGRAM_WAIT_S, clock=SystemClock())
    return make_line(order).driver


def _identify(driver: Driver, address: str) -> Found | None:
    who = driver.identify(address)
    if isinstance(who, Identity):
        return _who(who)
    if who.kind is FaultKind.LINK_DOWN:
        raise OSError(who.detail)
    return None if who.is_silence else Found(address=address or "?", answer="garbled")


def _who(who: Identity) -> Found:
    return Found(
        address=who.device_address,
        answer=who.profiles[0] if who.profiles else "unknown data",
        facts=who.facts,
    )


def _scan_mbus(url: MbusUrl, account: _Account) -> None:
    """Search the tree of identifications, or the primary addresses that were typed.

    Where it names no meter all primary addresses are asked: old meters know no other. Most branches
    are empty; unless a time-out was typed they are left after the standard's time.
    """
    link = open_mbus(url, account.timeout_s or TELEGRAM_WAIT_S)
    wanted = account.units
    units = None if wanted is None else parse_units(wanted, highest=HIGHEST_MBUS)
    _check_open(link)
    try:
        if units is None:
            steps = scan_secondary(link, is_brisk=account.timeout_s is None)
            _take_steps(steps, "any identification", account)
        if units is not None or not account.has_somebody:
            _take_steps(scan_primary(link, units or ALL_PRIMARY), "address", account)
        _check_open(link)
    finally:
        link.close()


def _check_open(link: MbusLink) -> None:
    if not link.open():
        raise OSError(link.counts.down_reason)


def _take_steps(steps: Iterable[ScanStep], name: str, account: _Account) -> None:
    for tried in steps:
        account.asked_count += 1
        account.progress.step(f"{name} {tried.tried}, {len(account.found)} found")
        if tried.found is not None:
            found = _who(tried.found)
            account.add(replace(found, doubt=tried.detail) if tried.detail else found)
        elif tried.is_unread:
            account.add(Found(address=tried.tried, answer="garbled", doubt=tried.detail))


def _scan_cjt188(url: Cjt188Url, account: _Account) -> None:
    """Ask for the one meter on the line: CJ/T 188 knows no way to tell several apart."""
    if account.units is not None:
        message = "scan: units: a CJ/T 188 line is asked for its one meter; leave it out"
        raise CallError(message)
    driver = _driver(url, account)
    try:
        account.asked_count += 1
        found = _identify(driver, ANYBODY)
    finally:
        driver.close()
    if found is not None:
        account.add(found)
