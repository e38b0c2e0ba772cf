"""pymodbus over one strict exchange: it writes the requests, we judge the answers.

The synchronous client keeps the words of the protocol; its own sending, receiving and repeating are
replaced by `Exchange`, which hands it nothing but the one frame that is the answer. Of a read that
answer is known to the last byte but the words: they are taken out here.
"""

import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace

from pymodbus.client.base import ModbusBaseSyncClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.framer import FramerType
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
)
from pymodbus.transport import CommParams, CommType

from edge_gateway.links.answers import Answer, Fault, FaultKind, NoAnswer, exception_fault
from edge_gateway.links.exchange_io import Exchange
from edge_gateway.links.held_line_io import HeldLine
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.modbus_frames import BROKEN, FrameKind, Shape
from edge_gateway.links.read_plan import BIT_FUNCTIONS
from firmware_profiles.words import Span
from wire_contracts.quality import BAD_MISMATCH

_HIGHEST_START = 65_000
"""pymodbus counts transactions from 1 to 65000 and begins again: never 0, never above 65535."""

_HEAD_BYTES = 3
"""Unit, function and byte count stand before the words."""

_WORDS = tuple(struct.Struct(f">{count}H") for count in range(128))
"""The words of an answer by their number; a byte counts them."""

_MOST_WRITTEN = 4096
"""Reads whose frames are kept: more than a line has blocks, probes and all."""

_FRAMERS: Mapping[FrameKind, FramerType] = {
    FrameKind.RTU: FramerType.RTU,
    FrameKind.ASCII: FramerType.ASCII,
    FrameKind.TCP: FramerType.SOCKET,
}


_READS: Mapping[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}


class StrictClient(ModbusBaseSyncClient):
    """pymodbus's synchronous client on a line that is ours."""

    def __init__(self, exchange: Exchange) -> None:
        """Take the exchange; a restarted gateway does not begin with transaction 1 again."""
        self._exchange = exchange
        super().__init__(
            _FRAMERS[exchange.kind], 0, CommParams(comm_type=CommType.TCP), None, None, None
        )
        self._written: dict[tuple[int, int, int, int], bytes] = {}
        self.transaction.next_tid = secrets.randbelow(_HIGHEST_START)

    def execute(  # type: ignore[explicit-override]  # needs Python 3.12
        self,
        no_response_expected: bool,  # noqa: FBT001  # pymodbus's hook
        request: ModbusPDU,
    ) -> ModbusPDU:
        """Return the answer to one request, sent once; a broadcast is never sent.

        Raises:
            NoAnswer: There is none that can be trusted.
            ModbusException: pymodbus cannot read the frame.
        """
        del no_response_expected
        request.transaction_id = self.transaction.getNextTID()
        self._exchange.send(self.framer.buildFrame(request))
        raw = self._exchange.receive()
        _, answer = self.framer.handleFrame(raw, request.dev_id, request.transaction_id)
        if answer is None:
            message = f"{len(raw)} bytes that are no answer to unit {request.dev_id}"
            raise ModbusIOException(message)
        return answer

    def read_request(self, unit: int, block: Span) -> bytes:
        """Return the frame of a read under the next number; pymodbus writes each read once.

        Raises:
            ValueError: pymodbus does not take the address or the count.
        """
        key = (unit, block.function_code, block.address, block.word_count)
        frame = self._written.get(key)
        if frame is None:
            read = _READS[block.function_code]
            request = read(address=block.address, count=block.word_count, dev_id=unit)
            frame = self.framer.buildFrame(request)
            if len(self._written) >= _MOST_WRITTEN:
                self._written.clear()
            self._written[key] = frame
        if self._exchange.kind is not FrameKind.TCP:
            return frame
        number: int = self.transaction.getNextTID()
        return number.to_bytes(2, "big") + frame[2:]

    def connect(self) -> bool:  # type: ignore[explicit-override]  # needs Python 3.12
        """Return True: the exchange opens its line itself."""
        return True

    def close(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        """Do nothing: the exchange closes its line itself."""

    def send(  # type: ignore[explicit-override]  # needs Python 3.12
        self, request: bytes, addr: tuple[str, int] | None = None
    ) -> int:
        """Send one request and return its length; nobody here calls it.

        pymodbus declares it and `recv` abstract, and its own `execute`, which ours replaces, is
        what would call them.
        """
        del addr
        self._exchange.send(request)
        return len(request)

    def recv(  # type: ignore[explicit-override]  # needs Python 3.12
        self, size: int | None
    ) -> bytes:
        """Return the frame of the answer, whole and alone; see `send`."""
        del size
        return self._exchange.receive()


class ModbusSession:
    """One line that speaks Modbus; what reads and what writes share it, one at a time."""

    def __init__(self, line: HeldLine, exchange: Exchange) -> None:
        """Take the parts; nothing is opened."""
        self.exchange = exchange
        self.line = line
        self._client = StrictClient(exchange)

    @property
    def counts(self) -> LinkCounts:
        """Return what the line has done."""
        return self.line.counts

    def open(self) -> bool:
        """Return whether the line is open, opened now if it is time to try."""
        return self.line.port() is not None

    def close(self) -> None:
        """Close the line; the next request opens it again."""
        self.line.close()

    def read(self, unit: int, block: Span, shape: Shape, deadline_s: float | None) -> Answer:
        """Return the words (bits as 0 and 1) of one block, or why there are none; asks once.

        Args:
            unit: Unit identifier.
            block: What to read.
            shape: What its answer must be.
            deadline_s: Wall seconds from the end of the request to the end of the answer.
        """
        self.exchange.expect(shape, deadline_s)
        try:
            payload = self.exchange.ask(self._client.read_request(unit, block))
        except NoAnswer as silence:
            return self._silent(silence.fault)
        if payload[1] & BROKEN:
            return self._refused(payload[2])
        return words_in(payload, block)

    def ask(
        self,
        request: Callable[[StrictClient], ModbusPDU],
        shape: Shape,
        *,
        deadline_s: float | None = None,
    ) -> ModbusPDU | Fault:
        """Return the answer to one request, or why there is none; asks once.

        Args:
            request: Calls the pymodbus method that makes the request.
            shape: What the answer must be.
            deadline_s: Wall seconds from the end of the request to the end of the answer.
        """
        self.exchange.expect(shape, deadline_s)
        try:
            answer = request(self._client)
        except NoAnswer as silence:
            return self._silent(silence.fault)
        except ModbusException as error:
            return self._mistaken(str(error))
        return self._judged(answer, shape)

    def _judged(self, answer: ModbusPDU, shape: Shape) -> ModbusPDU | Fault:
        """Return the answer; what pymodbus read must be what the frame was accepted for."""
        if answer.dev_id != shape.unit or answer.function_code & 0x7F != shape.function:
            text = f"unit {answer.dev_id}, function {answer.function_code & 0x7F}"
            return self._mistaken(f"an answer of {text}")
        if not isinstance(answer, ExceptionResponse):
            return answer
        return self._refused(answer.exception_code)

    def _silent(self, fault: Fault) -> Fault:
        if fault.kind is FaultKind.EXCEPTION:
            self.counts.add_exception(fault.exception)
        return fault

    def _refused(self, code: int) -> Fault:
        self.counts.add_exception(code)
        return exception_fault(code)

    def _mistaken(self, detail: str) -> Fault:
        self.counts.mismatches += 1
        return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail)


def words_in(payload: bytes, block: Span) -> tuple[int, ...]:
    """Return the words of an answer that has the shape of this block's; bits as 0 and 1."""
    if block.function_code in BIT_FUNCTIONS:
        bits = int.from_bytes(payload[_HEAD_BYTES:], "little")
        return tuple(bits >> at & 1 for at in range(block.word_count))
    return _WORDS[block.word_count].unpack_from(payload, _HEAD_BYTES)


def owing(fault: Fault) -> Fault:
    """Return the fault of a probe as that of the request that it was sent for."""
    if fault.kind is FaultKind.LINK_DOWN:
        return fault
    return replace(fault, detail=f"{fault.detail} (to a probe, to be in step)")
