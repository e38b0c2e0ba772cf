"""The pages of a pull as bytes: written and deflated once, spliced into any tablet's answer."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from wire_contracts.pulls import BucketPage, PullAnswer, page_json, pull_json

GZIP_LEVEL: Final = 5
GZIP_MEMORY: Final = 5
"""Columns deflate to less than objects do (sync spec 3). Smaller memory makes shorter blocks, whose
codes fit one column each: 10,000 orders and the forms of the office take 1.76 MB in 0.17 s. Level 4
takes 1.81 MB in 0.11 s, and 1.8 MB are allowed; level 5 with memory 6 takes 1.79 MB in 0.17 s."""

_WINDOW: Final = -15
_SHORT_WINDOW: Final = -9
"""Raw deflate (RFC 1951), for pages and for the few words between them."""

_GZIP_WINDOW: Final = 31
"""zlib's word for the largest window in a gzip frame."""

_GZIP_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""RFC 1952 section 2.3: deflate, no name, no time, system unknown."""

_PAGES: Final = b'"buckets":[]'
"""Where the pages go; inside a text the quotes would be escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPage:
    """A page as JSON, and as a piece of a raw deflate stream that ends on a whole byte."""

    plain: bytes
    deflated: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAnswer:
    """The answer to a pull in pieces, in the order in which they go out."""

    pieces: Sequence[WrittenPage]

    @property
    def byte_count(self) -> int:
        """How long the JSON is."""
        return sum(len(each.plain) for each in self.pieces)

    def plain(self) -> bytes:
        """Return the JSON."""
        return b"".join(each.plain for each in self.pieces)

    def gzipped(self) -> bytes:
        """Return the JSON as one gzip member (RFC 1952)."""
        checksum = 0
        for each in self.pieces:
            checksum = zlib.crc32(each.plain, checksum)
        end = checksum.to_bytes(4, "little") + (self.byte_count % 2**32).to_bytes(4, "little")
        deflated = (each.deflated for each in self.pieces)
        return b"".join((_GZIP_HEAD, *deflated, _LAST_BLOCK, end))


_LAST_BLOCK: Final = b"\x03\0"
"""RFC 1951 section 3.2.3: the final block, with nothing in it."""


def written_page(page: BucketPage, protocol: int) -> WrittenPage:
    """Return the page as a tablet of that protocol is given it."""
    plain = orjson.dumps(page_json(page, protocol))
    return WrittenPage(plain=plain, deflated=_deflated(plain, _WINDOW))


def written_answer(
    answer: PullAnswer, pages: Sequence[WrittenPage], asked_token: str | None
) -> WrittenAnswer:
    """Return the answer with these pages; `wire_contracts.pulls.pull_json` says what is in it."""
    if not pages:
        return WrittenAnswer(pieces=[_words(orjson.dumps(pull_json(answer, asked_token)))])
    body = orjson.dumps(pull_json(answer))
    head, _, tail = body.partition(_PAGES)
    begin, end = _PAGES[:-1], _PAGES[-1:]
    return WrittenAnswer(
        pieces=[_words(head + begin), *_with_commas(pages), _words(end + tail)],
    )


def gzipped(plain: bytes) -> bytes:
    """Return any other answer as one gzip member."""
    deflater = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW, GZIP_MEMORY)
    return deflater.compress(plain) + deflater.flush()


def _with_commas(pages: Iterable[WrittenPage]) -> Iterable[WrittenPage]:
    for place, page in enumerate(pages):
        if place:
            yield _COMMA
        yield page


def _words(plain: bytes) -> WrittenPage:
    return WrittenPage(plain=plain, deflated=_deflated(plain, _SHORT_WINDOW))


def _deflated(plain: bytes, window: int) -> bytes:
    deflater = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, window, GZIP_MEMORY)
    return deflater.compress(plain) + deflater.flush(zlib.Z_FULL_FLUSH)


_COMMA: Final = _words(b",")
