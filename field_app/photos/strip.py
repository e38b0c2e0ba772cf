"""Takes away what a JPEG says beside its pixels: place, time, camera, hidden copies (RULINGS R7).

Nothing is decoded, so that no pixel changes. Kept are the tables, the scans, the colour profile
and the two markers that say how colours are coded (JFIF, Adobe); everything behind the end goes.
Markers are those of ITU-T T.81 table B.1.
"""

from typing import Final

_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_SOS: Final = 0xDA
_EOI: Final = 0xD9
_APP0: Final = 0xE0
_APP2: Final = 0xE2
_APP14: Final = 0xEE
_COMMENT: Final = 0xFE
_APPLICATION: Final = range(0xE0, 0xF0)
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""TEM and RSTn: markers without a length."""

_PROFILE: Final = b"ICC_PROFILE\0"


class NotAJpegError(ValueError):
    """The bytes do not stand as a JPEG's must."""


def strip_jpeg(content: bytes) -> bytes:
    """Return the same picture without metadata.

    Raises:
        NotAJpegError: The file is torn or is none.
    """
    if not content.startswith(_START):
        message = "does not begin like a JPEG"
        raise NotAJpegError(message)
    kept = [_START]
    at = len(_START)
    has_scan = False
    while True:
        at, marker = _next_marker(content, at)
        if marker == _EOI:
            break
        if marker in _ALONE:
            kept.append(bytes((0xFF, marker)))
            continue
        end = _segment_end(content, at)
        if _is_kept(marker, content[at + 2 : end]):
            kept.append(bytes((0xFF, marker)) + content[at:end])
        at = end
        if marker == _SOS:
            has_scan = True
            end = _scan_end(content, at)
            kept.append(content[at:end])
            at = end
    if not has_scan:
        message = "has no picture in it"
        raise NotAJpegError(message)
    return b"".join((*kept, _END))


def _next_marker(content: bytes, at: int) -> tuple[int, int]:
    """Return where the segment's length stands and its marker; fill bytes are passed over."""
    if at >= len(content) or content[at] != 0xFF:  # noqa: PLR2004  # every marker's first byte
        message = f"has no marker at byte {at}"
        raise NotAJpegError(message)
    while at < len(content) and content[at] == 0xFF:  # noqa: PLR2004  # fill bytes, B.1.1.2
        at += 1
    if at >= len(content) or content[at] == 0:
        message = f"ends or is torn at byte {at}"
        raise NotAJpegError(message)
    return at + 1, content[at]


def _segment_end(content: bytes, at: int) -> int:
    length = int.from_bytes(content[at : at + 2], "big")
    end = at + length
    if length < 2 or end > len(content):  # noqa: PLR2004  # the length counts itself
        message = f"has a segment at byte {at} that leads out of the file"
        raise NotAJpegError(message)
    return end


def _is_kept(marker: int, body: bytes) -> bool:
    if marker == _APP2:
        return body.startswith(_PROFILE)
    if marker in {_APP0, _APP14}:
        return body.startswith((b"JFIF\0", b"Adobe"))
    return marker not in _APPLICATION and marker != _COMMENT


def _scan_end(content: bytes, at: int) -> int:
    """Return where the entropy-coded data ends: at a marker that is neither stuffing nor RSTn."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            message = "ends inside the picture"
            raise NotAJpegError(message)
        following = content[at + 1]
        if following != 0 and following not in _ALONE and following != 0xFF:  # noqa: PLR2004
            return at
        at += 1 if following == 0xFF else 2  # noqa: PLR2004  # fill bytes come one by one
