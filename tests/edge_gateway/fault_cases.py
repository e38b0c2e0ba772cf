"""Every fault a meter, an adapter or a network shows, and what a link may say about it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.edge_gateway.fault_slaves import (
    Behave,
    Cut,
    Damaged,
    End,
    Raw,
    Say,
    Wait,
    answer,
    as_unit,
    collided,
    dribble,
    every_third_late,
    exception,
    first_late,
    good,
    late,
    lying,
    one_behind,
    one_behind_from_silence,
    second_speaker,
)

TIMEOUT_S = 0.1
OK = "ok"
TIMEOUT = "bad_timeout"
MISMATCH = "bad_mismatch"
CRC = "bad_crc"
SERIAL = frozenset({"rtu", "ascii", "rtu+tcp", "listen"})
NUMBERED = frozenset({"tcp", "listen+tcp"})
EVERY = SERIAL | NUMBERED
SOCKETS = frozenset({"tcp", "rtu+tcp", "listen", "listen+tcp"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault: what the unit does, what may be said of it, on which lines it can happen.

    `says` holds what the first request must be called; `later` what the others may be called
    beside it. A time-out is always allowed to a busy machine.
    """

    behave: Behave
    says: frozenset[str]
    later: frozenset[str] = frozenset()
    lines: frozenset[str] = EVERY
    by_line: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def first(self, line: str) -> frozenset[str]:
        return self.by_line.get(line, self.says)


def says(*words: str) -> frozenset[str]:
    return frozenset(words)


def garbage(length: int, seed: int = 5) -> bytes:
    return random.Random(seed).randbytes(length)


WRONG_SPEED = bytes((0xF8, 0x00, 0xE0, 0xFE, 0x00, 0x80, 0xF8, 0x78, 0x00, 0xFE, 0x06, 0xFC))

_SLOW = {
    f"answers {times} time-outs late": Case(
        behave=late(times * TIMEOUT_S),
        says=says(OK) if times < 1 else says(TIMEOUT),
        later=says(OK, MISMATCH),
    )
    for times in (0.5, 1.5, 2.5, 4, 6)
}
_SLEEPY = {
    f"first answer {times} time-outs late": Case(
        behave=first_late(times * TIMEOUT_S), says=says(TIMEOUT), later=says(OK, MISMATCH)
    )
    for times in (1.2, 1.5, 1.9, 2.1, 3, 5)
}
_SOMETIMES = {
    f"every third answer {times} time-outs late": Case(
        behave=every_third_late(times * TIMEOUT_S), says=says(TIMEOUT), later=says(OK, MISMATCH)
    )
    for times in (1.1, 2.2, 4.4)
}
_EXCEPTIONS = {
    f"exception {code}": Case(behave=exception(code), says=says(f"bad_exception_{code}"))
    for code in (1, 2, 3, 4, 5, 6, 10, 11, 200)
}

CASES: Mapping[str, Case] = {
    "good": Case(behave=good, says=says(OK)),
    **_SLOW,
    **_SLEEPY,
    **_SOMETIMES,
    **_EXCEPTIONS,
    "exception 0": Case(behave=exception(0), says=says(MISMATCH)),
    "busy once": Case(
        behave=lambda ask: good(ask) if ask.number % 2 else exception(6)(ask), says=says(OK)
    ),
    "exception of another function": Case(
        behave=lambda ask: (Say(bytes((ask.unit, 0x84, 2))),), says=says(MISMATCH)
    ),
    "never answers": Case(behave=lambda _: (), says=says(TIMEOUT)),
    "half a frame": Case(
        behave=lambda ask: (Cut(answer(ask), 0, 0.5),),
        says=says(MISMATCH),
    ),
    "half a frame, and the other half too late": Case(
        behave=lambda ask: (
            Cut(answer(ask), 0, 0.5),
            Wait(1.6 * TIMEOUT_S),
            Cut(answer(ask), 0.5, 1),
        ),
        says=says(MISMATCH),
        later=says(CRC, OK),
    ),
    "half a frame, then a reset": Case(
        behave=lambda ask: (Cut(answer(ask), 0, 0.5), End.RESET),
        says=says(TIMEOUT, MISMATCH),
        lines=SOCKETS,
    ),
    "one byte": Case(
        behave=lambda ask: (Cut(answer(ask), 0, 0.041),), says=says(MISMATCH, TIMEOUT)
    ),
    "wrong checksum": Case(
        behave=lambda ask: (Damaged(answer(ask)),), says=says(CRC), lines=SERIAL
    ),
    "wrong checksum, then the right answer": Case(
        behave=lambda ask: (Damaged(answer(ask)), answer(ask)),
        says=says(OK, CRC),
        later=says(CRC, OK),
        lines=SERIAL,
    ),
    "another transaction": Case(
        behave=lambda ask: (Say(answer(ask).payload, (ask.transaction + 77) % 65536),),
        says=says(MISMATCH),
        lines=NUMBERED,
    ),
    "the transaction before": Case(
        behave=lambda ask: (Say(answer(ask).payload, ask.transaction - 1),),
        says=says(MISMATCH, TIMEOUT),
        lines=NUMBERED,
    ),
    "transaction 0": Case(
        behave=lambda ask: (Say(answer(ask).payload, 0),), says=says(MISMATCH), lines=NUMBERED
    ),
    "another protocol": Case(
        behave=lambda ask: (Damaged(answer(ask)),), says=says(MISMATCH), lines=NUMBERED
    ),
    "another unit": Case(behave=lambda ask: (as_unit(ask, 99),), says=says(MISMATCH)),
    "another unit, then the right one": Case(
        behave=lambda ask: (as_unit(ask, 99), answer(ask)),
        says=says(OK),
        by_line=dict.fromkeys(NUMBERED, says(MISMATCH)),
    ),
    "another function": Case(
        behave=lambda ask: (Say(bytes((ask.unit, 4, *answer(ask).payload[2:]))),),
        says=says(MISMATCH),
    ),
    "fewer words": Case(
        behave=lambda ask: (answer(ask, count=ask.count - 2),), says=says(MISMATCH)
    ),
    "more words": Case(behave=lambda ask: (answer(ask, count=ask.count + 1),), says=says(MISMATCH)),
    "no words": Case(
        behave=lambda ask: (Say(bytes((ask.unit, ask.function, 0))),), says=says(MISMATCH)
    ),
    "a byte count too high": Case(behave=lambda ask: (lying(ask, 4),), says=says(MISMATCH)),
    "a byte count too low": Case(
        behave=lambda ask: (lying(ask, -4),), says=says(MISMATCH), later=says(CRC)
    ),
    "a frame of 255 data bytes": Case(
        behave=lambda ask: (Say(bytes((ask.unit, ask.function, 255)) + bytes(255)),),
        says=says(MISMATCH),
        by_line={"ascii": says(MISMATCH, CRC)},
    ),
    "garbage": Case(
        behave=lambda _: (Raw(garbage(40)),),
        says=says(CRC),
        by_line=dict.fromkeys(NUMBERED, says(MISMATCH)),
    ),
    "much garbage": Case(
        behave=lambda _: (Raw(garbage(5000)),),
        says=says(CRC),
        by_line=dict.fromkeys(NUMBERED, says(MISMATCH)),
    ),
    "the wrong speed": Case(
        behave=lambda _: (Raw(WRONG_SPEED),),
        says=says(CRC),
        by_line=dict.fromkeys(NUMBERED, says(MISMATCH)),
    ),
    "noise before the answer": Case(
        behave=lambda ask: (Raw(b"\x00\xff\x03"), answer(ask)),
        says=says(OK),
    ),
    "noise behind the answer": Case(
        behave=lambda ask: (answer(ask), Raw(b"\x00\xff\x03")),
        says=says(OK),
        by_line=dict.fromkeys(NUMBERED, says(MISMATCH)),  # or the end of a frame that tore it
    ),
    "much noise behind the answer": Case(
        behave=lambda ask: (answer(ask), Raw(garbage(200))),
        says=says(OK),
        by_line=dict.fromkeys(NUMBERED, says(MISMATCH)),
    ),
    "noise within the answer": Case(
        behave=lambda ask: (Cut(answer(ask), 0, 0.5), Raw(b"\x00\xff"), Cut(answer(ask), 0.5, 1)),
        says=says(CRC),
        later=says(MISMATCH, CRC),
        lines=SERIAL,
        by_line={"ascii": says(CRC, MISMATCH)},
    ),
    "every answer twice": Case(behave=lambda ask: (answer(ask), answer(ask)), says=says(OK)),
    "every answer three times in pieces": Case(
        behave=lambda ask: (answer(ask), *dribble(ask), answer(ask)),
        says=says(OK),
        later=says(MISMATCH),
    ),
    "every answer twice, the second late": Case(
        behave=lambda ask: (answer(ask), Wait(0.4 * TIMEOUT_S), answer(ask)),
        says=says(OK, MISMATCH),
    ),
    "closes the connection": Case(behave=lambda _: (End.CLOSE,), says=says(TIMEOUT), lines=SOCKETS),
    "resets the connection": Case(behave=lambda _: (End.RESET,), says=says(TIMEOUT), lines=SOCKETS),
    "answers, then closes": Case(
        behave=lambda ask: (answer(ask), End.CLOSE),
        says=says(OK),
        lines=SOCKETS,
        by_line=dict.fromkeys(("listen", "listen+tcp"), says(OK, TIMEOUT)),
    ),
    "one behind, with the right number": Case(behave=one_behind, says=says(MISMATCH)),
    "does not heed the count": Case(
        behave=lambda ask: (answer(ask, count=10),), says=says(MISMATCH), later=says(OK)
    ),
    "one behind for ever": Case(
        behave=one_behind_from_silence, says=says(TIMEOUT), later=says(MISMATCH)
    ),
    "byte by byte": Case(behave=dribble, says=says(OK)),
    "two meters at once": Case(
        behave=collided, says=says(CRC, MISMATCH), later=says(CRC, MISMATCH), lines=SERIAL
    ),
    "two meters one behind the other": Case(
        behave=second_speaker,
        says=says(OK, MISMATCH),  # ok: the right answer came first and whole, the other behind it
        later=says(OK),
        by_line=dict.fromkeys(NUMBERED, says(OK)),
    ),
    "repeats the request": Case(
        behave=lambda ask: (Raw(ask.raw), answer(ask)), says=says(MISMATCH), lines=SERIAL
    ),
    "says the request and nothing else": Case(
        behave=lambda ask: (Raw(ask.raw),), says=says(MISMATCH)
    ),
}
