"""Register words as they came from the wire: spans, images, and the frame's packed `raw`."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firmware_profiles.errors import WordsError

WordAddress = tuple[int, int]
"""(function code, zero-based address)."""

WordImage = Mapping[WordAddress, int]
"""What was read: word 0..65535 per address; for function codes 1 and 2 a bit, 0 or 1."""

HIGHEST_WORD = 0xFFFF
HIGHEST_ADDRESS = 0xFFFF
_HIGHEST_FUNCTION = 0xFF

MAX_RAW_BYTES = 6144
"""8192 characters of base64, the limit of a frame's `raw` in wire_contracts.frames."""

_HEAD = struct.Struct(">BHH")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """Neighbouring words that must be read by one request."""

    function_code: int
    address: int
    word_count: int

    @property
    def end(self) -> int:
        """Return the first address behind the span."""
        return self.address + self.word_count

    def addresses(self) -> Iterator[WordAddress]:
        """Return the address of every word, ascending."""
        return ((self.function_code, address) for address in range(self.address, self.end))


def pack_words(image: WordImage) -> bytes:
    """Return the words as runs: function code, address, count, then the words, big-endian.

    Equal images give equal bytes, whatever their order.

    Raises:
        WordsError: A word or an address is out of range, or the result is over MAX_RAW_BYTES.
    """
    packed = b"".join(
        _HEAD.pack(run.function_code, run.address, run.word_count)
        + b"".join(_word_bytes(image, at) for at in run.addresses())
        for run in _runs(image)
    )
    if len(packed) > MAX_RAW_BYTES:
        message = f"raw words: {len(packed)} bytes are over {MAX_RAW_BYTES}; split the group"
        raise WordsError(message)
    return packed


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
        span = _parse_head(packed, position)
        position += _HEAD.size
        words = struct.unpack_from(f">{span.word_count}H", packed, position)
        position += 2 * span.word_count
        for at, word in zip(span.addresses(), words, strict=True):
            if at in image:
                message = f"raw words: address {at} comes twice; refuse the frame"
                raise WordsError(message)
            image[at] = word
    return image


def _runs(image: WordImage) -> list[Span]:
    runs: list[Span] = []
    for function_code, address in sorted(image):
        _check_address(function_code, address)
        last = runs[-1] if runs else None
        if last and last.function_code == function_code and last.end == address:
            runs[-1] = Span(
                function_code=function_code, address=last.address, word_count=last.word_count + 1
            )
        else:
            runs.append(Span(function_code=function_code, address=address, word_count=1))
    return runs


def _check_address(function_code: int, address: int) -> None:
    if not (0 <= function_code <= _HIGHEST_FUNCTION and 0 <= address <= HIGHEST_ADDRESS):
        message = f"raw words: ({function_code}, {address}) is no word address; use 0..65535"
        raise WordsError(message)


def _word_bytes(image: WordImage, at: WordAddress) -> bytes:
    word = image[at]
    if not 0 <= word <= HIGHEST_WORD:
        message = f"raw words: {word} at {at} is no 16-bit word; use 0..65535"
        raise WordsError(message)
    return word.to_bytes(2, "big")


def _parse_head(packed: bytes, position: int) -> Span:
    rest = len(packed) - position
    if rest >= _HEAD.size:
        function_code, address, count = _HEAD.unpack_from(packed, position)
        if 2 * count <= rest - _HEAD.size and 0 < count <= HIGHEST_ADDRESS + 1 - address:
            return Span(function_code=function_code, address=address, word_count=count)
    message = f"raw words: cut short or malformed at byte {position}; refuse the frame"
    raise WordsError(message)
