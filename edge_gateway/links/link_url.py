"""Decides what a link URL means: which protocol is spoken, and over which line.

`tcp://host[:502]`, `rtu:///dev/ttyUSB0?baud=9600&parity=N&stopbits=1`, `ascii:///dev/ttyUSB0`,
`rtu+tcp://host:port`, `listen://[bind]:port?registration=...&heartbeat=...&framing=rtu`,
`mbus://` and `cjt188://` with a device or with host and port.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote_to_bytes

from edge_gateway.host_names import is_host

MODBUS_TCP_PORT = 502
"""Modbus messaging on TCP/IP implementation guide 1.0b, section 4.3.1."""

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200, 230400)
"""Speeds that serial meters and converters are set to; anything else is a slip of the pen."""

LONGEST_URL = 1000
"""Characters; every real one has less than a hundred (judgement)."""

LONGEST_SIGN = 64
"""Most bytes of a registration or a heartbeat; DTUs send an IMEI, an ICCID or a short word."""

LONGEST_PAUSE_MS = 60_000

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # a DTU dials in from outside; the firewall is the site's

_HIGHEST_PORT = 65535
_SHAPE = re.compile(r"([a-z0-9+]+)://([^/?#]*)(/[^?#]*)?(?:\?([^#]*))?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(?::([0-9]{1,9}))?")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


class LinkUrlError(ValueError):
    """A URL that names no line; the text reads `place: field: problem; remedy`."""


class SerialKind(StrEnum):
    """How Modbus is framed on a serial line."""

    RTU = "rtu"
    ASCII = "ascii"


class Parity(StrEnum):
    """The parity bit of a serial line."""

    NONE = "N"
    EVEN = "E"
    ODD = "O"


class Framing(StrEnum):
    """How Modbus is framed on a connection that a DTU opens."""

    RTU = "rtu"
    TCP = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialLine:
    """A serial port and how it is set; `device` is an absolute path, speed in bits per second."""

    device: str
    baud: int = 9600
    parity: Parity = Parity.NONE
    stopbits: int = 1
    databits: int = 8

    @property
    def char_s(self) -> float:
        """Return the seconds that one character takes: start, data, parity and stop bits."""
        bits = 1 + self.databits + (self.parity is not Parity.NONE) + self.stopbits
        return bits / self.baud


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpLine:
    """The far end of a TCP connection."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpUrl:
    """Modbus TCP; `after_connect_ms`: how long a new connection wants to be left alone."""

    host: str
    port: int = MODBUS_TCP_PORT
    after_connect_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialUrl:
    """Modbus RTU or ASCII on a serial port; `echo`: the adapter repeats what we send."""

    kind: SerialKind
    line: SerialLine
    echo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RtuOverTcpUrl:
    """RTU frames through a transparent serial server.

    Attributes:
        host: The serial server.
        port: Its port.
        echo: Whether it repeats what we send.
        after_connect_ms: How long a new connection wants to be left alone.
    """

    host: str
    port: int
    echo: bool = False
    after_connect_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenUrl:
    """A port that one DTU dials in to.

    Attributes:
        bind: Own address to listen on.
        port: Own port.
        registration: What the DTU must send first; empty: any DTU, its bytes are learnt.
        heartbeat: What it sends at any time; empty: learnt.
        framing: What travels behind it.
        after_connect_ms: How long a new connection wants to be left alone.
    """

    bind: str = EVERY_ADDRESS
    port: int
    registration: bytes = b""
    heartbeat: bytes = b""
    framing: Framing = Framing.RTU
    after_connect_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MbusUrl:
    """M-Bus through a level converter, on a serial port or over TCP."""

    line: SerialLine | TcpLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Url:
    """CJ/T 188 on a serial port or over TCP."""

    line: SerialLine | TcpLine


LinkUrl = TcpUrl | SerialUrl | RtuOverTcpUrl | ListenUrl | MbusUrl | Cjt188Url


def parse_url(text: str, *, place: str = "link") -> LinkUrl:
    """Return the line that a URL names.

    Args:
        text: The URL.
        place: Where it stands, for the refusal.

    Raises:
        LinkUrlError: It names no line; the text says which part and what to write instead.
    """
    if len(text) > LONGEST_URL:
        problem = f"{text[:40]!r}... has {len(text)} characters"
        raise _refused(place, "url", problem, f"give at most {LONGEST_URL}")
    found = _SHAPE.fullmatch(text)
    if found is None:
        problem = f"{text!r} is no link URL"
        raise _refused(place, "url", problem, "write it like tcp://10.0.0.5:502")
    scheme, authority, path, query = found.groups()
    parts = _Parts(place, authority or "", path or "", _query(place, query or ""))
    if scheme not in _READERS:
        known = ", ".join(f"{each}://" for each in _READERS)
        raise _refused(place, "scheme", f"{scheme!r} is not known", f"use one of: {known}")
    return _READERS[scheme](parts)


def format_url(url: LinkUrl) -> str:
    """Return the URL that `parse_url` reads back as the same value, every setting written out."""
    match url:
        case TcpUrl():
            habits = _habits(url.after_connect_ms)
            return f"tcp://{_host(url.host)}:{url.port}{habits}"
        case RtuOverTcpUrl():
            habits = _habits(url.after_connect_ms, echo=url.echo)
            return f"rtu+tcp://{_host(url.host)}:{url.port}{habits}"
        case SerialUrl():
            return f"{url.kind}://{_device(url.line)}{'&echo=true' if url.echo else ''}"
        case MbusUrl():
            return f"mbus://{_line(url.line)}"
        case Cjt188Url():
            return f"cjt188://{_line(url.line)}"
        case ListenUrl():
            return f"listen://{_host(url.bind)}:{url.port}?{_listen_query(url)}"


def _listen_query(url: ListenUrl) -> str:
    signs = {"registration": url.registration, "heartbeat": url.heartbeat}
    pairs = [f"{name}=hex:{sign.hex().upper()}" for name, sign in signs.items() if sign]
    pause = [f"after_connect_ms={url.after_connect_ms}"] if url.after_connect_ms else []
    return "&".join([*pairs, f"framing={url.framing}", *pause])


def _habits(after_connect_ms: int, *, echo: bool = False) -> str:
    pairs = [
        *(["echo=true"] if echo else []),
        *([f"after_connect_ms={after_connect_ms}"] if after_connect_ms else []),
    ]
    return "?" + "&".join(pairs) if pairs else ""


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _line(line: SerialLine | TcpLine) -> str:
    return _device(line) if isinstance(line, SerialLine) else f"{_host(line.host)}:{line.port}"


def _device(line: SerialLine) -> str:
    settings = f"baud={line.baud}&parity={line.parity}&stopbits={line.stopbits}"
    return f"{quote(line.device)}?{settings}&databits={line.databits}"


def _refused(place: str, field: str, problem: str, remedy: str) -> LinkUrlError:
    return LinkUrlError(f"{place}: {field}: {problem}; {remedy}")


def _query(place: str, text: str) -> Mapping[str, bytes]:
    values: dict[str, bytes] = {}
    for pair in filter(None, text.split("&")):
        key, equals, value = pair.partition("=")
        if not equals or not value:
            raise _refused(place, key, "has no value", f"write {key}=VALUE or leave it out")
        if key in values:
            raise _refused(place, key, "stands twice", "keep one of them")
        values[key] = unquote_to_bytes(value)
    return values


@dataclass(frozen=True, slots=True)
class _Parts:
    """The pieces of one URL; every getter refuses in the same words."""

    place: str
    authority: str
    path: str
    query: Mapping[str, bytes]

    def refused(self, field: str, problem: str, remedy: str) -> LinkUrlError:
        return _refused(self.place, field, problem, remedy)

    def allow(self, *keys: str) -> None:
        for key in self.query:
            if key not in keys:
                remedy = f"use one of: {', '.join(keys)}" if keys else "this URL takes none"
                raise self.refused(key, "is not a known query key", remedy)

    def text(self, key: str, default: str) -> str:
        value = self.query.get(key)
        return default if value is None else value.decode("utf-8", "backslashreplace")

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise self.refused(key, f"is {value!r}", f"use one of: {', '.join(choices)}")
        return value

    def pause_ms(self) -> int:
        text = self.text("after_connect_ms", "0")
        if not re.fullmatch("[0-9]{1,5}", text) or int(text) > LONGEST_PAUSE_MS:
            remedy = f"give milliseconds, 0..{LONGEST_PAUSE_MS}"
            raise self.refused("after_connect_ms", f"is {text!r}", remedy)
        return int(text)

    def end(self, *, port: int | None = None, host: str | None = None) -> TcpLine:
        """Return host and port; `port` and `host` stand in for what is left out."""
        if self.path not in {"", "/"}:
            problem = f"{self.path!r} stands behind the host"
            raise self.refused("path", problem, "leave it out, or give three slashes for a device")
        found = _AUTHORITY.fullmatch(self.authority)
        if found is None:
            raise self.refused("host", f"{self.authority!r} is no host:port", "write host:port")
        name = found[1].strip("[]") or host
        if not name:
            raise self.refused("host", "is missing", "write it behind the two slashes")
        if not is_host(name):
            raise self.refused("host", f"{name!r} cannot be a name or address", "write host:port")
        if found[2] is None and port is None:
            raise self.refused("port", "is missing", f"write {_host(name)}:PORT")
        number = int(found[2]) if found[2] is not None else port or 0
        if not 1 <= number <= _HIGHEST_PORT:
            raise self.refused("port", f"is {number}", f"give one in 1..{_HIGHEST_PORT}")
        return TcpLine(host=name, port=number)

    def device(self, defaults: SerialLine) -> SerialLine:
        if self.authority:
            problem = f"{self.authority!r} stands where the device begins"
            raise self.refused("device", problem, "write three slashes: rtu:///dev/ttyUSB0")
        name = unquote_to_bytes(self.path).decode("utf-8", "backslashreplace")
        if name in {"", "/"} or not name.isprintable():
            raise self.refused("device", f"is {name!r}", "name the port: /dev/ttyUSB0")
        parity = self.choice("parity", defaults.parity, list(Parity))
        return SerialLine(
            device=name,
            baud=int(self.choice("baud", str(defaults.baud), [str(each) for each in BAUDS])),
            parity=Parity(parity),
            stopbits=int(self.choice("stopbits", str(defaults.stopbits), ["1", "2"])),
            databits=int(self.choice("databits", str(defaults.databits), ["7", "8"])),
        )

    def sign(self, key: str) -> bytes:
        """Return the bytes of a registration or heartbeat, given as hexadecimal or as text."""
        given = self.query.get(key, b"")
        sign = self._sign(key, given) if given else b""
        if len(sign) > LONGEST_SIGN or (given and not sign):
            raise self.refused(key, f"has {len(sign)} bytes", f"give 1 to {LONGEST_SIGN}")
        return sign

    def _sign(self, key: str, given: bytes) -> bytes:
        head, colon, rest = given.partition(b":")
        if colon and head == b"text":
            return rest
        is_hex = _HEX.fullmatch((rest if colon and head == b"hex" else given).decode("latin-1"))
        if colon and head == b"hex":
            if is_hex is None:
                problem = f"{given.decode('latin-1')!r} is not hexadecimal"
                raise self.refused(key, problem, "give pairs of hexadecimal digits")
            return bytes.fromhex(is_hex[0])
        if given.isdigit() and is_hex is not None:
            digits = given.decode()
            remedy = f"write text:{digits} or hex:{digits}"
            raise self.refused(key, f"{digits!r} may be text or hexadecimal", remedy)
        return bytes.fromhex(is_hex[0]) if is_hex is not None else given


_SERIAL_KEYS = ("baud", "parity", "stopbits", "databits")


def _tcp(parts: _Parts) -> LinkUrl:
    parts.allow("after_connect_ms")
    end = parts.end(port=MODBUS_TCP_PORT)
    return TcpUrl(host=end.host, port=end.port, after_connect_ms=parts.pause_ms())


def _rtu_over_tcp(parts: _Parts) -> LinkUrl:
    parts.allow("echo", "after_connect_ms")
    end = parts.end()
    return RtuOverTcpUrl(
        host=end.host, port=end.port, echo=_echo(parts), after_connect_ms=parts.pause_ms()
    )


def _echo(parts: _Parts) -> bool:
    return parts.choice("echo", "false", ["true", "false"]) == "true"


def _rtu(parts: _Parts) -> LinkUrl:
    return _serial(parts, SerialKind.RTU, SerialLine(device="/"))


def _ascii(parts: _Parts) -> LinkUrl:
    """Modbus over serial line 1.02, section 2.5.2: seven data bits, even parity."""
    return _serial(parts, SerialKind.ASCII, SerialLine(device="/", databits=7, parity=Parity.EVEN))


def _serial(parts: _Parts, kind: SerialKind, defaults: SerialLine) -> LinkUrl:
    parts.allow(*_SERIAL_KEYS, "echo")
    line = parts.device(defaults)
    if kind is SerialKind.RTU and line.databits != 8:  # noqa: PLR2004  # RTU is 8-bit by name
        raise parts.refused("databits", "RTU needs all 8 bits", "leave it out, or use ascii://")
    return SerialUrl(kind=kind, line=line, echo=_echo(parts))


def _listen(parts: _Parts) -> LinkUrl:
    parts.allow("registration", "heartbeat", "framing", "after_connect_ms")
    end = parts.end(host=EVERY_ADDRESS)
    return ListenUrl(
        bind=end.host,
        port=end.port,
        registration=parts.sign("registration"),
        heartbeat=parts.sign("heartbeat"),
        framing=Framing(parts.choice("framing", Framing.RTU, list(Framing))),
        after_connect_ms=parts.pause_ms(),
    )


def _device_or_host(parts: _Parts) -> SerialLine | TcpLine:
    """2400 8E1 unless said otherwise: EN 13757-2 section 5, CJ/T 188-2018 section 5."""
    if parts.authority:
        parts.allow()
        return parts.end()
    parts.allow(*_SERIAL_KEYS)
    return parts.device(SerialLine(device="/", baud=2400, parity=Parity.EVEN))


def _mbus(parts: _Parts) -> LinkUrl:
    return MbusUrl(line=_device_or_host(parts))


def _cjt188(parts: _Parts) -> LinkUrl:
    return Cjt188Url(line=_device_or_host(parts))


_READERS: Mapping[str, Callable[[_Parts], LinkUrl]] = {
    "tcp": _tcp,
    "rtu": _rtu,
    "ascii": _ascii,
    "rtu+tcp": _rtu_over_tcp,
    "listen": _listen,
    "mbus": _mbus,
    "cjt188": _cjt188,
}
