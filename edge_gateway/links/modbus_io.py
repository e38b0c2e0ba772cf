"""One strict transaction on one Modbus TCP link; the only importer of pymodbus.

Accepted is only the answer with the right unit, function, transaction and count. After any
doubt about the byte stream the connection is closed and opened afresh, so that no answer can be
taken for that of another request (gateway notes 4.5).
"""

import logging
import time

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.read_plan import BIT_FUNCTIONS
from firmware_profiles.words import Span
from wire_contracts.quality import BAD_MISMATCH, BAD_TIMEOUT, bad_exception

TIMEOUTS_BEFORE_REOPEN = 3
"""Time-outs in a row after which the connection itself is doubted; gateway notes 5."""

BUSY = 6
BUSY_PAUSE_S = 0.2
"""Exception 6 asks for patience: one repetition after 200 ms; gateway notes 5."""

FIRST_RECONNECT_S = 0.5
LAST_RECONNECT_S = 30.0
"""Wall seconds between attempts to open a link that refuses, doubling."""

_HEADER = 6
_SHORTEST = 3
_LONGEST = 254
"""Bytes of an MBAP header before the unit, and what its length field may say."""


def quiet_pymodbus() -> None:
    """Keep pymodbus from logging an error of its own for every missing answer."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)


class Link:
    """One TCP connection to one or more meters; one request at a time, by one thread."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        """Remember where to connect; nothing is opened before the first transaction."""
        self.counts = LinkCounts()
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._client: ModbusTcpClient | None = None
        self._seen = self._sent = b""
        self._timeouts_in_row = 0
        self._next_open_s = 0.0
        self._reconnect_s = FIRST_RECONNECT_S

    def transact(
        self, device_address: int, block: Span, *, deadline_s: float | None = None
    ) -> Answer:
        """Return the words (bits as 0 and 1) of one request, or why there are none.

        Takes at most about twice the link's time-out. Never raises for what a meter, a serial
        server or the network does.
        """
        del deadline_s
        answer = self._once(device_address, block)
        if isinstance(answer, Fault) and answer.exception == BUSY:
            time.sleep(BUSY_PAUSE_S)
            answer = self._once(device_address, block)
        return answer

    def close(self) -> None:
        """Close the connection; the next transaction opens it again."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
            self._client = None
        self.counts.is_open = False

    def _once(self, device_address: int, block: Span) -> Answer:
        client = self._opened()
        if client is None:
            where = f"{self._host}:{self._port}"
            return Fault(
                kind=FaultKind.LINK_DOWN, quality=BAD_TIMEOUT, detail=f"cannot connect to {where}"
            )
        self.counts.requests += 1
        self._seen = self._sent = b""
        try:
            pdu = _request(client, device_address, block)
        except (ModbusException, OSError) as error:
            return self._after_silence(client, str(error))
        return self._after_answer(pdu, device_address, block)

    def _opened(self) -> ModbusTcpClient | None:
        if self._client is not None and self._client.connected:
            return self._client
        now_s = time.monotonic()
        if now_s < self._next_open_s:
            return None
        self.close()
        client = ModbusTcpClient(
            self._host,
            port=self._port,
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._trace,
        )
        if not client.connect():  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
            self._next_open_s = now_s + self._reconnect_s
            self._reconnect_s = min(LAST_RECONNECT_S, self._reconnect_s * 2)
            return None
        self._reconnect_s = FIRST_RECONNECT_S
        self._timeouts_in_row = 0
        self._client = client
        self.counts.is_open = True
        return client

    def _trace(self, is_sending: bool, data: bytes) -> bytes:  # noqa: FBT001  # pymodbus's hook
        if is_sending:
            self._sent = data
        else:
            self._seen = data
        return data

    def _reopen(self) -> None:
        self.counts.reopens += 1
        self.close()

    def _after_silence(self, client: ModbusTcpClient, detail: str) -> Fault:
        """Judge a request without a usable answer by the bytes that came nevertheless."""
        if not _is_whole_frames(self._seen) or _answers(self._seen, self._sent):
            return self._mistaken(detail)
        self.counts.timeouts += 1
        self._timeouts_in_row += 1
        if self._timeouts_in_row >= TIMEOUTS_BEFORE_REOPEN or not client.connected:
            self._reopen()
        return Fault(kind=FaultKind.TIMEOUT, quality=BAD_TIMEOUT, detail=detail)

    def _mistaken(self, detail: str) -> Fault:
        self.counts.mismatches += 1
        self._reopen()
        return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail)

    def _after_answer(self, pdu: ModbusPDU, device_address: int, block: Span) -> Answer:
        function = pdu.function_code & 0x7F
        if pdu.dev_id != device_address or not pdu.transaction_id:
            return self._mistaken(f"answer of unit {pdu.dev_id}, transaction {pdu.transaction_id}")
        if function != block.function_code:
            return self._mistaken(f"answer to function {function}")
        if isinstance(pdu, ExceptionResponse):
            return self._refused(pdu.exception_code)
        words = _words(pdu, block)
        if words is None:
            return self._mistaken(f"not the {block.word_count} words that were asked")
        self._settle()
        return words

    def _refused(self, code: int) -> Fault:
        if not code:
            return self._mistaken("exception 0")
        self._settle()
        self.counts.add_exception(code)
        return Fault(
            kind=FaultKind.EXCEPTION,
            quality=bad_exception(code),
            exception=code,
            detail=f"exception {code}",
        )

    def _settle(self) -> None:
        """Count the good answer; a torn frame behind it would be taken for the next one."""
        self._timeouts_in_row = 0
        if not _is_whole_frames(self._seen):
            self._reopen()


def _request(client: ModbusTcpClient, device_address: int, block: Span) -> ModbusPDU:
    read = {
        1: client.read_coils,
        2: client.read_discrete_inputs,
        3: client.read_holding_registers,
        4: client.read_input_registers,
    }[block.function_code]
    return read(block.address, count=block.word_count, device_id=device_address)


def _words(pdu: ModbusPDU, block: Span) -> tuple[int, ...] | None:
    """Return the words of an answer of exactly the asked size, else None."""
    if block.function_code in BIT_FUNCTIONS:
        padded = (block.word_count + 7) // 8 * 8
        bits = tuple(int(bit) for bit in pdu.bits)
        return bits[: block.word_count] if len(bits) == padded else None
    return tuple(pdu.registers) if len(pdu.registers) == block.word_count else None


def _frames(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole MBAP frames at the start of `data`, with the rest behind them."""
    frames = []
    while len(data) >= _HEADER:
        length = int.from_bytes(data[4:6], "big")
        if data[2:4] != b"\0\0" or not _SHORTEST <= length <= _LONGEST:
            break
        if len(data) < _HEADER + length:
            break
        frames.append(data[: _HEADER + length])
        data = data[_HEADER + length :]
    return frames, data


def _is_whole_frames(data: bytes) -> bool:
    return not _frames(data)[1]


def _answers(data: bytes, request: bytes) -> bool:
    """Return whether a frame claims to answer `request`: its transaction, or transaction 0."""
    return any(frame[:2] in (request[:2], b"\0\0") for frame in _frames(data)[0])
