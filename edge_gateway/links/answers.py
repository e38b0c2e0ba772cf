"""What comes back from one request: the words, or why there are none."""

from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.quality import QualityCode, bad_exception

PATH_UNAVAILABLE = frozenset({10, 11})
"""Exceptions of a serial server whose meter does not answer."""

NO_SERIAL_PORT = "is no serial port"
"""What the reason of a closed line says of a file or device that has no speed and no parity."""

NO_MODBUS = "is no Modbus frame"
"""What the reason of a line says on which somebody else answers."""


class FaultKind(StrEnum):
    """Why a transaction gave no words."""

    TIMEOUT = "timeout"
    EXCEPTION = "exception"
    MISMATCH = "mismatch"
    LINK_DOWN = "link_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A transaction without words.

    Attributes:
        kind: What went wrong.
        quality: The quality code of everything that was asked.
        exception: The Modbus exception code, 0 when there is none.
        detail: A text for the log.
    """

    kind: FaultKind
    quality: QualityCode
    exception: int = 0
    detail: str = ""

    @property
    def is_silence(self) -> bool:
        """Whether the meter itself said nothing, directly or through a serial server."""
        return self.kind is FaultKind.TIMEOUT or self.exception in PATH_UNAVAILABLE


def exception_fault(code: int) -> Fault:
    """Return the fault of an exception answer with this code."""
    return Fault(
        kind=FaultKind.EXCEPTION,
        quality=bad_exception(code),
        exception=code,
        detail=f"exception {code}",
    )


Answer = tuple[int, ...] | Fault
"""The words of a request in order (bits as 0 and 1), or the fault."""


class NoAnswer(Exception):  # noqa: N818  # reads as what the caller gets
    """There is no answer that can be trusted; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        """Keep the fault."""
        super().__init__(fault.detail)
        self.fault = fault
