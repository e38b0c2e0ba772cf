"""Simulated meters that are never the bottleneck: a bare socket, answers made beforehand.

As a process: `python -m benchmarks.gateway_meters tcp|rtu [dead unit ...]` prints the port, or
the name of the pseudo-terminal, and answers until its standard input ends.
"""

import os
import select
import socket
import struct
import sys
import time
import tty
from collections.abc import Sequence
from pathlib import Path

UNITS = tuple(range(1, 51))
POINTS = 20
REGISTERS = 2 * POINTS
"""50 unit identifiers, 40 registers, 20 values of 32 bits: how other gateways were measured."""

RTU_BAUD = 9600
RTU_TURNAROUND_S = 0.02
CHAR_S = 10 / RTU_BAUD
"""9600 8N1; 20 ms from request to answer, as in gateway notes 4.6."""

PROFILE = "bench_meter@1"
_NAMED = (
    ("volume", "m3"),
    ("volume_reverse", "m3"),
    ("flow", "m3/h"),
    ("energy_heat", "kWh"),
    ("energy_cold", "kWh"),
    ("power", "kW"),
    ("temp_supply", "degC"),
    ("temp_return", "degC"),
    ("delta_t", "K"),
    ("temperature", "degC"),
    ("mass", "kg"),
    ("mass_flow", "kg/h"),
    ("gas_lel", "%"),
)
"""What a heat meter may call its values: as many as there are names on the wire for one medium.
The other points are decoded too and stay in the gateway."""

READINGS = len(_NAMED)


def value_of(unit: int, point: int) -> int:
    """Return the raw value of a point: nobody else's, and what any quantity may be."""
    return unit * 100 + point


def words_of(unit: int) -> tuple[int, ...]:
    """Return the registers of a unit, high word first."""
    values = [value_of(unit, point) for point in range(POINTS)]
    return tuple(half for value in values for half in divmod(value, 1 << 16))


def write_profile(folder: Path) -> None:
    """Write the register map of the simulated meters."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row(index) for index in range(POINTS)]
    text = "\n".join([_HEAD, *rows, _TEST])
    (folder / f"{PROFILE}.toml").write_text(text, encoding="utf-8")


def _row(index: int) -> str:
    named = _NAMED[index] if index < READINGS else ("aux", "")
    lines = [
        "[[register]]",
        f'name = "p{index}"',
        f"fc = 3\naddress = {2 * index}\ncount = 2",
        'type = "u32"\nscale = "0.1"\naccess = "R"\ngroup = "fast"',
        f'quantity = "{named[0]}"',
    ]
    if named[1]:
        lines.append(f'unit = "{named[1]}"')
    return "\n".join(lines) + "\n"


_HEAD = """
[profile]
id = "bench_meter"
rev = 1
manufacturer = "nobody"
model = "benchmark"
kind = "heat"
medium = "water"
confidence = "high"

[link]
transport = ["tcp", "rtu"]
function_codes = [3]
max_registers = 125

[decode]
byte_order = "big"
word_order = "big"

[group]
fast = "1s"

[[source]]
where = "made up for the benchmark"
kind = "code"
"""
_TEST = f"""
[[test]]
name = "unit 1"
origin = "computed"
fc = 3

[test.regs]
"0" = "{" ".join(f"{word:04X}" for word in words_of(1))}"

[test.expect]
volume_m3 = "10"
"""


def serve_tcp(dead: Sequence[int]) -> None:
    """Answer Modbus TCP for every connection until standard input ends."""
    answers = {
        unit: struct.pack(">BBB", unit, 3, 2 * REGISTERS)
        + struct.pack(f">{REGISTERS}H", *words_of(unit))
        for unit in UNITS
        if unit not in dead
    }
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN | select.POLLHUP)
    poller.register(listener, select.POLLIN)
    peers: dict[int, socket.socket] = {}
    while True:
        for number, _ in poller.poll():
            if number == sys.stdin.fileno():
                return
            if number == listener.fileno():
                peer, _ = listener.accept()
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peers[peer.fileno()] = peer
                poller.register(peer, select.POLLIN)
            elif not _answer_tcp(peers[number], answers):
                poller.unregister(number)
                peers.pop(number).close()


def _answer_tcp(peer: socket.socket, answers: dict[int, bytes]) -> bool:
    """Answer the requests that have come; only whole blocks from address 0 are known."""
    try:
        data = peer.recv(4096)
    except OSError:
        return False
    for at in range(0, len(data) - 11, 12):
        answer = answers.get(data[at + 6])
        if answer is None:
            continue
        if data[at + 8 : at + 12] != _WHOLE_BLOCK:
            answer = _answer_of(data[at + 6 : at + 12])
        peer.sendall(data[at : at + 4] + len(answer).to_bytes(2) + answer)
    return bool(data)


_WHOLE_BLOCK = struct.pack(">HH", 0, REGISTERS)


def _answer_of(request: bytes) -> bytes:
    """Return the answer to a read of any block, without its frame."""
    unit, function, address, count = struct.unpack(">BBHH", request[:6])
    words = words_of(unit)[address : address + count]
    if function != 3 or len(words) < count:  # noqa: PLR2004  # the one function there is
        return bytes((unit, function | 0x80, 2))
    return bytes((unit, function, 2 * count)) + struct.pack(f">{count}H", *words)


def serve_rtu() -> None:
    """Answer Modbus RTU on a pseudo-terminal, each character as late as a 9600-baud line has it."""
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    print(os.ttyname(slave), flush=True)
    heard = b""
    began_s = 0.0
    while True:
        ready, _, _ = select.select([sys.stdin, master], [], [])
        if sys.stdin in ready:
            return
        began_s = time.perf_counter() if not heard else began_s
        heard += os.read(master, 64)
        if len(heard) < 8:  # noqa: PLR2004  # a read request has eight bytes
            continue
        body, heard = _answer_of(heard), b""
        _write_paced(master, body + _crc(body), began_s + 8 * CHAR_S + RTU_TURNAROUND_S)


def _write_paced(port: int, data: bytes, from_s: float) -> None:
    """Write every byte when its last bit has passed."""
    for index, byte in enumerate(data):
        wait_s = from_s + (index + 1) * CHAR_S - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
        os.write(port, bytes((byte,)))


def _crc(data: bytes) -> bytes:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


if __name__ == "__main__":
    if sys.argv[1] == "tcp":
        serve_tcp([int(unit) for unit in sys.argv[2:]])
    else:
        serve_rtu()
