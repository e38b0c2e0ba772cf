"""Decides the bytes in which PostgreSQL takes fresh rows of `reading`: its own form of COPY.

The driver makes them value by value, nulls too. Here a row is made of four pieces of which two are
those of the row before. The form: PostgreSQL 18 manual, COPY, "Binary Format"; in it each value
stands behind its length, and a null is the length -1.
"""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from operator import itemgetter
from struct import Struct
from typing import Final

from sync_server.db.arrival_rows import CHANNELS
from sync_server.db.bulk_io import Row
from sync_server.readings.fresh import FreshFrame
from sync_server.readings.raw_words import group_head
from sync_server.readings.reading_rows import revision_of
from wire_contracts.quantities import Quantity

HEAD: Final = ("meter_id", "profile", "revision", "measured_at_ms")
_NULL_LENGTH: Final = -1
_NUMBER_BYTES: Final = 8
_NULL: Final = Struct(">i").pack(_NULL_LENGTH)
_COUNT, _LENGTH, _WHOLE = Struct(">h"), Struct(">i"), Struct(">iqi")

_METER, _INSTANT, _NONE, _LONG, _SHORT, _FIRST = range(6)
"""Places of what a form takes its pieces from; the values begin at the last one."""


class _Form:
    """How a frame with values of some quantities becomes a row, and its row for detection."""

    def __init__(self, names: tuple[str, ...], columns: Sequence[str]) -> None:
        """Take the quantities of the values, in their order, and those that every row has."""
        place = {name: at for at, name in enumerate(names, start=_FIRST)}
        cells: list[int] = [_INSTANT]
        for name in columns:
            cells += (_LONG, place[name]) if name in place else (_SHORT,)
        self.cells = itemgetter(*cells)
        self.pack = Struct(">q" + "".join("id" if name in place else "i" for name in columns)).pack
        self.channels: Callable[[Row], Row] = itemgetter(
            _METER, _INSTANT, *(place.get(name, _NONE) for name in CHANNELS), _NONE
        )


class PackedReadings:
    """Fresh rows of `reading`, of meter after meter.

    Attributes:
        names: The columns that the rows have; all others are null.
        parts: The rows; any number of parts make one.
    """

    def __init__(self, kinds: Collection[tuple[str, ...]], encoding: str) -> None:
        """Take the quantities that frames may have, and how texts are sent."""
        said = {name for names in kinds for name in names}
        columns = [str(name) for name in Quantity if name in said]
        self.names = (*HEAD, *columns, "raw")
        self.parts: list[bytes] = []
        self._encoding = encoding
        self._forms = {names: _Form(names, columns) for names in kinds}

    def add(self, meter_id: str, frames: Sequence[FreshFrame], arrived: list[Row]) -> None:
        """Append the rows of a meter, and to `arrived` those for detection (`arrival_rows`)."""
        name_before: tuple[str, ...] = ()
        profile_before = group_before = ""
        form, head, words = _NO_FORM, b"", b""
        size_before = -1
        for at_ms, names, values, profile, group, raw in frames:
            if names is not name_before:
                form, name_before = self._forms[names], names
            if profile != profile_before:
                head, profile_before = self._head(meter_id, profile), profile
            cells = (meter_id, at_ms, None, _NUMBER_BYTES, _NULL_LENGTH, *values.values())
            arrived.append(form.channels(cells))
            if raw is None:
                self.parts += (head, form.pack(*form.cells(cells)), _NULL)
                continue
            if group != group_before or len(raw) != size_before:
                group_before, size_before = group, len(raw)
                words = _words_head(group, size_before)
            self.parts += (head, form.pack(*form.cells(cells)), words, raw)

    def _head(self, meter_id: str, profile: str) -> bytes:
        """Return a row as far as its meter and profile decide it."""
        meter, text = meter_id.encode(self._encoding), profile.encode(self._encoding)
        return b"".join(
            (
                _COUNT.pack(len(self.names)),
                *(_LENGTH.pack(len(meter)), meter, _LENGTH.pack(len(text)), text),
                _WHOLE.pack(_NUMBER_BYTES, revision_of(profile), _NUMBER_BYTES),
            )
        )


_NO_FORM = _Form((), ())


@lru_cache(maxsize=4096)
def _words_head(group: str, size: int) -> bytes:
    head = group_head(group, size)
    return _LENGTH.pack(len(head) + size) + head
