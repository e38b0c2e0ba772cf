"""Which words a person asks for, before any profile says what they mean, and how they look."""

import re
from collections.abc import Sequence

from edge_gateway.commands.calls import CallError
from edge_gateway.links.read_plan import BIT_FUNCTIONS, MAX_BITS, MAX_WORDS
from firmware_profiles.words import HIGHEST_ADDRESS, Span

_ASKED = re.compile(r"([1-4]):([0-9]{1,5})(?:\+([0-9]{1,4}))?")


def parse_words(text: str) -> Span:
    """Return what `3:0+12` asks for: function, zero-based address, how many.

    Raises:
        CallError: It cannot be asked.
    """
    found = _ASKED.fullmatch(text.strip())
    if found is not None:
        function, address, count = int(found[1]), int(found[2]), int(found[3] or 1)
        most = MAX_BITS if function in BIT_FUNCTIONS else MAX_WORDS
        if 1 <= count <= most and address + count <= HIGHEST_ADDRESS + 1:
            return Span(function_code=function, address=address, word_count=count)
    raise CallError(
        f"read: words: {text!r} cannot be asked; write FUNCTION:ADDRESS+COUNT like 3:0+12,"
        f" at most {MAX_WORDS} words, the address zero-based"
    )


def words_text(span: Span, words: Sequence[int]) -> str:
    """Return the words as `firmware-profiles decode --registers` takes them; bits as 0 and 1."""
    if span.function_code in BIT_FUNCTIONS:
        return " ".join(str(bit) for bit in words)
    return " ".join(f"{word:04X}" for word in words)
