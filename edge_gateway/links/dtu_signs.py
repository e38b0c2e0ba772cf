"""Decides which bytes of a DTU's stream are its own: registration and heartbeat, told or learnt.

A sign is cut out of an answer only where the answer is not right with it and right without it, so
that data which happens to look like a heartbeat stays where it is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice

MOST_LEARNT = 4
SHORTEST_LEARNT = 2
LONGEST_LEARNT = 64
"""What is learnt is bounded; a single byte is told in the URL or stays noise. Judgement."""

MOST_PLACES = 5
"""Occurrences of signs that are tried within one answer: 31 ways, each checked by its checksum."""

_TEXT = re.compile(rb"[\x20-\x7e\r\n\t]+")


@dataclass(slots=True)
class DtuSigns:
    """What one DTU says on its own account.

    Attributes:
        told: Signs from the settings.
        learnt: Signs that were heard while no answer could come, oldest first.
        once: What was heard so once, where only what comes again is learnt, oldest first.
    """

    told: Sequence[bytes] = ()
    learnt: list[bytes] = field(default_factory=list)
    once: list[bytes] = field(default_factory=list)

    @property
    def known(self) -> Sequence[bytes]:
        """Return every sign, the longest first."""
        return sorted({*self.told, *self.learnt}, key=lambda sign: (-len(sign), sign))

    def learn(self, heard: bytes, *, is_at_once: bool = True) -> None:
        """Take bytes that no request can have caused as a sign, if they can be one.

        Args:
            heard: The bytes.
            is_at_once: False: they are learnt when they come again. A sign that was learnt wrongly
                costs answers where no checksum tells it from words.
        """
        sign = _period(self.stripped(heard))
        if not SHORTEST_LEARNT <= len(sign) <= LONGEST_LEARNT:
            return
        if not is_at_once and sign not in self.once:
            self.once.append(sign)
            del self.once[:-MOST_LEARNT]
            return
        self.learnt.append(sign)
        del self.learnt[:-MOST_LEARNT]

    def stripped(self, data: bytes) -> bytes:
        """Return the bytes without any sign, nor the beginning of one at the end."""
        for sign in self.known:
            data = data.replace(sign, b"")
        for sign in self.known:
            for length in range(len(sign) - 1, 0, -1):
                if data == sign[:length]:
                    return b""
        return data

    def without(self, data: bytes) -> Iterator[bytes]:
        """Return the bytes with one sign cut out, then with two ... at every place they may be."""
        places = _places(data, self.known)
        for count in range(1, len(places) + 1):
            for chosen in combinations(places, count):
                yield cut(data, chosen)


def is_text(data: bytes) -> bool:
    """Return whether bytes are plain characters, as many DTUs send and meters never do."""
    return _TEXT.fullmatch(data) is not None


def _places(data: bytes, signs: Sequence[bytes]) -> Sequence[tuple[int, int]]:
    """Return where signs stand, without overlap, the first MOST_PLACES of them."""
    if not signs:
        return ()
    any_sign = re.compile(b"|".join(re.escape(sign) for sign in signs))
    found = [each.span() for each in islice(any_sign.finditer(data), MOST_PLACES)]
    return tuple(found)


def cut(data: bytes, places: Sequence[tuple[int, int]]) -> bytes:
    """Return the bytes without those at some places, which are in order and apart."""
    kept = []
    at = 0
    for start, end in places:
        kept.append(data[at:start])
        at = end
    return b"".join((*kept, data[at:]))


def _period(data: bytes) -> bytes:
    """Return the shortest piece that the bytes repeat: two heartbeats at once are one heartbeat.

    One byte again and again is a heartbeat as it is: shorter it would stand in too many words.
    """
    if len({*data}) == 1:
        return data
    for length in range(SHORTEST_LEARNT, len(data) // 2 + 1):
        if len(data) % length == 0 and data[:length] * (len(data) // length) == data:
            return data[:length]
    return data
