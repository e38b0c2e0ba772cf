"""The two forms of a payload on MQTT: plain JSON, or the same bytes deflated (RULINGS R12)."""

import json
import zlib
from collections.abc import Callable

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject

MAX_WIRE_BYTES = 64 * 1024
"""Largest batch on the wire, RULINGS R12."""

MAX_INFLATED_BYTES = 1024 * 1024
"""Largest inflated payload, RULINGS R12: a bomb is refused, not inflated."""

COMPRESS_ABOVE_BYTES = 1024
"""Below this zlib saves nothing worth its unreadable form; gateway notes section 3.3."""

_ENCODER = json.JSONEncoder(
    separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False
)
_JSON_FIRST = 0x7B
_ZLIB_FIRST = 0x78


def dump_json(value: JsonObject) -> bytes:
    """Return compact UTF-8 JSON with sorted keys, so that equal content has equal bytes."""
    return _ENCODER.encode(value).encode()


def pack(plain: bytes) -> bytes:
    """Return the payload as it travels: as it is when short, zlib otherwise."""
    return zlib.compress(plain, 1) if len(plain) > COMPRESS_ABOVE_BYTES else plain


def _inflate(place: str, payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(payload, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise _refused(place, f"is not valid zlib ({error})", Code.PAYLOAD_FORM) from error
    if inflater.unconsumed_tail:
        raise _refused(place, "inflates to over 1 MiB", Code.PAYLOAD_TOO_LARGE)
    if not inflater.eof:
        raise _refused(place, "ends in the middle of the zlib stream", Code.PAYLOAD_FORM)
    return plain


def _refused(place: str, problem: str, code: Code) -> ContractError:
    return ContractError(
        place=place,
        field="payload",
        problem=problem,
        remedy="send one JSON object, plain or deflated, of at most 64 KiB",
        code=code,
    )


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def unpack(
    place: str, payload: bytes, quick_loads: Callable[[bytes], object] | None = None
) -> FieldReader:
    """Return a reader over the JSON object in `payload`.

    Args:
        place: Who sent it, for the error.
        payload: Plain JSON, or deflated.
        quick_loads: See `read_json`.

    Raises:
        ContractError: The payload is empty, too large, of another form or not one JSON object.
    """
    if len(payload) > MAX_INFLATED_BYTES:
        raise _refused(place, f"has {len(payload)} bytes", Code.PAYLOAD_TOO_LARGE)
    first = payload[0] if payload else None
    if first == _ZLIB_FIRST:
        payload = _inflate(place, payload)
    elif first != _JSON_FIRST:
        raise _refused(place, f"begins with {payload[:1]!r}", Code.PAYLOAD_FORM)
    return read_json(place, payload, quick_loads)


def read_json(
    place: str, plain: bytes, quick_loads: Callable[[bytes], object] | None = None
) -> FieldReader:
    """Return a reader over one plain JSON object; NaN and Infinity are refused.

    Args:
        place: Who sent it, for the error.
        plain: The JSON text.
        quick_loads: A faster JSON reader that a part brings with it. What it refuses with
            ValueError is read again by the standard library, so that the verdict is the same.

    Raises:
        ContractError: It is not one JSON object.
    """
    value = _quickly(plain, quick_loads)
    if value is None:
        try:
            value = strict_json(plain)
        except (ValueError, RecursionError) as error:
            problem = f"is not valid JSON ({str(error)[:80]})"
            raise _refused(place, problem, Code.JSON_SYNTAX) from error
    if not isinstance(value, dict):
        raise _refused(place, "is not a JSON object", Code.JSON_SYNTAX)
    return FieldReader(place=place, values=value)


_ONLY_DIGITS = bytes(ord("0") if chr(byte).isdecimal() else 0 for byte in range(128)).ljust(
    256, b"\0"
)
"""Makes every digit a nought and everything else no digit."""


def has_digits(plain: bytes, count: int) -> bool:
    """Return whether so many digits stand in a row anywhere in the text."""
    return b"0" * count in plain.translate(_ONLY_DIGITS)


def strict_json(plain: bytes) -> object:
    """Return what a JSON text in UTF-8 says.

    Half of a surrogate pair is refused, which no file or database takes: `json.loads` of bytes
    would let it pass as three bytes, and as UTF-16.

    Raises:
        ValueError: It is something else, or holds NaN, Infinity or half a character.
        RecursionError: It is nested too deeply.
    """
    text = plain.decode()
    value: object = json.loads(text, parse_constant=_refuse_constant)
    if "\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _quickly(plain: bytes, quick_loads: Callable[[bytes], object] | None) -> object:
    if quick_loads is None:
        return None
    try:
        return quick_loads(plain)
    except ValueError:
        return None
