"""Register words as they came from the wire: spans, images, and the frame's packed `raw`."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from firmware_profiles.errors import WordsError

WordAddress = tuple[int, int]
"""(space, zero-based address); the space of a Span, which is the function code for most meters."""

WordImage = Mapping[WordAddress, int]
"""What was read: word 0..65535 per address; for function codes 1 and 2 a bit, 0 or 1."""

HIGHEST_WORD = 0xFFFF
HIGHEST_ADDRESS = 0xFFFF
READ_BITS = frozenset({1, 2})
"""Function codes that read coils and discrete inputs; V1.1b3, 6.1 and 6.2."""

HIGHEST_UNIT_OFFSET = 246
"""Device addresses are 1 to 247; Modbus over Serial Line V1.02, 2.2."""

_UNIT_STEP = 0x100
_OTHER_UNIT = 0x80
"""Marks a run of another unit in packed words; no function code has this bit (V1.1b3, 4.1)."""

MAX_RAW_BYTES = 6144
"""8192 characters of base64, the limit of a frame's `raw` in wire_contracts.frames."""

_CODE = struct.Struct(">B")
_CODE_UNIT = struct.Struct(">BB")
_RANGE = struct.Struct(">HH")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Neighbouring words that must be read by one request.

    Attributes:
        unit_offset: Added to the meter's device address: some meters answer at several in a
            row and keep other registers behind each (`unit_id_offset` of a profile).
        function_code: Of the request.
        address: Zero-based address of the first word.
        word_count: Words, or bits for function codes 1 and 2.
    """

    unit_offset: int = 0
    function_code: int
    address: int
    word_count: int

    @property
    def space(self) -> int:
        """Return what spans must share to be read by one request: unit offset and function code.

        Without an offset it is the function code itself.
        """
        return self.unit_offset * _UNIT_STEP + self.function_code

    @property
    def end(self) -> int:
        """Return the first address behind the span."""
        return self.address + self.word_count

    def addresses(self) -> Iterator[WordAddress]:
        """Return the address of every word, ascending."""
        space = self.space
        return ((space, address) for address in range(self.address, self.end))


class BlockImage(Mapping[WordAddress, int]):
    """The words of one block that was answered whole; each is found by its place."""

    __slots__ = ("block", "words")

    def __init__(self, block: Span, words: Sequence[int]) -> None:
        """Take as many words as the block has; raise WordsError for another number."""
        if len(words) != block.word_count:
            message = f"{len(words)} words, not the {block.word_count} of {block}; read them again"
            raise WordsError(message)
        self.block = block
        self.words = words

    def __getitem__(self, at: WordAddress) -> int:  # type: ignore[explicit-override]  # Python 3.12
        """Return the word at an address; raise KeyError when the block does not hold it."""
        place = at[1] - self.block.address
        if at[0] != self.block.space or not 0 <= place < self.block.word_count:
            raise KeyError(at)
        return self.words[place]

    def __iter__(self) -> Iterator[WordAddress]:  # type: ignore[explicit-override]  # Python 3.12
        """Return the address of every word, ascending."""
        return self.block.addresses()

    def __len__(self) -> int:  # type: ignore[explicit-override]  # Python 3.12
        """Return how many words there are."""
        return self.block.word_count


def span_in(space: int, address: int, word_count: int) -> Span:
    """Return a span by its space instead of unit offset and function code."""
    unit_offset, function_code = divmod(space, _UNIT_STEP)
    return Span(
        unit_offset=unit_offset,
        function_code=function_code,
        address=address,
        word_count=word_count,
    )


_LONGEST_HEAD = 8
"""More than the bytes before the words of a run."""


def pack_words(image: WordImage) -> bytes:
    """Return the words as runs: function code, address, count, then the words, big-endian.

    A run of another unit has bit 7 of its function code set, and a byte with the unit offset
    behind it. Equal images give equal bytes, whatever their order.

    Raises:
        WordsError: A word or an address is out of range, or the result is over MAX_RAW_BYTES.
    """
    packed = b"".join([_packed_run(image, run) for run in _runs(sorted(image))])
    if len(packed) > MAX_RAW_BYTES:
        message = f"raw words: {len(packed)} bytes are over {MAX_RAW_BYTES}; split the group"
        raise WordsError(message)
    return packed


@lru_cache(maxsize=256)
def _words_struct(count: int) -> struct.Struct:
    """Return what packs so many words, made once."""
    return struct.Struct(f">{count}H")


def pack_block(block: Span, words: Sequence[int]) -> bytes:
    """Return the words of one block as `pack_words` packs them, in a quarter of its time.

    Raises:
        WordsError: A word or an address is out of range, or the result is over MAX_RAW_BYTES.
    """
    is_whole = 0 < len(words) == block.word_count and 2 * len(words) < MAX_RAW_BYTES - _LONGEST_HEAD
    if not (is_whole and block.end <= HIGHEST_ADDRESS + 1):
        return pack_words(dict(zip(block.addresses(), words, strict=True)))
    try:
        return _packed_head(block) + _words_struct(len(words)).pack(*words)
    except struct.error:
        return pack_words(dict(zip(block.addresses(), words, strict=True)))


def unpack_words(packed: bytes) -> dict[WordAddress, int]:
    """Return the image that was packed.

    Raises:
        WordsError: The bytes are cut short, over the limit, or name one word twice.
    """
    if len(packed) > MAX_RAW_BYTES:
        message = f"raw words: {len(packed)} bytes are over {MAX_RAW_BYTES}; refuse the frame"
        raise WordsError(message)
    image: dict[WordAddress, int] = {}
    position = 0
    while position < len(packed):
        span, position = _parse_head(packed, position)
        words = struct.unpack_from(f">{span.word_count}H", packed, position)
        position += 2 * span.word_count
        for at, word in zip(span.addresses(), words, strict=True):
            if at in image:
                message = f"raw words: address {at} comes twice; refuse the frame"
                raise WordsError(message)
            image[at] = word
    return image


def _runs(ordered: Sequence[WordAddress]) -> list[Sequence[WordAddress]]:
    """Return neighbours together, from addresses in their order."""
    for at in (ordered[0], ordered[-1]) if ordered else ():
        _check_address(*at)
    first = 0
    runs: list[Sequence[WordAddress]] = []
    while first < len(ordered):
        (space, address), last = ordered[first], len(ordered)
        if ordered[-1] != (space, address + last - first - 1):
            last = first + 1
            while last < len(ordered) and ordered[last] == (space, address + last - first):
                last += 1
        _check_address(*ordered[first])
        _check_address(*ordered[last - 1])
        runs.append(ordered[first:last])
        first = last
    return runs


def _packed_run(image: WordImage, run: Sequence[WordAddress]) -> bytes:
    space, address = run[0]
    head = _packed_head(span_in(space, address, len(run)))
    words = [image[at] for at in run]
    try:
        return head + struct.pack(f">{len(words)}H", *words)
    except struct.error:
        word, at = next((image[at], at) for at in run if not 0 <= image[at] <= HIGHEST_WORD)
        message = f"raw words: {word} at {at} is no 16-bit word; use 0..65535"
        raise WordsError(message) from None


def _check_address(space: int, address: int) -> None:
    unit_offset, function_code = divmod(space, _UNIT_STEP)
    is_space = 0 <= unit_offset <= HIGHEST_UNIT_OFFSET and function_code < _OTHER_UNIT
    if not (is_space and 0 <= address <= HIGHEST_ADDRESS):
        message = f"raw words: ({space}, {address}) is no word address; use 0..65535"
        raise WordsError(message)


def _packed_head(run: Span) -> bytes:
    if run.unit_offset:
        code = _CODE_UNIT.pack(run.function_code | _OTHER_UNIT, run.unit_offset)
    else:
        code = _CODE.pack(run.function_code)
    return code + _RANGE.pack(run.address, run.word_count)


def _parse_head(packed: bytes, position: int) -> tuple[Span, int]:
    """Return the run that begins at a position, and the position of its first word."""
    has_unit = bool(packed[position] & _OTHER_UNIT)
    start = position + (_CODE_UNIT.size if has_unit else _CODE.size)
    words_at = start + _RANGE.size
    if words_at <= len(packed):
        address, count = _RANGE.unpack_from(packed, start)
        unit_offset = packed[position + 1] if has_unit else 0
        is_unit = (1 if has_unit else 0) <= unit_offset <= HIGHEST_UNIT_OFFSET
        is_whole = 2 * count <= len(packed) - words_at
        if is_unit and is_whole and 0 < count <= HIGHEST_ADDRESS + 1 - address:
            span = Span(
                unit_offset=unit_offset,
                function_code=packed[position] & ~_OTHER_UNIT,
                address=address,
                word_count=count,
            )
            return span, words_at
    message = f"raw words: cut short or malformed at byte {position}; refuse the frame"
    raise WordsError(message)
