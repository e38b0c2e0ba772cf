"""Decodes a file of stored frames again, line by line (RULINGS R17)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from firmware_profiles.errors import WordsError
from wire_contracts.errors import ContractError
from wire_contracts.meter_frames import (
    MeterFrame,
    dump_meter_frame,
    frame_lines,
    parse_meter_frame,
)

Complain = Callable[[str], None]
"""Takes one line for a person: which line was not decoded, and why."""


Progress = Callable[[int], None]
"""Takes how many lines are done."""

LINES_A_STEP = 10_000


class Decoder(Protocol):
    """What turns a line with words into one with values."""

    def redecode(self, line: MeterFrame) -> MeterFrame:
        """Return the line decoded again; raise WordsError when that cannot be done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecoded:
    """How many lines were written, and how many could not be decoded."""

    written_count: int
    failed_count: int


def redecode_file(
    decoder: Decoder, path: Path, out: BinaryIO, complain: Complain, progress: Progress
) -> Redecoded:
    """Write every line of a file that can be decoded again; name every other one.

    Raises:
        OSError: The file cannot be read, or `out` not written.
    """
    written = failed = 0
    with path.open("rb") as file:
        for number, data in frame_lines(file):
            place = f"{path}: line {number}"
            try:
                line = decoder.redecode(parse_meter_frame(place, data))
            except ContractError as error:
                failed += 1
                complain(str(error))
            except WordsError as error:
                failed += 1
                complain(f"{place}: {error}")
            else:
                written += 1
                out.write(dump_meter_frame(line) + b"\n")
            if number % LINES_A_STEP == 0:
                progress(number)
    return Redecoded(written_count=written, failed_count=failed)
