"""How long one request occupies a line, before the meter's own time is added."""

from dataclasses import dataclass

from edge_gateway.links.link_url import (
    LinkUrl,
    RtuOverTcpUrl,
    SerialKind,
    SerialLine,
    SerialUrl,
    TcpUrl,
)
from edge_gateway.links.read_plan import RequestCost, words_answered
from firmware_profiles.words import Span

SILENT_CHARS = 3.5
LEAST_SILENCE_S = 0.00175
FIXED_SILENCE_ABOVE = 19200
"""Silence between RTU frames, fixed above 19200 bit/s; Modbus over serial line 1.02, 2.5.1.1."""

_LAN_WORD_S = 0.000_002
"""Seconds a register takes on Modbus TCP (judgement; gateway notes 4.6)."""

_BEHIND_SERVER = SerialLine(device="/")
"""What a transparent serial server or a DTU is taken to be set to: 9600 8N1, as they leave the
factory. The plan only needs to know that characters are not free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusTime:
    """What a line takes for the characters of one request and its answer.

    Attributes:
        fixed_s: Seconds of everything but the words answered: heads, checks, silences.
        word_s: Seconds of each word answered.
        turnaround_s: What a meter takes to answer until it has been measured, with the way there.
    """

    fixed_s: float
    word_s: float
    turnaround_s: float

    def wire_s(self, request: Span) -> float:
        """Return the seconds of one request without the meter's own time."""
        return self.fixed_s + words_answered(request) * self.word_s

    def cost(self, turnaround_s: float) -> RequestCost:
        """Return what requests to a meter of this turnaround cost."""
        return RequestCost(request_s=self.fixed_s + turnaround_s, word_s=self.word_s)


def bus_time(url: LinkUrl) -> BusTime:
    """Return the bus time of a Modbus line.

    The first turnarounds are judgement: 2 ms in a local network, 20 ms on a wire, 50 ms behind a
    serial server, 150 ms behind a mobile network (gateway notes 4.6).
    """
    if isinstance(url, TcpUrl):
        return BusTime(fixed_s=0.0, word_s=_LAN_WORD_S, turnaround_s=0.002)
    if isinstance(url, SerialUrl):
        return serial_bus_time(url.line, url.kind, 0.020)
    turnaround_s = 0.050 if isinstance(url, RtuOverTcpUrl) else 0.150
    return serial_bus_time(_BEHIND_SERVER, SerialKind.RTU, turnaround_s)


def rtu_silence_s(line: SerialLine) -> float:
    """Return the least silence between two RTU frames on a serial line."""
    return LEAST_SILENCE_S if line.baud > FIXED_SILENCE_ABOVE else SILENT_CHARS * line.char_s


def serial_bus_time(line: SerialLine, kind: SerialKind, turnaround_s: float) -> BusTime:
    """Return the bus time of a serial line.

    RTU: 8 characters asked, 5 and two for each word answered, two silences (gateway notes 4.6).
    ASCII: two characters for each byte between a colon and CR LF, no silence.
    """
    char_s = line.char_s
    if kind is SerialKind.ASCII:
        return BusTime(fixed_s=28 * char_s, word_s=4 * char_s, turnaround_s=turnaround_s)
    fixed_s = 13 * char_s + 2 * rtu_silence_s(line)
    return BusTime(fixed_s=fixed_s, word_s=2 * char_s, turnaround_s=turnaround_s)
