"""A link URL names one line, reads back as itself, and a slip is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.link_url import (
    BAUDS,
    EVERY_ADDRESS,
    Cjt188Url,
    Framing,
    LinkUrl,
    LinkUrlError,
    ListenUrl,
    MbusUrl,
    Parity,
    RtuOverTcpUrl,
    SerialKind,
    SerialLine,
    SerialUrl,
    TcpLine,
    TcpUrl,
    format_url,
    parse_url,
)

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
HOSTS = NAMES | st.sampled_from(["::1", "fe80::12", "10.0.0.5"])
PORTS = st.integers(1, 65535)
DEVICES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=30
).map(lambda text: "/" + text)
LINES = st.builds(
    SerialLine,
    device=DEVICES,
    baud=st.sampled_from(BAUDS),
    parity=st.sampled_from(Parity),
    stopbits=st.sampled_from([1, 2]),
    databits=st.just(8),
)
SIGNS = st.binary(max_size=64)
PAUSES = st.just(0) | st.integers(0, 60_000)
ENDS = st.builds(TcpLine, host=HOSTS, port=PORTS)
URLS: st.SearchStrategy[LinkUrl] = st.one_of(
    st.builds(TcpUrl, host=HOSTS, port=PORTS, after_connect_ms=PAUSES),
    st.builds(SerialUrl, kind=st.sampled_from(SerialKind), line=LINES, echo=st.booleans()),
    st.builds(RtuOverTcpUrl, host=HOSTS, port=PORTS, echo=st.booleans(), after_connect_ms=PAUSES),
    st.builds(
        ListenUrl,
        bind=HOSTS,
        port=PORTS,
        registration=SIGNS,
        heartbeat=SIGNS,
        framing=st.sampled_from(Framing),
        after_connect_ms=PAUSES,
    ),
    st.builds(MbusUrl, line=LINES | ENDS),
    st.builds(Cjt188Url, line=LINES | ENDS),
)


@given(URLS)
def test_a_url_written_out_reads_back_as_the_same_line(url: LinkUrl) -> None:
    assert parse_url(format_url(url)) == url


@given(st.text(max_size=60) | st.from_regex(r"(tcp|rtu|listen|mbus)://.{0,40}", fullmatch=True))
def test_any_other_text_is_refused_with_place_problem_and_remedy(text: str) -> None:
    try:
        told = format_url(parse_url(text, place="gateway.toml"))
    except LinkUrlError as error:
        told = str(error)
    is_refused = told.startswith("gateway.toml: ") and "; " in told

    assert is_refused or format_url(parse_url(told)) == told


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("tcp://10.0.0.5", TcpUrl(host="10.0.0.5", port=502)),
        ("tcp://[fe80::1]:1502", TcpUrl(host="fe80::1", port=1502)),
        (
            "rtu:///dev/ttyUSB0?baud=19200&parity=E&stopbits=1",
            SerialUrl(
                kind=SerialKind.RTU,
                line=SerialLine(device="/dev/ttyUSB0", baud=19200, parity=Parity.EVEN),
            ),
        ),
        (
            "ascii:///dev/ttyS1",
            SerialUrl(
                kind=SerialKind.ASCII,
                line=SerialLine(device="/dev/ttyS1", parity=Parity.EVEN, databits=7),
            ),
        ),
        ("rtu+tcp://moxa:4001?echo=true", RtuOverTcpUrl(host="moxa", port=4001, echo=True)),
        ("listen://:5020", ListenUrl(bind=EVERY_ADDRESS, port=5020)),
        (
            "listen://[::]:5020?registration=4C414D50&heartbeat=alive%21&framing=tcp",
            ListenUrl(
                bind="::",
                port=5020,
                registration=b"LAMP",
                heartbeat=b"alive!",
                framing=Framing.TCP,
            ),
        ),
        (
            "listen://:5020?registration=text:89860012345678901234",
            ListenUrl(port=5020, registration=b"89860012345678901234"),
        ),
        (
            "mbus:///dev/ttyUSB1",
            MbusUrl(line=SerialLine(device="/dev/ttyUSB1", baud=2400, parity=Parity.EVEN)),
        ),
        ("mbus://converter:10001", MbusUrl(line=TcpLine(host="converter", port=10001))),
        ("cjt188://10.0.0.9:4001", Cjt188Url(line=TcpLine(host="10.0.0.9", port=4001))),
    ],
)
def test_what_people_write_means_this(text: str, url: LinkUrl) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10.0.0.5:502", "link: url: '10.0.0.5:502' is no link URL; write it like "),
        ("http://10.0.0.5", "link: scheme: 'http' is not known; use one of: tcp://, rtu://"),
        (
            "tcp://h:502?speed=9",
            "link: speed: is not a known query key; use one of: after_connect_ms",
        ),
        ("mbus://h:1?baud=9", "link: baud: is not a known query key; this URL takes none"),
        (
            "tcp://h?after_connect_ms=2s",
            "link: after_connect_ms: is '2s'; give milliseconds, 0..60000",
        ),
        ("rtu:///dev/ttyUSB0?bauds=9600", "link: bauds: is not a known query key; use one of: "),
        ("rtu:///dev/ttyUSB0?baud=9601", "link: baud: is '9601'; use one of: 300, "),
        ("rtu:///dev/ttyUSB0?baud=9600&baud=2400", "link: baud: stands twice; keep one of them"),
        ("rtu:///dev/ttyUSB0?databits=7", "link: databits: RTU needs all 8 bits; leave it out"),
        ("rtu://dev/ttyUSB0", "link: device: 'dev' stands where the device begins; write three"),
        ("rtu+tcp://moxa", "link: port: is missing; write moxa:PORT"),
        ("tcp://:502", "link: host: is missing; write it behind the two slashes"),
        ("tcp://" + "h" * 64, "link: host: 'hhhh"),
        ("mbus://a..b:1", "link: host: 'a..b' cannot be a name or address; write host:port"),
        ("tcp://" + "h." * 500, "link: url: 'tcp://h.h.h"),
        ("rtu:///dev/" + "t" * 1000, "link: url: 'rtu:///dev/ttt"),
        ("tcp://h:0", "link: port: is 0; give one in 1..65535"),
        ("tcp://h:502/x", "link: path: '/x' stands behind the host; leave it out"),
        (
            "listen://:1?registration=89860012345678901234",
            "link: registration: '89860012345678901234' may be text or hexadecimal; write text:8",
        ),
        ("listen://:1?heartbeat=hex:4", "link: heartbeat: 'hex:4' is not hexadecimal; give pairs"),
        ("listen://:1?heartbeat=", "link: heartbeat: has no value; write heartbeat=VALUE"),
    ],
)
def test_a_slip_is_refused_with_its_remedy(text: str, said: str) -> None:
    with pytest.raises(LinkUrlError) as refused:
        parse_url(text)

    assert str(refused.value).startswith(said)


def test_a_character_lasts_its_bits() -> None:
    plain = SerialLine(device="/dev/ttyUSB0", baud=9600)
    parity = SerialLine(device="/dev/ttyUSB0", baud=2400, parity=Parity.EVEN)

    assert (plain.char_s, parity.char_s) == (10 / 9600, 11 / 2400)
