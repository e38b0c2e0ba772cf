"""A frame of a known meter as one line of a file: what correcting a wrong profile passes on (R17).

The server writes such lines with the raw words of its readings, `firmware-profiles redecode` turns
them into lines with values, and the server takes those as corrections.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import Frame, frame_json, parse_frame
from wire_contracts.payloads import dump_json, strict_json

LONGEST_LINE = 65_536
"""Bytes: a frame of 6144 raw bytes with every quantity and 64 events has a fifth of it."""

UNNUMBERED = 1
"""Seq of a frame in such a file: the numbers of the wire do not outlive the wire."""

UNKNOWN_DEVICE = "unknown"
"""Device of a frame whose meter no device is mapped to any more."""

_METER = "meter"
_PIECE = LONGEST_LINE + 2
_SEQ = "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFrame:
    """A frame, and the meter that its device was at that instant (RULINGS R13)."""

    meter_id: str
    frame: Frame


def dump_meter_frame(line: MeterFrame) -> bytes:
    """Return the line as JSON without its end of line; equal content gives equal bytes."""
    body = {name: value for name, value in frame_json(line.frame).items() if name != _SEQ}
    return dump_json({_METER: line.meter_id, **body})


def parse_meter_frame(place: str, data: bytes) -> MeterFrame:
    """Return the line; its fields are those of a frame, with `meter` and without `s`.

    Raises:
        ContractError: It is no JSON object of that form; the text names place and field.
    """
    reader = FieldReader(place=place, values=_parse_object(place, data))
    meter_id = reader.text(_METER, longest=40)
    if reader.has(_SEQ):
        raise reader.refuse(_SEQ, "is there", "leave it out", Code.FIELD_UNKNOWN)
    body = {name: value for name, value in reader.values.items() if name != _METER}
    frame = parse_frame(FieldReader(place=place, values={**body, _SEQ: UNNUMBERED}))
    return MeterFrame(meter_id=meter_id, frame=frame)


def frame_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers, without ends of line and empty ones.

    Of a line that is too long the first bytes come, one more than are allowed; the rest is passed
    over, so that it is neither held in memory nor taken for lines of its own.
    """
    number = 0
    while data := file.readline(_PIECE):
        number += 1
        rest = data
        while len(rest) == _PIECE and not rest.endswith(b"\n"):
            rest = file.readline(_PIECE)
        if data.strip():
            yield number, data.rstrip(b"\r\n")


def _parse_object(place: str, data: bytes) -> JsonObject:
    if len(data) > LONGEST_LINE:
        raise _refused(place, f"has {len(data)} bytes")
    try:
        value = strict_json(data)
    except (ValueError, RecursionError) as error:
        raise _refused(place, "is no JSON") from error
    if not isinstance(value, dict):
        raise _refused(place, "is no JSON object")
    return value


def _refused(place: str, problem: str) -> ContractError:
    return ContractError(
        place=place,
        field="line",
        problem=problem,
        remedy=f"write one JSON object of at most {LONGEST_LINE} bytes per line",
        code=Code.PAYLOAD_FORM,
    )
