"""The command `read`: one meter, every group of its profile, once."""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from edge_gateway.clock_io import SystemClock
from edge_gateway.commands.ask_identity_io import (
    WAIT_S,
    IdentityCall,
    identify_meter,
    known_profiles,
    shown_number,
    why_nobody,
)
from edge_gateway.commands.calls import (
    DONE,
    REFUSED,
    CallError,
    with_line,
    with_profiles,
)
from edge_gateway.commands.dial_in_io import wait_for_call
from edge_gateway.commands.identify_view import Match
from edge_gateway.commands.meter_call import MeterCall, config_of
from edge_gateway.commands.progress_io import Progress
from edge_gateway.commands.read_view import MeterRead, as_json, as_text, image_of
from edge_gateway.commands.read_words_io import read_words
from edge_gateway.config import AUTO, ConfigError
from edge_gateway.links.answers import Fault
from edge_gateway.links.driver import JobKind, JobRead
from edge_gateway.links.notices import BYTE_ORDER_OPEN
from edge_gateway.logs_io import quiet_logs
from edge_gateway.polling.drivers_io import make_line
from edge_gateway.polling.profiles_io import IDENTIFY, LinkSetup, load_links
from firmware_profiles.cross_check import cross_hints
from firmware_profiles.order_hint import order_hint
from firmware_profiles.profile import Profile
from firmware_profiles.variants import variant_hint
from wire_contracts.texts import printable

RETRY_COUNT = 1
"""Repeats after silence or garbage: a person at the meter wants to know about the second try."""


class UnidentifiedError(CallError):
    """The meter answers, and no profile is proven."""


def add_read(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    with_profiles(with_line(parser))
    parser.add_argument("--unit", required=True, metavar="N", help="the meter's device address")
    parser.add_argument(
        "--profile", default=AUTO, metavar="P", help="what reads it, ID@REVISION; else the data say"
    )
    parser.add_argument(
        "--serial", metavar="TEXT", help="what a guard register must show; else the meter says"
    )
    parser.add_argument(
        "--words",
        action="append",
        metavar="FC:ADDRESS+COUNT",
        help="words as they are instead, such as 3:0+12; may be given several times",
    )
    parser.set_defaults(work=_read)


def _read(options: argparse.Namespace) -> int:
    quiet_logs()
    if options.words:
        return read_words(options)
    call = MeterCall(
        url=options.url,
        unit=options.unit,
        profile=options.profile,
        serial=options.serial,
        profiles=options.profiles,
        timeout_s=options.timeout,
    )
    try:
        profile = _profile(call)
    except UnidentifiedError as error:
        if options.json:
            print(json.dumps(as_json(_nothing(call, str(error))), ensure_ascii=False))
        raise
    if isinstance(profile, Fault):
        print(f"read: unit {call.unit}: {why_nobody(profile)}; name a --profile", file=sys.stderr)
        if options.json:
            print(json.dumps(as_json(_unread(call, profile)), ensure_ascii=False))
        return REFUSED
    read = read_meter(replace(call, profile=profile))
    if options.json:
        print(json.dumps(as_json(read), ensure_ascii=False))
    else:
        print("\n".join(map(printable, as_text(read))))
    return DONE if read.is_good else REFUSED


def _profile(call: MeterCall) -> str | Fault:
    """Return the profile that was typed; without one a Modbus meter is asked what it is.

    Raises:
        UnidentifiedError: It answers, and cannot be told what it is.
        CallError: What was typed cannot be done.
    """
    if call.profile != AUTO or _is_telegram(call):
        return call.profile
    asked = IdentityCall(
        url=call.url,
        unit=call.unit,
        profiles=call.profiles,
        serial=call.serial,
        wait_s=call.timeout_s or WAIT_S,
        place="read",
    )
    with Progress() as progress:
        found = identify_meter(
            asked, lambda number, count: progress.step(f"question {number} of {count}")
        )
    if isinstance(found, Fault):
        return found
    if found.profile is None:
        fitting = "; ".join(_told(match) for match in found.matches) or "none"
        message = f"read: profile: not identified, fitting: {fitting}; name one with --profile"
        raise UnidentifiedError(message)
    return found.profile


def _unread(call: MeterCall, fault: Fault) -> MeterRead:
    """Return the read of a meter that did not even say what it is."""
    reads = {IDENTIFY: JobRead(has_answered=False, faults=(fault,))}
    return replace(_nothing(call, ""), reads=reads, hints=())


def _nothing(call: MeterCall, hint: str) -> MeterRead:
    """Return the read of a meter whose registers were not asked for."""
    now_utc = SystemClock().now_utc()
    return MeterRead(
        url=call.url, unit=call.unit, started_utc=now_utc, duration_ms=0.0, reads={}, hints=(hint,)
    )


def _told(match: Match) -> str:
    """Return a profile that fits, with what on the meter tells it from the others."""
    return f"{match.profile} ({match.variant})" if match.variant else match.profile


def _is_telegram(call: MeterCall) -> bool:
    return call.url.startswith(("mbus:", "cjt188:"))


def read_meter(call: MeterCall) -> MeterRead:
    """Return what one meter says now.

    Raises:
        CallError: URL, unit or profile cannot be.
    """
    clock = SystemClock()
    setup = _setup(call)
    shown = _shown_number(call, setup.meters[0].profile)
    if shown is not None:
        call = replace(call, serial=shown)
        setup = _setup(call)
    line = make_line(setup.order(clock))
    wait_for_call(call.url, line.driver.open)
    started_utc, started_s = clock.now_utc(), time.monotonic()
    reads: dict[str, JobRead] = {}
    groups = list(setup.meters[0].intervals)
    with Progress() as progress:
        for number, group in enumerate(groups, start=1):
            progress.step(f"reading {group}, group {number} of {len(groups)}")
            job = JobKind(serial=call.name, group=group)
            reads[group] = _shown(call, line.driver.read(job, retry_count=RETRY_COUNT))
    duration_ms = 1000 * (time.monotonic() - started_s)
    line.driver.close()
    found = MeterRead(
        url=call.url,
        unit=call.unit,
        started_utc=started_utc,
        duration_ms=duration_ms,
        reads=reads,
    )
    says = () if shown is None else (f"the meter says {shown}: compare it with its name plate",)
    hints = _hints(found, setup.meters[0].profile, call.profiles)
    told = (notice for each in reads.values() for notice in each.notices)
    open_orders = (notice.text for notice in told if notice.kind == BYTE_ORDER_OPEN)
    return replace(found, hints=(*says, *open_orders, *hints))


def _setup(call: MeterCall) -> LinkSetup:
    try:
        (setup,) = load_links(config_of(call))
    except ConfigError as error:
        text = str(error).replace("gateway command: ", "read: ", 1)
        is_draft = "profile:" in text and not _is_telegram(call)
        hint = "; --words reads words that no profile explains yet" if is_draft else ""
        raise CallError(f"{text}{hint}") from error
    return setup


def _shown_number(call: MeterCall, profile: Profile | None) -> str | None:
    """Return whom the meter shows itself to be where nobody has said; the guard then holds it."""
    if call.serial is not None or profile is None:
        return None
    wait_s = call.timeout_s or WAIT_S
    asked = IdentityCall(url=call.url, unit=call.unit, wait_s=wait_s, place="read")
    return shown_number(asked, profile)


def _shown(call: MeterCall, read: JobRead) -> JobRead:
    """Return a read without names that nobody has shown: an M-Bus telegram alone says what is."""
    is_unheard = call.url.startswith("mbus:") and not read.local
    return read._replace(quality={}) if is_unheard else read


def _hints(read: MeterRead, profile: Profile | None, folder: Path | None) -> tuple[str, ...]:
    """Return what a person should look at: the order of words, units, the display."""
    if profile is None or not read.values:
        return ()
    hints = (
        order_hint(profile, image_of(read.reads.values())),
        *cross_hints(read.values),
        variant_hint(profile, _known(folder)),
    )
    return tuple(hint for hint in hints if hint)


def _known(folder: Path | None) -> tuple[Profile, ...]:
    """Return the profiles to compare with; one that is unfit takes no reading away."""
    try:
        return known_profiles(folder)
    except CallError:
        return known_profiles(None)
