"""Asks one meter what it is: Modbus units by the profiles' questions, others by their telegram."""

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_gateway.clock_io import SystemClock
from edge_gateway.commands.calls import CallError, line_trouble
from edge_gateway.commands.dial_in_io import wait_for_call
from edge_gateway.commands.identify_view import Identification, Match, match_of
from edge_gateway.links import cjt188_driver, mbus_meter
from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.interview import Interview, interview
from edge_gateway.links.link_url import (
    Cjt188Url,
    LinkUrl,
    LinkUrlError,
    MbusUrl,
    parse_url,
)
from edge_gateway.links.modbus_links_io import open_link
from edge_gateway.links.modbus_objects import OBJECT_NAMES, ObjectsRead
from edge_gateway.links.modbus_objects_io import read_objects_of
from edge_gateway.polling.drivers_io import LineOrder, make_line
from firmware_profiles.errors import ProfileError
from firmware_profiles.identify import Answers, Standing, identified, judge, matching, questions
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.measure import Reader
from firmware_profiles.probe import Expectation
from firmware_profiles.profile import Profile
from firmware_profiles.words import Span

WAIT_S = 1.0
"""Wall seconds for an answer of a meter that nobody knows yet (judgement)."""

_HIGHEST_UNIT = 255
_ANYTHING = Span(function_code=3, address=0, word_count=1)
"""Asked where the profiles ask nothing: whoever is there answers or refuses."""

Step = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCall:
    """Whom to ask, as it was typed.

    Attributes:
        url: The line.
        unit: Where the meter answers.
        profiles: Folder of the site's own profiles.
        serial: The serial number on its name plate, None when nobody has said.
        wait_s: Wall seconds for an answer.
        place: The command that asks, for what it says of a wrong call.
    """

    url: str
    unit: str
    profiles: Path | None = None
    serial: str | None = None
    wait_s: float = WAIT_S
    place: str = "identify"


def identify_meter(call: IdentityCall, step: Step) -> Identification | Fault:
    """Return what a meter says it is, or why nothing is known.

    Raises:
        CallError: URL or unit cannot be.
    """
    try:
        url = parse_url(call.url, place=call.place)
    except LinkUrlError as error:
        raise CallError(str(error)) from error
    started_s = time.monotonic()
    if isinstance(url, MbusUrl | Cjt188Url):
        return _by_telegram(call, url, started_s)
    if not call.unit.isdecimal() or int(call.unit) > _HIGHEST_UNIT:
        message = f"{call.place}: unit: {call.unit!r} is no Modbus unit; give a number in 0..255"
        raise CallError(message)
    return _by_registers(call, url, started_s, step)


def shown_number(call: IdentityCall, profile: Profile) -> str | None:
    """Return the serial number that a meter shows where its profile's guard looks for it.

    None where the profile has no such guard, or the meter does not say.

    Raises:
        CallError: URL or unit cannot be.
    """
    guard = profile.guard
    if guard is None or guard.equals != Expectation.SERIAL:
        return None
    register = profile.registers[guard.register]
    try:
        link = open_link(parse_url(call.url, place=call.place), timeout_s=call.wait_s)
    except LinkUrlError as error:
        raise CallError(str(error)) from error
    wait_for_call(call.url, link.open)
    spans = dict.fromkeys((*questions([profile]).spans, register.span))
    said = interview(spans, lambda span: link.transact(int(call.unit) + span.unit_offset, span))
    link.close()
    answers = Answers(device_address=call.unit, words=said.words, faults=said.faults)
    known = judge(profile, answers).profile
    raw = Reader(known, said.words, said.faults).raw(known.registers[guard.register])
    return None if raw is None else str(raw).strip() or None


def known_profiles(folder: Path | None) -> tuple[Profile, ...]:
    """Return every released profile, the site's own too.

    Raises:
        CallError: A file of the site's folder cannot be used.
    """
    try:
        return tuple(load_profile(reference, folder) for reference in available_profiles(folder))
    except ProfileError as error:
        raise CallError(str(error)) from error


def _by_telegram(call: IdentityCall, url: LinkUrl, started_s: float) -> Identification | Fault:
    parse = mbus_meter.parse_meter if isinstance(url, MbusUrl) else cjt188_driver.parse_meter
    try:
        if call.unit != mbus_meter.ANYBODY:
            parse(call.unit, "")
    except ValueError as error:
        message = f"{call.place}: unit: {error}"
        raise CallError(message) from error
    order = LineOrder(url=url, timeout_s=call.wait_s, clock=SystemClock())
    driver = make_line(order).driver
    found = driver.identify(call.unit)
    driver.close()
    if isinstance(found, Fault):
        return found
    return Identification(
        url=call.url,
        unit=found.device_address,
        facts=found.facts,
        matches=[Match(profile=each, weight=1, reasons=()) for each in found.profiles],
        profile=found.profiles[0] if len(found.profiles) == 1 else None,
        milliseconds=1000 * (time.monotonic() - started_s),
    )


def _by_registers(
    call: IdentityCall, url: LinkUrl, started_s: float, step: Step
) -> Identification | Fault:
    profiles = known_profiles(call.profiles)
    asked = questions(profiles)
    link = open_link(url, timeout_s=call.wait_s)
    wait_for_call(call.url, link.open)
    unit = int(call.unit)
    spans = asked.spans or (_ANYTHING,)
    number = itertools.count(1)
    faults: list[Fault] = []

    def transact(span: Span) -> Answer:
        step(next(number), len(spans))
        answer = link.transact(unit + span.unit_offset, span)
        if isinstance(answer, Fault):
            faults.append(answer)
        return answer

    said = interview(spans, transact)
    link.close()
    if said.ended_by is not None:
        return said.ended_by
    if not said.has_answered and faults:
        return faults[-1]
    objects = read_objects_of(url, unit, wait_s=call.wait_s)
    return _identification(call, profiles, said, objects, started_s)


def _identification(
    call: IdentityCall,
    profiles: tuple[Profile, ...],
    said: Interview,
    objects: ObjectsRead,
    started_s: float,
) -> Identification:
    answers = Answers(
        device_address=call.unit,
        words=said.words,
        faults=said.faults,
        objects=objects.texts,
        is_identification_denied=objects.is_denied,
        serial=call.serial,
    )
    verdicts = matching(profiles, answers)
    one = identified(verdicts)
    judged = [judge(profile, answers) for profile in profiles]
    nearly = [each for each in judged if each.standing is Standing.UNPROVEN and each.weight]
    facts: dict[str, str] = dict(_named(objects.texts or {}))
    for verdict in reversed(verdicts):
        facts.update(verdict.facts)
    return Identification(
        url=call.url,
        unit=call.unit,
        facts=facts,
        matches=[match_of(verdict) for verdict in verdicts],
        nearly=[match_of(each) for each in sorted(nearly, key=lambda each: -each.weight)],
        profile=None if one is None else one.profile.reference,
        milliseconds=1000 * (time.monotonic() - started_s),
    )


def _named(texts: Mapping[int, str]) -> Mapping[str, str]:
    return {OBJECT_NAMES.get(number, f"object_{number}"): text for number, text in texts.items()}


def why_nobody(fault: Fault) -> str:
    """Return what to tell a person about a unit that is not there."""
    if fault.kind is FaultKind.LINK_DOWN:
        return line_trouble(fault.detail)
    return f"{fault.quality}: {fault.detail or fault.kind}"
