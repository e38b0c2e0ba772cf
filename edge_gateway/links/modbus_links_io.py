"""Makes the strict Modbus session of a URL: which line, which framing, which silences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_gateway.links.ascii_frames import explain_ascii, find_ascii, is_damaged_ascii
from edge_gateway.links.bus_time import LEAST_SILENCE_S, rtu_silence_s
from edge_gateway.links.dtu_signs import DtuSigns
from edge_gateway.links.exchange_io import Exchange
from edge_gateway.links.held_line_io import HeldLine, LinePlan
from edge_gateway.links.line_rules import Manners, Rules, Timing
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.link_url import (
    Framing,
    LinkUrl,
    ListenUrl,
    RtuOverTcpUrl,
    SerialKind,
    SerialLine,
    SerialUrl,
    TcpLine,
    TcpUrl,
)
from edge_gateway.links.listen_io import DtuDoor
from edge_gateway.links.mbap_frames import (
    explain_mbap,
    find_mbap_amid,
    is_damaged_mbap,
)
from edge_gateway.links.modbus_frames import FrameKind
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_session_io import ModbusSession
from edge_gateway.links.ports_io import open_port
from edge_gateway.links.rtu_frames import explain_rtu, find_rtu, is_damaged_rtu

SHORT_SILENCE_S = LEAST_SILENCE_S
"""Where the wire is behind a serial server, that keeps the silence of its wire itself and we the
shortest there is. ASCII asks for none; the shortest lets us hear an answer that is said twice."""

_RTU = Rules(kind=FrameKind.RTU, find=find_rtu, is_damaged=is_damaged_rtu, explain=explain_rtu)
_ASCII = Rules(
    kind=FrameKind.ASCII, find=find_ascii, is_damaged=is_damaged_ascii, explain=explain_ascii
)
_MBAP = Rules(
    kind=FrameKind.TCP, find=find_mbap_amid, is_damaged=is_damaged_mbap, explain=explain_mbap
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuirks:
    """What a line's meters or adapters need beside the protocol.

    Attributes:
        after_connect_s: Wall seconds of silence after the line was opened.
        echo: Whether the adapter repeats what we send before the answer comes.
    """

    after_connect_s: float = 0.0
    echo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a URL becomes."""

    plan: LinePlan
    rules: Rules
    timing: Timing
    manners: Manners


def open_link(url: LinkUrl, *, timeout_s: float, quirks: LinkQuirks | None = None) -> ModbusLink:
    """Return the read-only link of a URL; nothing is opened before the first transaction.

    Args:
        url: The line, of a kind that carries Modbus.
        timeout_s: Wall seconds to wait for an answer where the caller names no deadline.
        quirks: What its meters and adapters need; None: nothing.

    Raises:
        KeyError: The URL is of another protocol.
    """
    return ModbusLink(open_session(url, timeout_s=timeout_s, quirks=quirks))


def open_session(
    url: LinkUrl, *, timeout_s: float, quirks: LinkQuirks | None = None
) -> ModbusSession:
    """Return the session of a URL, for what reads and what writes; nothing is opened yet.

    Raises:
        KeyError: The URL is of another protocol.
    """
    parts = _MAKERS[type(url)](url, timeout_s, quirks or LinkQuirks())
    line = HeldLine(parts.plan, LinkCounts())
    exchange = Exchange(line, parts.rules, parts.timing, parts.manners)
    return ModbusSession(line, exchange)


def _plan(line: SerialLine | TcpLine, timeout_s: float, after_connect_s: float) -> LinePlan:
    place = line.device if isinstance(line, SerialLine) else f"{line.host}:{line.port}"
    return LinePlan(
        place=place,
        opener=lambda: open_port(line, timeout_s=timeout_s),
        after_connect_s=after_connect_s,
    )


def _pause_s(url: TcpUrl | RtuOverTcpUrl | ListenUrl, quirks: LinkQuirks) -> float:
    return max(url.after_connect_ms / 1000, quirks.after_connect_s)


def _tcp(url: LinkUrl, timeout_s: float, quirks: LinkQuirks) -> _Parts:
    assert isinstance(url, TcpUrl)  # noqa: S101  # the table says so
    return _Parts(
        plan=_plan(TcpLine(host=url.host, port=url.port), timeout_s, _pause_s(url, quirks)),
        rules=_MBAP,
        timing=Timing(timeout_s=timeout_s),
        manners=Manners(),
    )


def _serial(url: LinkUrl, timeout_s: float, quirks: LinkQuirks) -> _Parts:
    assert isinstance(url, SerialUrl)  # noqa: S101  # the table says so
    is_rtu = url.kind is SerialKind.RTU
    quiet_s = rtu_silence_s(url.line) if is_rtu else SHORT_SILENCE_S
    return _Parts(
        plan=_plan(url.line, timeout_s, quirks.after_connect_s),
        rules=_RTU if is_rtu else _ASCII,
        timing=Timing(timeout_s=timeout_s, char_s=url.line.char_s, silence_s=quiet_s),
        manners=Manners(echo=url.echo or quirks.echo),
    )


def _rtu_over_tcp(url: LinkUrl, timeout_s: float, quirks: LinkQuirks) -> _Parts:
    assert isinstance(url, RtuOverTcpUrl)  # noqa: S101  # the table says so
    return _Parts(
        plan=_plan(TcpLine(host=url.host, port=url.port), timeout_s, _pause_s(url, quirks)),
        rules=_RTU,
        timing=Timing(timeout_s=timeout_s, silence_s=SHORT_SILENCE_S),
        manners=Manners(echo=url.echo or quirks.echo),
    )


def _listen(url: LinkUrl, timeout_s: float, quirks: LinkQuirks) -> _Parts:
    assert isinstance(url, ListenUrl)  # noqa: S101  # the table says so
    door = DtuDoor(url)
    is_rtu = url.framing is Framing.RTU
    plan = LinePlan(
        place=f"port {url.port}",
        opener=door.connection,
        close=door.close,
        after_connect_s=_pause_s(url, quirks),
        is_paced=False,
        doubt=door.doubt,
        take_notices=door.take_notices,
    )
    told = tuple(sign for sign in (url.registration, url.heartbeat) if sign)
    return _Parts(
        plan=plan,
        rules=_RTU if is_rtu else _MBAP,
        timing=Timing(timeout_s=timeout_s, silence_s=SHORT_SILENCE_S if is_rtu else 0.0),
        manners=Manners(echo=quirks.echo, signs=DtuSigns(told=told)),
    )


_MAKERS: Mapping[type[LinkUrl], Callable[[LinkUrl, float, LinkQuirks], _Parts]] = {
    TcpUrl: _tcp,
    SerialUrl: _serial,
    RtuOverTcpUrl: _rtu_over_tcp,
    ListenUrl: _listen,
}
