"""Eight lines of meters that misbehave at random, in a process of their own, for the soak.

The unit number tells which fault a unit has; each request of it is answered rightly or not by
chance. Run with a seed and the ports that the DTUs shall dial; ends when its input does.
"""

import contextlib
import json
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.edge_gateway.fault_slaves import (
    Ascii,
    Ask,
    Behave,
    Bus,
    Cut,
    Damaged,
    Dtu,
    End,
    Framing,
    Mbap,
    Raw,
    Rtu,
    Say,
    Step,
    Wait,
    answer,
    as_unit,
    dribble,
    exception,
    lying,
    on_pty,
    on_tcp,
    one_behind,
)

TIMEOUT_S = 0.02
REGISTRATION = b"LAMP-7"
HEARTBEAT = b"beat!"
GOOD_UNITS = range(1, 11)

OK = "ok"
TIMEOUT = "bad_timeout"
MISMATCH = "bad_mismatch"
CRC = "bad_crc"

LINES = ("tcp", "tcp", "rtu", "rtu", "ascii", "rtu+tcp", "listen", "listen+tcp")
SERIAL = frozenset({"rtu", "ascii", "rtu+tcp", "listen"})
NUMBERED = frozenset({"tcp", "listen+tcp"})
SOCKETS = frozenset({"tcp", "rtu+tcp", "listen", "listen+tcp"})


@dataclass(frozen=True, kw_only=True)
class Habit:
    """What a unit does instead of answering, how often, on which lines, and what it is called."""

    share: float
    behave: Behave
    says: frozenset[str]
    lines: frozenset[str] = SERIAL | NUMBERED


def _says(*words: str) -> frozenset[str]:
    return frozenset(words)


def _noise(length: int) -> bytes:
    return random.randbytes(length)


def _late(ask: Ask) -> Iterable[Step]:
    return (Wait(random.choice([1.2, 1.5, 2.1, 3, 5]) * TIMEOUT_S), answer(ask))


def _halved(ask: Ask, between: bytes) -> Iterable[Step]:
    return (Cut(answer(ask), 0, 0.4), Raw(between), Cut(answer(ask), 0.4, 1))


HABITS: Mapping[int, Habit] = {
    11: Habit(share=0.5, behave=exception(2), says=_says("bad_exception_2")),
    12: Habit(share=0.5, behave=exception(11), says=_says("bad_exception_11")),
    13: Habit(share=0.01, behave=exception(6), says=_says("bad_exception_6")),
    14: Habit(share=0.5, behave=exception(0), says=_says(MISMATCH)),
    15: Habit(share=0.5, behave=lambda ask: (Damaged(answer(ask)),), says=_says(CRC), lines=SERIAL),
    16: Habit(share=0.4, behave=lambda ask: (as_unit(ask, 99),), says=_says(MISMATCH)),
    17: Habit(
        share=0.5,
        behave=lambda ask: (as_unit(ask, 99), answer(ask)),
        says=_says(MISMATCH),
        lines=SERIAL,
    ),
    18: Habit(
        share=0.5,
        behave=lambda ask: (Say(bytes((ask.unit, ask.function ^ 7, *answer(ask).payload[2:]))),),
        says=_says(MISMATCH),
    ),
    19: Habit(
        share=0.5, behave=lambda ask: (answer(ask, count=ask.count + 1),), says=_says(MISMATCH)
    ),
    20: Habit(
        share=0.5,
        behave=lambda ask: (Say(bytes((ask.unit, ask.function, 0))),),
        says=_says(MISMATCH),
    ),
    21: Habit(share=0.4, behave=lambda ask: (lying(ask, 2),), says=_says(MISMATCH, CRC)),
    22: Habit(share=0.4, behave=lambda ask: (Cut(answer(ask), 0, 0.5),), says=_says(MISMATCH, CRC)),
    23: Habit(share=0.5, behave=lambda ask: (Raw(_noise(3)), answer(ask)), says=_says(CRC)),
    24: Habit(share=0.5, behave=lambda ask: (answer(ask), Raw(_noise(3))), says=_says(MISMATCH)),
    25: Habit(
        share=0.5,
        behave=lambda ask: _halved(ask, b"\0\xff"),
        says=_says(CRC, MISMATCH),
        lines=SERIAL,
    ),
    26: Habit(share=0.4, behave=lambda _: (Raw(_noise(40)),), says=_says(CRC, MISMATCH)),
    27: Habit(share=0.5, behave=lambda ask: (answer(ask), answer(ask)), says=_says(MISMATCH)),
    28: Habit(share=0.5, behave=dribble, says=_says(MISMATCH, CRC)),
    29: Habit(share=0.1, behave=lambda _: (End.CLOSE,), says=_says(TIMEOUT), lines=SOCKETS),
    30: Habit(
        share=0.2,
        behave=lambda ask: (Cut(answer(ask), 0, 0.5), End.RESET),
        says=_says(TIMEOUT, MISMATCH),
        lines=SOCKETS,
    ),
    31: Habit(
        share=0.5,
        behave=lambda ask: (Say(answer(ask).payload, (ask.transaction + 9) % 65536),),
        says=_says(MISMATCH),
        lines=NUMBERED,
    ),
    32: Habit(
        share=0.5,
        behave=lambda ask: (Say(answer(ask).payload, 0),),
        says=_says(MISMATCH),
        lines=NUMBERED,
    ),
    33: Habit(
        share=0.5,
        behave=lambda ask: (Raw(ask.raw), answer(ask)),
        says=_says(MISMATCH),
        lines=SERIAL,
    ),
    34: Habit(share=1.0, behave=one_behind, says=_says(MISMATCH)),
    35: Habit(share=0.02, behave=lambda _: (), says=_says(TIMEOUT)),
    36: Habit(share=0.02, behave=_late, says=_says(TIMEOUT)),
    37: Habit(
        share=0.8,
        behave=lambda ask: _halved(ask, HEARTBEAT),
        says=_says(CRC, MISMATCH),
        lines=frozenset({"listen"}),
    ),
    38: Habit(
        share=0.8,
        behave=lambda ask: (Raw(HEARTBEAT), answer(ask), Raw(HEARTBEAT)),
        says=_says(CRC, MISMATCH),
        lines=frozenset({"listen", "listen+tcp"}),
    ),
}
"""Units from 11 on; the others are in order. Silence and lateness are rare: they cost time-outs."""

COSTLY_UNITS = frozenset({29, 30, 34, 35, 36})
"""Units whose faults end in time-outs, which are to stay under 1 %."""


def units_of(line: str) -> Sequence[int]:
    """The units that stand behind a line."""
    return [*GOOD_UNITS, *(unit for unit, habit in HABITS.items() if line in habit.lines)]


def _behave(unit: int) -> Behave:
    habit = HABITS.get(unit)

    def chance(ask: Ask) -> Iterable[Step]:
        if habit is not None and random.random() < habit.share:
            return habit.behave(ask)
        return (answer(ask),)

    return chance


def _framing(line: str) -> Framing:
    if line == "ascii":
        return Ascii()
    return Mbap() if line in NUMBERED else Rtu()


def _place(stack: contextlib.ExitStack, line: str, bus: Bus, ports: list[int]) -> str:
    """Start one line and return its URL."""
    if line in {"rtu", "ascii"}:
        return f"{line}://{stack.enter_context(on_pty(bus))}?baud=115200"
    if not line.startswith("listen"):
        return f"{line}://127.0.0.1:{stack.enter_context(on_tcp(bus))}"
    port = ports.pop(0)
    stack.enter_context(Dtu(bus=bus, port=port, registration=REGISTRATION).dialling())
    framing = "tcp" if line in NUMBERED else "rtu"
    signs = f"registration=text:{REGISTRATION.decode()}&heartbeat=text:{HEARTBEAT.decode()}"
    return f"listen://127.0.0.1:{port}?{signs}&framing={framing}"


def main(seed: int, ports: list[int]) -> None:
    """Serve every line until the input ends; tell the URLs first."""
    random.seed(seed)
    with contextlib.ExitStack() as stack:
        urls = []
        for line in LINES:
            units = {unit: _behave(unit) for unit in units_of(line)}
            bus = Bus(units=units, framing=_framing(line), is_noted=False)
            urls.append(_place(stack, line, bus, ports))
        sys.stdout.write(json.dumps(urls) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(port) for port in sys.argv[2:]])
