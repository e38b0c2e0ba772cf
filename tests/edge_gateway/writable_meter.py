"""A Modbus TCP meter that can be written, and that misbehaves when told to."""

import socket
import struct
from dataclasses import dataclass, field
from enum import StrEnum

from tests.edge_gateway.rig import ServedPort


class Fault(StrEnum):
    """What the meter does with a write."""

    NONE = "none"
    REFUSES = "refuses"
    FORGETS = "forgets"
    SILENT_DONE = "silent, done"
    SILENT_NOT_DONE = "silent, not done"
    GONE = "gone"
    """Takes the write and answers nothing any more."""


@dataclass
class WritableMeter(ServedPort):
    """Unit 1 with holding registers and coils; `writes` are the write requests that came."""

    words: dict[int, int] = field(default_factory=dict)
    coils: dict[int, int] = field(default_factory=dict)
    fault: Fault = Fault.NONE
    port: int = 0
    writes: list[bytes] = field(default_factory=list)
    is_gone: bool = False

    def serve(self, connection: socket.socket) -> None:  # type: ignore[explicit-override]  # 3.12
        while header := connection.recv(6, socket.MSG_WAITALL):
            length = int.from_bytes(header[4:6], "big")
            body = connection.recv(length, socket.MSG_WAITALL)
            answer = self._answer(body)
            if answer is not None and not self.is_gone:
                connection.sendall(header[:4] + struct.pack(">H", len(answer)) + answer)

    def _answer(self, body: bytes) -> bytes | None:
        function, address, second = struct.unpack(">BHH", body[1:6])
        if function == 3:
            data = b"".join(
                self.words.get(at, 0).to_bytes(2, "big") for at in range(address, address + second)
            )
            return body[:2] + bytes((len(data),)) + data
        if function == 1:
            return body[:2] + bytes((1, self.coils.get(address, 0)))
        return self._write(body, function, address, second)

    def _write(self, body: bytes, function: int, address: int, second: int) -> bytes | None:
        self.writes.append(body)
        if self.fault is Fault.REFUSES:
            return body[:1] + bytes((function | 0x80, 4))
        if self.fault not in (Fault.FORGETS, Fault.SILENT_NOT_DONE):
            self._keep(body, function, address, second)
        self.is_gone = self.fault is Fault.GONE
        return None if self.fault in (Fault.SILENT_DONE, Fault.SILENT_NOT_DONE) else body[:6]

    def _keep(self, body: bytes, function: int, address: int, second: int) -> None:
        if function == 5:
            self.coils[address] = second >> 15
        elif function == 6:
            self.words[address] = second
        else:
            words = struct.unpack(f">{second}H", body[7:])
            self.words.update(zip(range(address, address + second), words, strict=True))
