"""What a scan asks, in which order, and how what it found is shown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from edge_gateway.commands.calls import CallError
from edge_gateway.links.link_url import BAUDS, Parity, SerialLine
from wire_contracts.fields import JsonObject, JsonValue

HIGHEST_UNIT = 255
HIGHEST_SERIAL_UNIT = 247
"""Modbus over serial line 1.02, 2.2; on TCP all of 0..255 may be servers."""

AUTO = "auto"

AUTO_SETTINGS = (
    "9600N",
    "9600E",
    "19200E",
    "19200N",
    "2400E",
    "4800N",
    "4800E",
    "2400N",
    "38400N",
    "115200N",
    "1200E",
    "1200N",
)
"""What serial meters leave the factory with, the most usual first (judgement, from the register
maps that ship with Lamplighter: nine say 9600, three 2400, two 19200)."""

_SAID: Mapping[str, str] = {"words": "answers"}
"""Beside a number "words" would read as a count."""

_RANGE = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")
_SETTING = re.compile(r"([0-9]+)([NEO]?)([12]?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Somebody who answered.

    Attributes:
        address: Unit or address, as settings write it.
        line: How the line was set, such as `9600 8N1`; empty where that is not ours to set.
        answer: What came: `words`, `exception 2`, `two answers`, `garbled`, `another unit`, or what
            the meter says it is.
        is_late: Whether it came after its time: give this meter a longer time-out.
        milliseconds: From request to answer; None: late, or not measured.
        facts: What the meter said of itself.
        doubt: Why this may not be a meter, or not one alone; empty: no doubt.
    """

    address: str
    line: str = ""
    answer: str
    is_late: bool = False
    milliseconds: float | None = None
    facts: Mapping[str, str] | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan brought.

    Attributes:
        url: The line.
        asked_count: Addresses asked, over all settings of the line.
        is_complete: False when it was interrupted.
        found: Everybody, in the order of their addresses.
        seconds: Wall seconds that it took.
        fault: Why the line could not be used to the end; empty when it could.
    """

    url: str
    asked_count: int
    is_complete: bool
    found: Sequence[Found]
    seconds: float
    fault: str = ""


def parse_units(text: str, *, highest: int = HIGHEST_UNIT) -> tuple[int, ...]:
    """Return the units of `1-247` or `1,5,10-20`, ascending, each once.

    Raises:
        CallError: It is no list of units, or one is out of range.
    """
    units: set[int] = set()
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        low = int(found[1]) if found else -1
        high = int(found[2] or found[1]) if found else -1
        if not 0 <= low <= high <= highest:
            message = f"scan: units: {part!r} is no range; write 1-{min(highest, 247)}, or 1,5,7-9"
            raise CallError(message)
        units.update(range(low, high + 1))
    return tuple(sorted(units))


def parse_settings(text: str | None, line: SerialLine) -> tuple[SerialLine, ...]:
    """Return how the line is set, one after the other.

    Args:
        text: `auto`; or `9600,19200E`, a speed with or without parity and stop bits; None: as the
            URL says.
        line: What the URL says; it also gives what `text` leaves out.

    Raises:
        CallError: A speed or a setting is not known.
    """
    if text is None:
        return (line,)
    settings = AUTO_SETTINGS if text == AUTO else tuple(part.strip() for part in text.split(","))
    return tuple(_setting(each, line) for each in settings)


def setting_text(line: SerialLine) -> str:
    """Return `9600 8N1`."""
    return f"{line.baud} {line.databits}{line.parity}{line.stopbits}"


def _setting(text: str, line: SerialLine) -> SerialLine:
    found = _SETTING.fullmatch(text)
    if found is None or int(found[1]) not in BAUDS:
        known = ", ".join(str(baud) for baud in BAUDS)
        message = f"scan: bauds: {text!r} is not known; write auto, or a list of {known}"
        raise CallError(f"{message}, each with N, E or O behind it if it matters")
    return replace(
        line,
        baud=int(found[1]),
        parity=Parity(found[2]) if found[2] else line.parity,
        stopbits=int(found[3]) if found[3] else line.stopbits,
    )


def scan_json(scan: Scan) -> JsonObject:
    """Return what was found as one JSON object (docs/gateway.md)."""
    body: dict[str, JsonValue] = {
        "url": scan.url,
        "asked": scan.asked_count,
        "complete": scan.is_complete,
        "seconds": round(scan.seconds, 1),
        "found": [_found_json(each) for each in scan.found],
    }
    return body | {"fault": scan.fault} if scan.fault else body


def _found_json(found: Found) -> JsonObject:
    body: dict[str, JsonValue] = {"unit": found.address, "answer": found.answer}
    if found.line:
        body["line"] = found.line
    if found.is_late:
        body["late"] = True
    if found.milliseconds is not None:
        body["ms"] = round(found.milliseconds, 1)
    if found.facts:
        body["facts"] = dict(found.facts)
    if found.doubt:
        body["doubt"] = found.doubt
    return body


def scan_text(scan: Scan) -> Iterator[str]:
    """Yield the lines of the table, and what to make of them."""
    width = max([len(each.address) for each in scan.found], default=0)
    for found in scan.found:
        taken = "" if found.milliseconds is None else f"{found.milliseconds:5.0f} ms"
        late = "late: give it a longer time-out" if found.is_late else ""
        facts = ", ".join(f"{name} {value}" for name, value in (found.facts or {}).items())
        words = (
            f"{found.address:>{width}}",
            found.line,
            f"{_SAID.get(found.answer, found.answer):14}",
            taken,
            late,
            facts,
            found.doubt,
        )
        yield "  ".join(word for word in words if word).rstrip()
    yield from _hints(scan)
    ended = "" if scan.is_complete else ", the line was lost" if scan.fault else ", interrupted"
    yield f"{len(scan.found)} found, {scan.asked_count} asked, {scan.seconds:.0f} s{ended}"


def _hints(scan: Scan) -> Iterator[str]:
    is_all = len(scan.found) == scan.asked_count > 1
    if is_all and all(found.answer == "words" for found in scan.found):
        yield (
            "every unit asked answers: unless so many meters are there, this server does not look "
            "at the unit; ask it at 1 or 255"
        )
    if any(found.answer == "garbled" for found in scan.found):
        yield "garbled: two meters at one address, the wrong speed or parity, or a bad line"
    if any(found.answer == "two answers" for found in scan.found):
        yield "two answers: give each meter an address of its own; until then none of them is read"
    if any(found.answer == "another unit" for found in scan.found):
        yield "another unit: a serial server or a meter that puts its own number on every answer"
