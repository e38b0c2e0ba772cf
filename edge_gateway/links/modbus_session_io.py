"""pymodbus over one strict exchange: it writes the requests and reads the answers, we judge them.

The synchronous client keeps the words of the protocol; its own sending, receiving and repeating are
replaced by `Exchange`, which hands it nothing but the one frame that is the answer.
"""

import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace

from pymodbus.client.base import ModbusBaseSyncClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.framer import FramerType
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
)
from pymodbus.transport import CommParams, CommType

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.exchange_io import Exchange, NoAnswer
from edge_gateway.links.held_line_io import HeldLine
from edge_gateway.links.link_counts import LinkCounts
from edge_gateway.links.modbus_frames import FrameKind, Shape
from wire_contracts.quality import BAD_MISMATCH, bad_exception

_HIGHEST_START = 65_000
"""pymodbus counts transactions from 1 to 65000 and begins again: never 0, never above 65535."""

_FRAMERS: Mapping[FrameKind, FramerType] = {
    FrameKind.RTU: FramerType.RTU,
    FrameKind.ASCII: FramerType.ASCII,
    FrameKind.TCP: FramerType.SOCKET,
}


def _unpacked(data: bytes) -> list[int]:
    """Return the words of an answer: its byte count, then so many bytes."""
    if not data or data[0] % 2 or data[0] != len(data) - 1:
        message = f"a byte count that {len(data)} bytes do not bear"
        raise ModbusIOException(message)
    return list(struct.unpack(f">{data[0] // 2}H", data[1:]))


class _HoldingRegisters(ReadHoldingRegistersResponse):
    """Unpacks all words at once; pymodbus takes them one by one and prints each."""

    def decode(self, data: bytes) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        self.registers = _unpacked(data)

    def __str__(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12
        return f"{len(self.registers)} words"


class _InputRegisters(ReadInputRegistersResponse):
    """The same for input registers."""

    def decode(self, data: bytes) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        self.registers = _unpacked(data)

    def __str__(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12
        return f"{len(self.registers)} words"


class StrictClient(ModbusBaseSyncClient):
    """pymodbus's synchronous client on a line that is ours."""

    def __init__(self, exchange: Exchange) -> None:
        """Take the exchange; a restarted gateway does not begin with transaction 1 again."""
        self._exchange = exchange
        super().__init__(
            _FRAMERS[exchange.kind], 0, CommParams(comm_type=CommType.TCP), None, None, None
        )
        self.register(_HoldingRegisters)
        self.register(_InputRegisters)
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

    def connect(self) -> bool:  # type: ignore[explicit-override]  # needs Python 3.12
        """Return True: the exchange opens its line itself."""
        return True

    def close(self) -> None:  # type: ignore[explicit-override]  # needs Python 3.12
        """Do nothing: the exchange closes its line itself."""

    def send(  # type: ignore[explicit-override]  # needs Python 3.12
        self, request: bytes, addr: tuple[str, int] | None = None
    ) -> int:
        """Send one request and return its length."""
        del addr
        self._exchange.send(request)
        return len(request)

    def recv(  # type: ignore[explicit-override]  # needs Python 3.12
        self, size: int | None
    ) -> bytes:
        """Return the frame of the answer, whole and alone."""
        del size
        return self._exchange.receive()


class ModbusSession:
    """One line that speaks Modbus; what reads and what writes share it, one at a time."""

    def __init__(self, line: HeldLine, exchange: Exchange) -> None:
        """Take the parts; nothing is opened."""
        self.exchange = exchange
        self._line = line
        self._client = StrictClient(exchange)

    @property
    def counts(self) -> LinkCounts:
        """Return what the line has done."""
        return self._line.counts

    def open(self) -> bool:
        """Return whether the line is open, opened now if it is time to try."""
        return self._line.port() is not None

    def close(self) -> None:
        """Close the line; the next request opens it again."""
        self._line.close()

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
            if silence.fault.kind is FaultKind.EXCEPTION:
                self.counts.add_exception(silence.fault.exception)
            return silence.fault
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
        code = answer.exception_code
        self.counts.add_exception(code)
        return Fault(
            kind=FaultKind.EXCEPTION,
            quality=bad_exception(code),
            exception=code,
            detail=f"exception {code}",
        )

    def _mistaken(self, detail: str) -> Fault:
        self.counts.mismatches += 1
        return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail)


def owing(fault: Fault) -> Fault:
    """Return the fault of a probe as that of the request that it was sent for."""
    if fault.kind is FaultKind.LINK_DOWN:
        return fault
    return replace(fault, detail=f"{fault.detail} (to a probe, to be in step)")
