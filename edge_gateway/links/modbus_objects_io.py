"""Asks one unit for its Read Device Identification, on a line of its own.

The strict link reads words of a known number; how long this answer is, only the answer says.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_gateway.links.ascii_frames import ascii_frame, find_ascii
from edge_gateway.links.link_url import (
    LinkUrl,
    RtuOverTcpUrl,
    SerialKind,
    SerialUrl,
    TcpLine,
    TcpUrl,
)
from edge_gateway.links.mbap_frames import find_mbap
from edge_gateway.links.modbus_frames import BROKEN
from edge_gateway.links.modbus_objects import (
    FUNCTION,
    ObjectsRead,
    find_objects_rtu,
    objects_request,
    parse_objects,
)
from edge_gateway.links.ports_io import BytePort, open_port
from edge_gateway.links.rtu_frames import rtu_frame

MOST_ANSWERS = 16
"""Answers that one identification may take: 16 of 250 bytes hold every standard object."""

_Find = Callable[[bytes], bytes | None]


@dataclass(slots=True, kw_only=True)
class _Talk:
    """One open line, how requests are framed on it and answers found."""

    port: BytePort
    frame: Callable[[bytes], bytes]
    find: _Find
    wait_s: float
    texts: dict[int, str] = field(default_factory=dict)

    def ask(self, payload: bytes) -> bytes | None:
        """Return unit, function and data of the answer, None when there is none."""
        self.port.read(0.0)
        self.port.write(self.frame(payload))
        until_s = time.monotonic() + self.wait_s
        heard = b""
        while (left_s := until_s - time.monotonic()) > 0:
            heard += self.port.read(left_s)
            found = self.find(heard)
            if found is not None:
                return found
        return None


def read_objects(
    url: TcpUrl | SerialUrl | RtuOverTcpUrl, unit: int, *, wait_s: float
) -> ObjectsRead:
    """Return the objects of a unit.

    Args:
        url: The line; it is opened and closed here.
        unit: Whom to ask.
        wait_s: Wall seconds for each answer.

    Raises:
        OSError: The line cannot be opened, or is lost.
    """
    line = url.line if isinstance(url, SerialUrl) else TcpLine(host=url.host, port=url.port)
    port = open_port(line, timeout_s=max(1.0, wait_s))
    try:
        return _read(_talk(url, port, unit, wait_s), unit)
    finally:
        port.close()


def read_objects_of(url: LinkUrl, unit: int, *, wait_s: float) -> ObjectsRead:
    """Return the objects of a unit; nothing where a DTU dials in, or the line is in use or gone.

    Args:
        url: The line; nobody else may hold it.
        unit: Whom to ask.
        wait_s: Wall seconds for each answer.
    """
    if not isinstance(url, TcpUrl | SerialUrl | RtuOverTcpUrl):
        return ObjectsRead()
    try:
        return read_objects(url, unit, wait_s=wait_s)
    except OSError:
        return ObjectsRead()


def _read(talk: _Talk, unit: int) -> ObjectsRead:
    first: int | None = 0
    for _ in range(MOST_ANSWERS):
        if first is None:
            break
        payload = talk.ask(objects_request(unit, first))
        if payload is not None and payload[1] == FUNCTION | BROKEN:
            return ObjectsRead(texts=talk.texts or None, is_denied=not talk.texts)
        answer = None if payload is None else parse_objects(payload)
        if answer is None:
            break
        talk.texts.update(answer.texts)
        first = answer.next_object
    return ObjectsRead(texts=talk.texts or None)


def _talk(
    url: TcpUrl | SerialUrl | RtuOverTcpUrl, port: BytePort, unit: int, wait_s: float
) -> _Talk:
    if isinstance(url, TcpUrl):
        return _Talk(
            port=port, frame=_mbap, find=lambda heard: _mbap_of(heard, unit), wait_s=wait_s
        )
    if isinstance(url, SerialUrl) and url.kind is SerialKind.ASCII:
        find: _Find = lambda heard: _ascii_of(heard, unit)  # noqa: E731  # one of three ways
        return _Talk(port=port, frame=ascii_frame, find=find, wait_s=wait_s)
    return _Talk(
        port=port,
        frame=rtu_frame,
        find=lambda heard: find_objects_rtu(heard, unit),
        wait_s=wait_s,
    )


def _mbap(payload: bytes) -> bytes:
    return b"\x00\x01\x00\x00" + len(payload).to_bytes(2, "big") + payload


def _mbap_of(heard: bytes, unit: int) -> bytes | None:
    frame = find_mbap(heard, None, is_final=True)
    return None if frame is None or not _is_own(frame.payload, unit) else frame.payload


def _ascii_of(heard: bytes, unit: int) -> bytes | None:
    while (frame := find_ascii(heard, None, is_final=True)) is not None:
        heard = heard[frame.end :]
        if _is_own(frame.payload, unit) and frame.payload != objects_request(unit):
            return frame.payload
    return None


def _is_own(payload: bytes, unit: int) -> bool:
    return len(payload) > 1 and payload[0] == unit and payload[1] & ~BROKEN == FUNCTION
