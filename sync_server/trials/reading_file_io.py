"""Reads a file of readings lot by lot, in the order of arrival, from any byte on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sync_server.trials.reading_lines import ReadingLine
from sync_server.trials.trial_errors import TrialError, refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Readings that arrived before the same look; `end_offset` is where the next lot begins.

    `end_line` is the number of the lot's last line; `look_at_ms` is when detection looks next.
    """

    lines: Sequence[ReadingLine]
    look_at_ms: int
    end_offset: int
    end_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to begin: byte, number of the line before it, newest arrival before it."""

    offset: int = 0
    line: int = 0
    received_at_ms: int = 0


def read_lots(
    path: Path,
    begin: Place,
    parse: Callable[[str, bytes], ReadingLine],
    look_after: Callable[[int], int],
) -> Iterator[Lot]:
    """Yield the readings of each look, ascending in arrival.

    Args:
        path: One JSON object a line, as `eval/replay.py` writes them.
        begin: Where to begin.
        parse: Reads a line, given its place.
        look_after: Returns the instant of the first look after an arrival, in ms.

    Raises:
        TrialError: A line cannot be used, or is not in the order of arrival.
    """
    lines: list[ReadingLine] = []
    offset, number, received_at_ms = begin.offset, begin.line, begin.received_at_ms
    look_at_ms = 0
    try:
        with path.open("rb") as file:
            file.seek(offset)
            for raw in file:
                number += 1
                if not raw.strip():
                    offset += len(raw)
                    continue
                place = f"{path.name}: line {number}"
                line = parse(place, raw)
                if line.received_at_ms < received_at_ms:
                    raise refused(
                        place, "recv", "is before the line above", "sort the file by recv"
                    )
                received_at_ms = line.received_at_ms
                if lines and received_at_ms >= look_at_ms:
                    yield Lot(
                        lines=lines, look_at_ms=look_at_ms, end_offset=offset, end_line=number - 1
                    )
                    lines = []
                if not lines:
                    look_at_ms = look_after(received_at_ms)
                lines.append(line)
                offset += len(raw)
    except OSError as error:
        raise TrialError(
            f"{path.name}: file: cannot be read ({error}); give a readable file"
        ) from error
    if lines:
        yield Lot(lines=lines, look_at_ms=look_at_ms, end_offset=offset, end_line=number)
