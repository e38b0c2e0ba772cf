"""Finds Modbus TCP frames in a stream: by header, and by transaction behind a DTU's own words.

Modbus messaging on TCP/IP implementation guide 1.0b, section 3.1.3.
"""

from edge_gateway.links.modbus_frames import LONGEST_PAYLOAD, Expected, Frame, Leftover

HEADER_BYTES = 6
_SHORTEST_PAYLOAD = 3


def find_mbap(data: bytes, expected: Expected | None, *, is_final: bool) -> Frame | None:
    """Return the frame at the start of the bytes, if it is whole and its header can be one."""
    del expected, is_final
    if len(data) < HEADER_BYTES or is_foreign(data):
        return None
    end = HEADER_BYTES + int.from_bytes(data[4:6], "big")
    if len(data) < end:
        return None
    transaction = int.from_bytes(data[:2], "big")
    raw = data[:end]
    return Frame(payload=raw[HEADER_BYTES:], raw=raw, end=end, transaction=transaction)


def find_mbap_amid(data: bytes, expected: Expected | None, *, is_final: bool) -> Frame | None:
    """Return the first frame, if need be behind bytes that a DTU put before it.

    Only the expected answer is looked for amid other bytes: nothing else can be told from them.
    """
    frame = find_mbap(data, expected, is_final=is_final)
    if frame is not None or expected is None:
        return frame
    start = data.find(expected.transaction.to_bytes(2, "big") + b"\0\0", 1)
    if start < 0:
        return None
    found = find_mbap(data[start:], expected, is_final=is_final)
    if found is None or not _is_wanted(found.payload, expected):
        return None
    return Frame(
        payload=found.payload,
        raw=found.raw,
        end=start + found.end,
        transaction=found.transaction,
    )


def is_foreign(data: bytes) -> bool:
    """Return whether the bytes begin with what no Modbus TCP header can be."""
    if data[2:4] != bytes(len(data[2:4])):
        return True
    length = int.from_bytes(data[4:6], "big") if len(data) >= HEADER_BYTES else _SHORTEST_PAYLOAD
    return not _SHORTEST_PAYLOAD <= length <= LONGEST_PAYLOAD


def is_damaged_mbap(data: bytes, expected: Expected) -> bool:
    """Return whether nothing that follows can be told apart any more."""
    del expected
    return is_foreign(data)


def explain_mbap(data: bytes, expected: Expected) -> Leftover:
    """Return what bytes are that hold no whole frame."""
    del expected
    if is_foreign(data):
        return Leftover(is_checksum=False, text=f"{len(data)} bytes that are no Modbus TCP")
    return Leftover(is_checksum=False, text=f"an answer cut after {len(data)} bytes")


def _is_wanted(payload: bytes, expected: Expected) -> bool:
    return expected.shape.fits(payload) or expected.shape.is_refusal(payload)
