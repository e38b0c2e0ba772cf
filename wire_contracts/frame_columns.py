"""Decides which frames of a batch are ordinary, and has those column by column.

Most of a gateway's life is ordinary, and one look at a column of fifty costs what a look at one
frame's field does. `frames` stays the judge: whatever is not ordinary is read there.
"""

from binascii import a2b_base64
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from math import isfinite
from operator import itemgetter, lt

from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import (
    EARLIEST_MS,
    EXACT,
    LATEST_MS,
    LONGEST_DEVICE,
    LONGEST_GROUP,
    LONGEST_PROFILE,
    LONGEST_RAW,
    MAX_FRAMES,
    MAX_SEQ,
    Batch,
    Frame,
    GapRecord,
    batch_of,
    parse_batch,
    parse_frame,
    parse_head,
    parse_item,
)
from wire_contracts.quantities import Quantity
from wire_contracts.quick_values import maker_of, quick_value

_REQUIRED = frozenset({"s", "d", "t", "p", "g", "v"})
_ALLOWED = _REQUIRED | {"raw", "h"}
_FIELDS = itemgetter("s", "d", "t", "p", "g", "v")
_KNOWN = frozenset(map(str, Quantity))
_FLOATS, _NUMBERS = {float}, {float, int}
_LATE_OR_NOT: tuple[JsonValue, ...] = (None, 0, 1)


@quick_value
class FrameColumns:
    """N ordinary frames: every value good, no event, a sane clock, nothing unknown.

    Attributes:
        seqs: N running numbers.
        devices: N serial numbers.
        instants_ms: N instants, milliseconds since 1970.
        profiles: N profiles with their revisions.
        groups: N register groups.
        names: N times the quantities that `values` has, in its order; at least one. Equal ones are
            the same object as a rule, here and in other messages.
        kinds: The different ones of `names`.
        values: N times quantity to value, by plain texts.
        raws: N times the register words; None: not sent.
    """

    seqs: Sequence[int]
    devices: Sequence[str]
    instants_ms: Sequence[int]
    profiles: Sequence[str]
    groups: Sequence[str]
    names: Sequence[tuple[str, ...]]
    kinds: Collection[tuple[str, ...]]
    values: Sequence[dict[str, float]]
    raws: Sequence[bytes | None]


_make_columns = maker_of(FrameColumns)
_NONE = FrameColumns(
    seqs=(),
    devices=(),
    instants_ms=(),
    profiles=(),
    groups=(),
    names=(),
    kinds=(),
    values=(),
    raws=(),
)


@quick_value
class SplitBatch:
    """A batch whose ordinary frames are columns.

    Attributes:
        gateway_id: Who sent it.
        epoch: Of its queue.
        seqs: Of everything in it, in the order of the message: ascending, none twice.
        columns: The ordinary frames.
        odd: The others, gap records, and what could not be read.
        root: The message, for who wants the whole of it as `parse_batch` has it.
    """

    gateway_id: str
    epoch: int
    seqs: Sequence[int]
    columns: FrameColumns
    odd: Batch
    root: FieldReader

    @property
    def gaps(self) -> Sequence[GapRecord]:
        """The gap records."""
        return self.odd.gaps

    @property
    def frame_count(self) -> int:
        """How many frames can be read."""
        return len(self.columns.seqs) + len(self.odd.frames)

    def whole(self) -> Batch:
        """Return the batch as every other reader has it."""
        return parse_batch(self.root)

    def frames(self, seqs: Iterable[int]) -> list[Frame]:
        """Return frames of the columns by their numbers, as every other reader has them."""
        readers = self.root.objects("f", longest=MAX_FRAMES)
        place = {seq: at for at, seq in enumerate(self.seqs)}
        return [parse_frame(readers[place[seq]]) for seq in seqs]


def split_batch(root: FieldReader) -> SplitBatch | None:
    """Return the batch in columns; None: `parse_batch` must judge it.

    That is one whose envelope is broken, or whose numbers do not ascend.
    """
    try:
        gateway_id, epoch = parse_head(root)
        bodies = root.array("f", longest=MAX_FRAMES)
        columns = ordinary_columns(bodies)
        if columns is not None:
            odd, seqs = Batch(gateway_id=gateway_id, epoch=epoch), columns.seqs
        else:
            columns, odd, seqs = _taken_apart(root, gateway_id, epoch)
    except ContractError:
        return None
    if not seqs or not all(map(lt, seqs, seqs[1:])):
        return None
    return SplitBatch(
        gateway_id=gateway_id, epoch=epoch, seqs=seqs, columns=columns, odd=odd, root=root
    )


def _taken_apart(
    root: FieldReader, gateway_id: str, epoch: int
) -> tuple[FrameColumns, Batch, Sequence[int]]:
    """Return the ordinary frames, the rest, and the numbers of all."""
    readers = root.objects("f", longest=MAX_FRAMES)
    is_plain = [_is_plain(tuple(reader.values)) for reader in readers]
    bodies = [reader.values for reader, plain in zip(readers, is_plain, strict=True) if plain]
    columns = ordinary_columns(bodies)
    if columns is None:
        is_plain = [ordinary_columns([reader.values]) is not None for reader in readers]
        bodies = [reader.values for reader, plain in zip(readers, is_plain, strict=True) if plain]
        columns = ordinary_columns(bodies) or _NONE
    odd = [parse_item(reader) for reader, plain in zip(readers, is_plain, strict=True) if not plain]
    numbers = iter(columns.seqs)
    others = iter(item.seq for item in odd)
    seqs = [next(numbers if plain else others) for plain in is_plain]
    return columns, batch_of(gateway_id, epoch, odd), seqs


def ordinary_columns(bodies: Sequence[JsonValue]) -> FrameColumns | None:
    """Return frames with which all is in order as columns; None when one is of another kind."""
    objects = [body for body in bodies if type(body) is dict]
    shapes: set[tuple[str, ...]] = set(map(tuple, objects))
    if not objects or len(objects) < len(bodies) or not all(map(_is_plain, shapes)):
        return None
    seqs, devices, instants_ms, profiles, groups, values = zip(*map(_FIELDS, objects), strict=True)
    if not (
        _are_whole(seqs, 1, MAX_SEQ)
        and _are_whole(instants_ms, EARLIEST_MS, LATEST_MS)
        and _are_texts(devices, LONGEST_DEVICE)
        and _are_texts(profiles, LONGEST_PROFILE)
        and _are_texts(groups, LONGEST_GROUP)
        and _are_marks(objects, shapes)
        and set(map(type, values)) == {dict}
    ):
        return None
    names = list(map(tuple, values))
    kinds = {said: _known(said) for said in set(names)}
    found = _floats(values) if all(kinds.values()) else None
    raws = _words(objects, shapes)
    if found is None or raws is None:
        return None
    return _make_columns(
        seqs=seqs,
        devices=devices,
        instants_ms=instants_ms,
        profiles=profiles,
        groups=groups,
        names=[kinds[said] for said in names] if len(kinds) > 1 else [*kinds.values()] * len(names),
        kinds=tuple(kinds.values()),
        values=found,
        raws=raws,
    )


@lru_cache(maxsize=1024)
def _is_plain(keys: tuple[str, ...]) -> bool:
    """Return whether a frame of these fields may be ordinary."""
    return frozenset(keys) >= _REQUIRED and frozenset(keys) <= _ALLOWED


@lru_cache(maxsize=4096)
def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names, the same object for all that are equal; none where one is not known."""
    return names if frozenset(names) <= _KNOWN else ()


def _are_whole(column: Sequence[JsonValue], low: int, high: int) -> bool:
    return set(map(type, column)) == {int} and low <= min(column) and max(column) <= high  # type: ignore[type-var,operator]  # whole numbers


def _are_texts(column: Sequence[JsonValue], longest: int) -> bool:
    if set(map(type, column)) != {str}:
        return False
    sizes = set(map(len, column))  # type: ignore[arg-type]  # texts
    return min(sizes) > 0 and max(sizes) <= longest and "\0" not in "".join(column)  # type: ignore[arg-type]  # as above


def _are_marks(bodies: Sequence[JsonObject], shapes: set[tuple[str, ...]]) -> bool:
    """Return whether "came late" says so or not, where it is said."""
    if not any("h" in shape for shape in shapes):
        return True
    marks = [body.get("h") for body in bodies]
    return all(type(mark) is not bool and type(mark) is not float for mark in marks) and all(
        mark in _LATE_OR_NOT for mark in marks
    )


def _floats(values: Sequence[dict[str, JsonValue]]) -> Sequence[dict[str, float]] | None:
    """Return the values as finite floats; None when one is none, or loses digits as one."""
    numbers = list(chain.from_iterable(map(dict.values, values)))
    kinds = set(map(type, numbers))
    if kinds == _FLOATS:
        return values if _are_finite(numbers) else None  # type: ignore[arg-type,return-value]  # floats
    if not kinds <= _NUMBERS or any(
        type(number) is int and not -EXACT < number < EXACT for number in numbers
    ):
        return None
    if not all(map(isfinite, numbers)):  # type: ignore[arg-type]  # numbers
        return None
    return [dict(zip(each, map(float, each.values()), strict=True)) for each in values]  # type: ignore[arg-type]  # numbers


def _are_finite(numbers: Sequence[float]) -> bool:
    """Return whether every number is finite: a sum that is says so of all of them."""
    return isfinite(sum(numbers)) or all(map(isfinite, numbers))


def _words(
    bodies: Sequence[JsonObject], shapes: set[tuple[str, ...]]
) -> Sequence[bytes | None] | None:
    """Return the register words of each; None when some cannot be read."""
    if not any("raw" in shape for shape in shapes):
        return [None] * len(bodies)
    texts = [body.get("raw") for body in bodies]
    sent = [text for text in texts if text is not None]
    if sent and not _are_texts(sent, LONGEST_RAW):
        return None
    try:
        return [None if text is None else a2b_base64(text, strict_mode=True) for text in texts]  # type: ignore[arg-type]  # texts
    except ValueError:
        return None
