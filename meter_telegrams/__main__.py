"""The command meter-telegrams: what a telegram says, or why it is refused."""

import argparse
import base64
import json
import os
import string
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from meter_telegrams.cjt188.telegram import (
    Cjt188Telegram,
    cjt188_json,
    decode_cjt188,
    quantities_of,
)
from meter_telegrams.errors import RefusedTelegramError, TelegramError
from meter_telegrams.mbus.ciphers import KEY_SIZE
from meter_telegrams.mbus.frames import split_frames
from meter_telegrams.mbus.joining import joined
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.records.compact_formats import NO_FORMATS, Formats, learnt
from meter_telegrams.records.telegram import Telegram
from meter_telegrams.telegram_json import shown, telegram_json
from meter_telegrams.telegram_meaning import Meaning, meaning_of
from meter_telegrams.wmbus.telegram import decode_wmbus
from wire_contracts.payloads import dump_json

_OK, _REFUSED, _WRONG_CALL = 0, 1, 2
_STANDARD_INPUT = "-"
_COMPACT_CI = frozenset({0x73, 0x79, 0x7B})

_GIVEN = "hexadecimal; or a file, - for standard input, with one a line: hexadecimal or JSON"


class _CallError(ValueError):
    """An argument that is neither telegrams nor a file of them, or no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One telegram as given: where it stands, its bytes, and its key where it has one.

    A JSON object is a case of its own: its telegrams are joined with nobody else's.
    """

    place: str
    telegram: bytes
    key: bytes | None = None
    is_case: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when every telegram was read, 1 refused, 2 wrong call."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
    except _CallError as error:
        print(error, file=sys.stderr)
        return _WRONG_CALL
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _OK
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="meter-telegrams", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    decode = commands.add_parser("decode", help="what telegrams say, or why they are refused")
    buses = decode.add_subparsers(required=True, metavar="BUS")
    for bus, run, about in (
        ("mbus", _decode_mbus, "wired M-Bus frames, from 68 to 16"),
        ("wmbus", _decode_wmbus, "wireless M-Bus telegrams, from the length byte"),
    ):
        one = buses.add_parser(bus, help=about)
        one.add_argument("telegram", help=_GIVEN)
        one.add_argument("--key", help="the meter's AES key, 32 hexadecimal digits")
        one.add_argument("--json", action="store_true", help="one JSON object a telegram")
        one.set_defaults(run=run)
    one = buses.add_parser("cjt188", help="CJ/T 188 answers with meter data, from 68 to 16")
    one.add_argument("telegram", help=_GIVEN)
    one.add_argument("--json", action="store_true", help="one JSON object a telegram")
    one.set_defaults(run=_decode_cjt188)
    return parser


def _decode_mbus(options: argparse.Namespace) -> int:
    """Print each answer; telegrams that announce more records are joined with the next."""
    key = _key(options.key)
    status = _OK
    begun: list[Telegram] = []
    lines = [each for line in _lines(options.telegram) for each in _frames(line)]
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        try:
            telegram = decode_mbus(line.telegram, key=line.key or key)
            if begun and telegram.address != begun[0].address:
                _print(joined(begun), is_json=options.json)
                begun = []
            begun.append(telegram)
            if begun[-1].has_more and after is not None and _is_one_answer(line, after):
                continue
            _print(joined(begun), is_json=options.json)
        except RefusedTelegramError as error:
            status = _refuse(line, error)
        begun = []
    return status


def _is_one_answer(line: _Line, after: _Line) -> bool:
    """Return whether two telegrams may be of one answer: no case, or both of the same."""
    return line.place == after.place or not (line.is_case or after.is_case)


def _frames(line: _Line) -> list[_Line]:
    """Return the frames of a line: the raw bytes of a stored readout are several."""
    try:
        frames = split_frames(line.telegram)
    except RefusedTelegramError:
        return [line]
    return [replace(line, telegram=frame) for frame in frames]


def _decode_wmbus(options: argparse.Namespace) -> int:
    """Print each telegram; full ones teach the formats of the compact ones behind them."""
    key = _key(options.key)
    status = _OK
    formats: Formats = NO_FORMATS
    for line in _lines(options.telegram):
        try:
            telegram = decode_wmbus(line.telegram, key=line.key or key, formats=formats)
        except RefusedTelegramError as error:
            status = _refuse(line, error)
            continue
        if telegram.ci not in _COMPACT_CI:
            formats = learnt(telegram, formats)
        _print(telegram, is_json=options.json)
    return status


def _decode_cjt188(options: argparse.Namespace) -> int:
    """Print each answer; on which side of the values the units stand, the data say."""
    status = _OK
    for line in _lines(options.telegram):
        try:
            telegram = decode_cjt188(line.telegram)
        except TelegramError as error:
            status = _refuse(line, error)
            continue
        if options.json:
            sys.stdout.write(dump_json(cjt188_json(telegram)).decode() + "\n")
        else:
            _print_cjt188(telegram)
    return status


def _refuse(line: _Line, error: TelegramError) -> int:
    where = f"{line.place}: " if line.place else ""
    code = f" [{error.code}]" if isinstance(error, RefusedTelegramError) else ""
    print(f"{where}{error}{code}", file=sys.stderr)
    return _REFUSED


def _lines(given: str) -> list[_Line]:
    """Return the telegrams of the argument: hexadecimal itself, or the name of a file."""
    if _is_hex(given):
        return [_Line(place="", telegram=_bytes(given, "telegram"))]
    place = "standard input" if given == _STANDARD_INPUT else given
    rows = [_line(row, f"{place}:{number}") for number, row in enumerate(_rows(given), 1)]
    found = [line for line in rows if line.telegram]
    if not found:
        message = f"{place}: telegrams: there are none; write one a line, hexadecimal or JSON"
        raise _CallError(message)
    return found


def _rows(given: str) -> list[str]:
    if given == _STANDARD_INPUT:
        return sys.stdin.read().splitlines()
    if not given.strip():
        message = "telegram: is empty; give hexadecimal digits, a file or - for standard input"
        raise _CallError(message)
    try:
        return Path(given).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        message = f"{given}: is neither hexadecimal nor a file with telegrams: {error}"
        raise _CallError(message) from error


def _line(row: str, place: str) -> _Line:
    """Return a row: hexadecimal, or a JSON object that holds it; without a telegram: nothing."""
    if not row.lstrip().startswith("{"):
        return _Line(place=place, telegram=_bytes(row.split("#", maxsplit=1)[0], place))
    try:
        body = json.loads(row)
    except ValueError as error:
        message = f"{place}: telegram: is no JSON object: {error}; write one object a line"
        raise _CallError(message) from error
    key = body.get("key")
    return _Line(
        place=place,
        telegram=_held(body, place),
        key=_key(key, place) if isinstance(key, str) else None,
        is_case=True,
    )


def _held(body: Mapping[str, object], place: str) -> bytes:
    for name in ("telegram", "hex"):
        text = body.get(name)
        if isinstance(text, str):
            return _bytes(text, place)
    raw = body.get("raw")
    if isinstance(raw, str):
        return _unpacked(raw, place)
    message = f"{place}: telegram: is missing; give it as `telegram`, `hex`, or `raw` in base64"
    raise _CallError(message)


def _unpacked(raw: str, place: str) -> bytes:
    try:
        return base64.b64decode(raw, validate=True)
    except ValueError as error:
        message = f"{place}: raw: {error}; it is the base64 of a stored frame"
        raise _CallError(message) from error


def _is_hex(text: str) -> bool:
    plain = "".join(text.split())
    return bool(plain) and all(letter in string.hexdigits for letter in plain)


def _bytes(text: str, place: str) -> bytes:
    try:
        return bytes.fromhex("".join(text.split()))
    except ValueError as error:
        message = f"{place}: bytes: are not whole; write pairs of hexadecimal digits"
        raise _CallError(message) from error


def _key(text: str | None, place: str = "--key") -> bytes | None:
    if text is None:
        return None
    if not _is_hex(text) or len(text) != 2 * KEY_SIZE:
        message = f"{place}: key: has {len(text)} characters; give 32 hexadecimal digits"
        raise _CallError(message)
    return bytes.fromhex(text)


def _print(telegram: Telegram, *, is_json: bool) -> None:
    meaning = meaning_of(telegram)
    if is_json:
        sys.stdout.write(dump_json(telegram_json(telegram, meaning)).decode() + "\n")
        return
    _print_head(telegram)
    for record in telegram.records:
        where = f"{record.storage}/{record.tariff}/{record.subunit}"
        name = f"{record.measure} {record.name}".strip()
        modified = ", ".join(f"{each.kind} {each.detail}".strip() for each in record.modifiers)
        value = f"({record.error})" if record.value is None else shown(record.value)
        row = f"  {record.function:22} {where:7} {name:26} {value} {record.unit}  {modified}"
        print(row.rstrip())
    _print_meaning(meaning)


def _print_cjt188(telegram: Cjt188Telegram) -> None:
    frame, reading = telegram.frame, telegram.reading
    clock = "none" if reading.clock is None else reading.clock.isoformat(sep=" ")
    print(f"{frame.meter_type:02X}:{frame.address}: {telegram.profile}; clock {clock}")
    for name, value in sorted(reading.local.items()):
        print(f"  {name:24} {value}")
    for quantity in quantities_of(reading):
        shown_value = reading.values.get(quantity, "-")
        print(f"  => {quantity:21} {shown_value}  {reading.quality.get(quantity, 'good')}")
    for event in reading.events:
        print(f"  => event {event}")


def _print_head(telegram: Telegram) -> None:
    meter = "unnamed meter"
    if telegram.address is not None:
        address = telegram.address
        meter = f"{address.identification} {address.manufacturer} version {address.version}"
    status = "none" if telegram.status is None else f"{telegram.status:02X}"
    print(f"{meter}: {telegram.medium}; access {telegram.access_no}, status {status}")
    for note in telegram.notes:
        print(f"  note: {note}")


def _print_meaning(meaning: Meaning) -> None:
    for name in sorted({*meaning.values, *meaning.quality}):
        value = meaning.values.get(name, "-")
        print(f"  => {name:21} {value}  {meaning.quality.get(name, 'good')}")
    for event in meaning.events:
        print(f"  => event {event}")


if __name__ == "__main__":
    sys.exit(main())
