"""Finds a numbered answer among a DTU's own words, which may stand before, behind and within it.

Modbus TCP has no checksum that could tell. What tells is the length: words that were put in push
the end of the answer out by as many bytes. Where that leaves more than one answer possible, or
where words of the answer may as well be the DTU's, there is none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from edge_gateway.links.dtu_signs import cut
from edge_gateway.links.mbap_frames import HEADER_BYTES
from edge_gateway.links.modbus_frames import BROKEN, Expected, Frame
from edge_gateway.links.torn_frames import Behind, what_is_behind

MOST_SIGNS = 3
"""Signs that are looked for in what one request brought; heartbeats are minutes apart."""

MOST_PLACES = 14
"""Where signs seem to stand in more places, nothing is believed: 470 ways are tried. Judgement."""

_EXCEPTION_BYTES = 3

Place = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a DTU's bytes hold.

    Attributes:
        frame: The answer; None: none that is certain.
        rest: What came behind it.
        is_open: Whether the answer's last bytes may be the beginning of a sign.
        is_doubtful: Whether there is an answer that cannot be told from a sign.
    """

    frame: Frame | None = None
    rest: bytes = b""
    is_open: bool = False
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One way to read the bytes: the answer, what is behind it, whether a sign stands in it."""

    frame: Frame
    rest: bytes
    is_suspect: bool


def has_sign(heard: bytes, signs: Sequence[bytes]) -> bool:
    """Return whether a sign stands in the bytes, or begins at their end."""
    return any(sign in heard for sign in signs) or ends_in_sign(heard, signs)


def ends_in_sign(heard: bytes, signs: Sequence[bytes]) -> bool:
    """Return whether the last bytes may be the beginning of a sign that is not whole yet."""
    return any(heard.endswith(sign[:size]) for sign in signs for size in range(1, len(sign)))


def find_signed(heard: bytes, expected: Expected, signs: Sequence[bytes]) -> Signed:
    """Return the answer that is in the bytes once signs are cut out, if it can be only one."""
    places = _places(heard, signs)
    if len(places) > MOST_PLACES:
        return Signed(is_doubtful=True)
    found = list(_readings(heard, expected, signs, places))
    if not found:
        return Signed()
    if len({each.frame.payload for each in found}) > 1 or all(each.is_suspect for each in found):
        return Signed(is_doubtful=True)
    best = next(each for each in found if not each.is_suspect)
    is_open = not best.rest and ends_in_sign(best.frame.raw, signs)
    return Signed(frame=best.frame, rest=best.rest, is_open=is_open)


def _readings(
    heard: bytes, expected: Expected, signs: Sequence[bytes], places: Sequence[Place]
) -> Iterator[_Reading]:
    for count in range(min(MOST_SIGNS, len(places)) + 1):
        for chosen in combinations(places, count):
            if all(one[1] <= other[0] for one, other in pairwise(chosen)):
                reading = _reading(cut(heard, chosen), expected, signs, is_cut=bool(chosen))
                if reading is not None:
                    yield reading


def _reading(
    data: bytes, expected: Expected, signs: Sequence[bytes], *, is_cut: bool
) -> _Reading | None:
    """Return the answer in bytes of which nothing is left over; None: they are none."""
    shape = expected.shape
    begin = expected.transaction.to_bytes(2, "big") + b"\0\0"
    answer = begin + shape.length.to_bytes(2, "big") + shape.head
    refusal = begin + bytes((0, _EXCEPTION_BYTES, shape.unit, shape.function | BROKEN))
    start, head = max((data.find(head), head) for head in (answer, refusal))
    if start < 0:
        return None
    end = start + HEADER_BYTES + (shape.length if head is answer else _EXCEPTION_BYTES)
    raw, rest = data[start:end], _without_begun(data[end:], signs)
    if len(data) < end or what_is_behind(raw, rest, expected) is not Behind.CLEAR:
        return None
    is_suspect = not is_cut and any(
        first < len(raw) and last > len(head) for first, last in _places(data[start:], signs)
    )
    number = expected.transaction
    frame = Frame(payload=raw[HEADER_BYTES:], raw=raw, end=end, transaction=number)
    return _Reading(frame=frame, rest=rest, is_suspect=is_suspect)


def _without_begun(rest: bytes, signs: Sequence[bytes]) -> bytes:
    """Return what is behind an answer without the beginning of a sign at its end."""
    sizes = {size for sign in signs for size in range(1, len(sign)) if rest.endswith(sign[:size])}
    return rest[: len(rest) - max(sizes, default=0)]


def _places(heard: bytes, signs: Sequence[bytes]) -> Sequence[Place]:
    """Return everywhere that a sign seems to stand, one over the other too, in order."""
    found: set[Place] = set()
    for sign in signs:
        start = heard.find(sign)
        while start >= 0:
            found.add((start, start + len(sign)))
            start = heard.find(sign, start + 1)
    return sorted(found)
