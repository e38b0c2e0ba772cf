"""Writes one register of one meter, reads it back and says what happened; made for no other link.

A write is sent once. When no answer comes nobody knows whether it took effect: that is said, and
then the register is read.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import structlog
from pymodbus.pdu import ModbusPDU
from structlog.typing import FilteringBoundLogger

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.modbus_frames import Shape
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_session_io import ModbusSession, StrictClient
from edge_gateway.links.register_writes import (
    WRITE_COIL,
    WRITE_REGISTER,
    NotWritableError,
    WritableRegister,
    value_in,
    words_of,
)

_ECHO_BYTES = 6
_COIL_ON = 0xFF00
"""Unit, function, address and value or count come back; Modbus application protocol 6.5 to 6.12."""

_LOG: FilteringBoundLogger = structlog.get_logger()

Words = tuple[int, ...]


class WriteOutcome(StrEnum):
    """How a write ended."""

    WRITTEN = "written"
    DISALLOWED = "disallowed"
    REFUSED = "refused"
    FAILED = "failed"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WritableMeter:
    """A meter of which some registers may be written.

    Attributes:
        serial: Serial number of the device.
        device_address: Unit identifier.
        gap_s: Wall seconds that it wants to be left alone between two requests.
        registers: Name to register, of those that profile and site allow.
    """

    serial: str
    device_address: int
    gap_s: float
    registers: Mapping[str, WritableRegister]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """What became of a write.

    Attributes:
        outcome: How it ended.
        text: The same for people, with the old and the new value.
        old: What the register held before; empty when it was not read.
        new: What it holds after; empty when nobody knows.
    """

    outcome: WriteOutcome
    text: str
    old: str = ""
    new: str = ""


class ModbusWriter:
    """Writes on the session that a link reads through; used by the link's thread alone."""

    def __init__(
        self, session: ModbusSession, link: ModbusLink, meters: Sequence[WritableMeter]
    ) -> None:
        """Take the line and what may be written there."""
        self._session = session
        self._link = link
        self._meters = {meter.serial: meter for meter in meters}

    def write(self, serial: str, name: str, value: Decimal) -> WriteReport:
        """Return what became of one write; nothing is sent when it is not allowed.

        Never raises for what a meter, an adapter or the network does.
        """
        meter = self._meters.get(serial)
        target = None if meter is None else meter.registers.get(name)
        if meter is None or target is None:
            allowed = "" if meter is None else ", ".join(sorted(meter.registers))
            text = f"{serial}: {name}: is not allowed here; allowed: {allowed or 'nothing'}"
            return WriteReport(outcome=WriteOutcome.DISALLOWED, text=text)
        try:
            words = words_of(target, value)
        except NotWritableError as error:
            text = f"{serial}: {error}; nothing was written"
            return WriteReport(outcome=WriteOutcome.REFUSED, text=text)
        before = self._read(meter, target)
        if isinstance(before, Fault):
            text = f"{serial}: {name}: cannot be read ({before.detail}); nothing was written"
            return WriteReport(outcome=WriteOutcome.FAILED, text=text)
        _LOG.warning("meter.write", device=serial, register=name, value=str(value))
        return self._written(meter, target, words, before)

    def _written(
        self, meter: WritableMeter, target: WritableRegister, words: Words, before: Words
    ) -> WriteReport:
        fault = self._send(meter, target, words)
        after = self._read(meter, target)
        old = value_in(target, before)
        place = f"{meter.serial}: {target.register.name}"
        wanted = value_in(target, words)
        if isinstance(after, Fault):
            said = "" if fault is None else f", and the write brought {fault.detail}"
            text = (
                f"{place}: was {old}, {wanted} was sent; it cannot be read back "
                f"({after.detail}){said}: nobody knows what it holds"
            )
            return WriteReport(outcome=WriteOutcome.UNKNOWN, text=text, old=old)
        new = value_in(target, after)
        if after == words:
            said = "" if fault is None else f" although the write brought {fault.detail}"
            text = f"{place}: {old} -> {new}, read back{said}"
            return WriteReport(outcome=WriteOutcome.WRITTEN, text=text, old=old, new=new)
        if fault is not None and fault.kind is FaultKind.EXCEPTION:
            text = f"{place}: the meter refuses {wanted} ({fault.detail}); it holds {new}"
            return WriteReport(outcome=WriteOutcome.FAILED, text=text, old=old, new=new)
        said = "was confirmed" if fault is None else f"brought {fault.detail}"
        text = f"{place}: was {old}, the write of {wanted} {said}, but it holds {new}"
        return WriteReport(outcome=WriteOutcome.MISMATCH, text=text, old=old, new=new)

    def _read(self, meter: WritableMeter, target: WritableRegister) -> Words | Fault:
        time.sleep(meter.gap_s)
        span = target.register.span
        unit = meter.device_address + span.unit_offset
        return self._link.transact(unit, span, deadline_s=None)

    def _send(self, meter: WritableMeter, target: WritableRegister, words: Words) -> Fault | None:
        """Send the write once; return why there is no confirmation, None when there is one."""
        time.sleep(meter.gap_s)
        span = target.register.span
        unit = meter.device_address + span.unit_offset
        echo = _echo(target.function, span.address, words)
        shape = Shape(head=bytes((unit, target.function)) + echo, length=_ECHO_BYTES)
        answer = self._session.ask(
            lambda client: _request(client, target.function, unit, (span.address, words)), shape
        )
        return answer if isinstance(answer, Fault) else None


def _echo(function: int, address: int, words: Words) -> bytes:
    second = {WRITE_COIL: _COIL_ON * words[0], WRITE_REGISTER: words[0]}.get(function, len(words))
    return address.to_bytes(2, "big") + second.to_bytes(2, "big")


def _request(client: StrictClient, function: int, unit: int, what: tuple[int, Words]) -> ModbusPDU:
    address, words = what
    if function == WRITE_COIL:
        return client.write_coil(address, bool(words[0]), device_id=unit)
    if function == WRITE_REGISTER:
        return client.write_register(address, words[0], device_id=unit)
    return client.write_registers(address, list(words), device_id=unit)
