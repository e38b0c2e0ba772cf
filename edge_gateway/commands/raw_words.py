"""Which words a person asks for, before any profile says what they mean, and how they look."""

import re
from collections.abc import Sequence

from edge_gateway.commands.calls import CallError
from firmware_profiles.words import HIGHEST_ADDRESS, Span

MOST_WORDS = 125
MOST_BITS = 2000
"""Of one read; Modbus application protocol 1.1b3, 6.1 to 6.4."""

_ASKED = re.compile(r"([1-4]):([0-9]{1,5})(?:\+([0-9]{1,4}))?")
_HIGHEST_BIT_FUNCTION = 2


def parse_words(text: str) -> Span:
    """Return what `3:0+12` asks for: function, zero-based address, how many.

    Raises:
        CallError: It cannot be asked.
    """
    found = _ASKED.fullmatch(text.strip())
    if found is not None:
        function, address, count = int(found[1]), int(found[2]), int(found[3] or 1)
        most = MOST_BITS if function <= _HIGHEST_BIT_FUNCTION else MOST_WORDS
        if 1 <= count <= most and address + count <= HIGHEST_ADDRESS + 1:
            return Span(function_code=function, address=address, word_count=count)
    raise CallError(
        f"read: words: {text!r} cannot be asked; write FUNCTION:ADDRESS+COUNT like 3:0+12,"
        f" at most {MOST_WORDS} words, the address zero-based"
    )


def words_text(span: Span, words: Sequence[int]) -> str:
    """Return the words as `firmware-profiles decode --registers` takes them; bits as 0 and 1."""
    if span.function_code <= _HIGHEST_BIT_FUNCTION:
        return " ".join(str(bit) for bit in words)
    return " ".join(f"{word:04X}" for word in words)
