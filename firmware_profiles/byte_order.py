"""How the bytes of one value lie in its words."""

from enum import StrEnum


class ByteOrder(StrEnum):
    """A is the most significant byte; the name reads the wire from left to right."""

    ABCD = "ABCD"
    CDAB = "CDAB"
    DCBA = "DCBA"
    BADC = "BADC"


_BY_KEYS = {
    ("big", "big"): ByteOrder.ABCD,
    ("big", "little"): ByteOrder.CDAB,
    ("little", "little"): ByteOrder.DCBA,
    ("little", "big"): ByteOrder.BADC,
}


def orders_of(byte_order: str, word_order: str) -> tuple[ByteOrder, ...]:
    """Return the orders that the two keys of `[decode]` allow: `big`, `little`, or any other.

    One when both keys are known, else two or four, the commoner ones first.
    """
    return tuple(
        order
        for (of_bytes, of_words), order in _BY_KEYS.items()
        if byte_order in (of_bytes, "unknown", "probe")
        and word_order in (of_words, "unknown", "probe")
    )


def arrange(data: bytes, order: ByteOrder) -> bytes:
    """Return the bytes of one value, most significant first; an even number of bytes.

    Every order is its own inverse, so the same call also lays a value out for the wire.
    """
    if order is ByteOrder.DCBA:
        return data[::-1]
    pairs = [data[start : start + 2] for start in range(0, len(data), 2)]
    if order is ByteOrder.CDAB:
        pairs.reverse()
    elif order is ByteOrder.BADC:
        pairs = [pair[::-1] for pair in pairs]
    return b"".join(pairs)
