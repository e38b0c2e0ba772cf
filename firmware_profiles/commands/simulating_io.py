"""The command simulate: a running Modbus TCP meter on loopback, made from a profile."""

import math
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from firmware_profiles.commands.command import OK, Command
from firmware_profiles.commands.inputs import PROFILE_HELP, find_profile
from firmware_profiles.encode import encode_values
from firmware_profiles.errors import EncodeError, ProfileError
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.simulation import SimulatedFault, simulated_values
from firmware_profiles.simulator_io import (
    LOOPBACK,
    DeviceIsBusy,
    NoAnswer,
    NoSuchRegister,
    SimulatedLink,
    SimulatedLinks,
    words_of,
)
from firmware_profiles.words import Span
from wire_contracts.quantities import Quantity

_EVERY_INTERMITTENT = 3
_HIGHEST_PORT = 65535
_HIGHEST_UNIT = 255
_LINK = "simulate"
_LONGEST_S = 86_400


@dataclass(slots=True, kw_only=True)
class SimulatedMeter:
    """One meter that computes its words at every request.

    Attributes:
        profile: What it is.
        device_address: Where it answers, its pages behind it.
        serial: What its guard register says.
        told: Values it was told.
        events: What its status registers report.
        faults: What it does wrong.
    """

    profile: Profile
    device_address: int
    serial: str
    told: Mapping[Quantity, float]
    events: Sequence[str] = ()
    faults: frozenset[SimulatedFault] = frozenset()
    _started_s: float = field(default_factory=time.monotonic)
    _requests: int = 0

    def answer(self, unit: int, function: int, address: int, count: int) -> list[int]:
        """Return the words of one request.

        Raises:
            NoAnswer: Another unit was asked, or this one is silent.
            NoSuchRegister: The profile has no such address.
            DeviceIsBusy: It is told to be busy.
        """
        self._requests += 1
        is_skipped = self._requests % _EVERY_INTERMITTENT == 0
        offset = unit - self.device_address
        is_mute = SimulatedFault.SILENT in self.faults or offset not in self._offsets()
        if is_mute or (is_skipped and SimulatedFault.INTERMITTENT in self.faults):
            raise NoAnswer
        if SimulatedFault.BUSY in self.faults:
            raise DeviceIsBusy
        if SimulatedFault.ILLEGAL in self.faults:
            raise NoSuchRegister
        space = Span(
            unit_offset=offset, function_code=function, address=address, word_count=count
        ).space
        return words_of(self.image(), space, address, count)

    def image(self) -> dict[tuple[int, int], int]:
        """Return every word it has now; raise EncodeError when it cannot show what it was told."""
        elapsed_s = time.monotonic() - self._started_s
        if SimulatedFault.FROZEN in self.faults:
            elapsed_s = 0.0
        values = simulated_values(self.profile, self.told, timedelta(seconds=elapsed_s))
        identity = MeantMeter(device_address=self.device_address, serial=self.serial)
        return encode_values(self.profile, values, self.events, identity)

    def _offsets(self) -> set[int]:
        return {register.span.unit_offset for register in self.profile.registers.values()}


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument("profile", help=PROFILE_HELP)
    parser.add_argument("--port", type=int, default=0, help="TCP port on loopback; 0: any free one")
    parser.add_argument("--unit", type=int, help="device address; else the profile's, or 1")
    parser.add_argument("--serial", default="12345678", help="serial number it shows")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="QUANTITY=VALUE",
        help="a wire quantity in its canonical unit, such as flow_m3h=2.5; may be repeated",
    )
    parser.add_argument(
        "--event", action="append", default=[], help="report this event; may be repeated"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        choices=list(SimulatedFault),
        help="what it does wrong; may be repeated",
    )
    parser.add_argument("--seconds", type=_seconds, help="end after so long; else at Ctrl-C")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= _LONGEST_S:
        message = f"{text} is not in 0..{_LONGEST_S}"
        raise ArgumentTypeError(message)
    return seconds


def _simulate(options: Namespace) -> int:
    profile = find_profile(options.profile, options.directory)
    if not 0 <= options.port <= _HIGHEST_PORT:
        raise _refusal("--port", f"{options.port} is outside 0..65535", "give a free TCP port")
    meter = _meter(profile, options)
    link = SimulatedLink(name=_LINK, answer=meter.answer, port=options.port)
    try:
        with SimulatedLinks([link]) as links:
            where = f"{LOOPBACK}:{links.ports[_LINK]}"
            unit = meter.device_address
            print(f"{profile.reference} answers on {where} as unit {unit}; Ctrl-C ends", flush=True)
            threading.Event().wait(options.seconds)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise _refusal("--port", str(error), "choose another, or 0 for any free one") from error
    return OK


def _meter(profile: Profile, options: Namespace) -> SimulatedMeter:
    usual = profile.link.default_device_address or 1
    if options.unit is not None and not 0 <= options.unit <= _HIGHEST_UNIT:
        raise _refusal("--unit", f"{options.unit} is outside 0..255", "give a Modbus unit")
    _refuse_unknown_events(profile, options.event)
    meter = SimulatedMeter(
        profile=profile,
        device_address=usual if options.unit is None else options.unit,
        serial=options.serial,
        told=dict(_parse_setting(profile, text) for text in options.set),
        events=options.event,
        faults=frozenset(SimulatedFault(name) for name in options.fault),
    )
    try:
        meter.image()
    except EncodeError as error:
        raise _refusal("--set", str(error), "give what this meter can show") from error
    return meter


def _refuse_unknown_events(profile: Profile, events: Sequence[str]) -> None:
    known = {rule.event for rule in profile.status}
    for event in events:
        if event not in known:
            names = ", ".join(sorted(known)) or "none"
            problem = f"{profile.reference} cannot report {event!r}"
            raise _refusal("--event", problem, f"it can report: {names}")


def _parse_setting(profile: Profile, text: str) -> tuple[Quantity, float]:
    name, _, number = text.partition("=")
    known = wire_registers(profile)
    quantity = next((each for each in known if each == name), None)
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if quantity is None or not math.isfinite(value):
        names = ", ".join(known)
        problem = f"{text!r} is no quantity of {profile.reference} with a number"
        raise _refusal("--set", problem, f"write QUANTITY=VALUE with one of {names}")
    return quantity, value


def _refusal(option: str, problem: str, remedy: str) -> ProfileError:
    return ProfileError(place="simulate", field=option, problem=problem, remedy=remedy)


COMMANDS = (
    Command(
        name="simulate",
        summary="a running Modbus TCP meter on loopback",
        declare=_declare,
        run=_simulate,
    ),
)
