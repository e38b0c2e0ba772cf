"""Finds Modbus ASCII frames in a stream of characters: by their marks and their checksum.

Modbus over serial line 1.02, sections 2.5.2 and 6.2.1.
"""

import re

from edge_gateway.links.modbus_frames import Expected, Frame, Leftover

_FRAME = re.compile(rb":((?:[0-9A-Fa-f]{2}){3,256})\r\n")


def lrc(data: bytes) -> int:
    """Return the longitudinal checksum: with it, all bytes add up to 0 modulo 256."""
    return -sum(data) & 0xFF


def ascii_frame(payload: bytes) -> bytes:
    """Return unit, function and data as the characters of one frame."""
    return b":" + (payload + bytes((lrc(payload),))).hex().upper().encode() + b"\r\n"


def find_ascii(data: bytes, expected: Expected | None, *, is_final: bool) -> Frame | None:
    """Return the first frame with the right checksum, of whichever unit."""
    del expected, is_final
    for found in _FRAME.finditer(data):
        decoded = bytes.fromhex(found[1].decode())
        if not sum(decoded) & 0xFF:
            return Frame(payload=decoded[:-1], raw=found[0], end=found.end())
    return None


def is_damaged_ascii(data: bytes, expected: Expected) -> bool:
    """Return whether a whole line has come and none is right."""
    del expected
    return data.endswith(b"\r\n")


def explain_ascii(data: bytes, expected: Expected) -> Leftover:
    """Return what characters are that hold no right frame."""
    del expected
    start = data.rfind(b":")
    tail = data[start + 1 :]
    if start >= 0 and re.fullmatch(rb"[0-9A-Fa-f]*\r?", tail):
        return Leftover(is_checksum=False, text=f"an answer cut after {len(tail)} characters")
    return Leftover(is_checksum=True, text=f"{len(data)} bytes without a right checksum")
