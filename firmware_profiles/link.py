"""How a meter wants to be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

DEFAULT_MAX_REGISTERS = 125
"""Most registers of one read; Modbus Application Protocol V1.1b3, 6.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How this meter wants to be asked.

    Attributes:
        transports: Of `rtu`, `ascii`, `tcp`.
        function_codes: What the meter understands, reading and writing.
        max_registers: Most registers of one read.
        forbidden: Inclusive address ranges that must not even be read.
        default_device_address: What the meter has when it leaves the factory.
        baud: Factory speed of the serial line, bits per second.
        parity: Factory parity, `N`, `E` or `O`.
        stop_bits: Factory stop bits.
        timeout: How long an answer may take.
        gap: Least silence between two requests.
        min_poll: Least time between two polls.
        min_refresh: How often the meter itself renews its values.
        is_login_needed: Reading or writing needs a log-in first.
        port: Factory TCP port.
        speeds: Speeds it can be set to.
        fastest_baud: Highest speed of the serial line.
        turnaround: How long the meter usually thinks before it answers.
        after_connect: How long it must be left alone after a connection is opened.
        has_echo: The line repeats what is sent.
        address_rule: How the device address is derived where it is no constant; for people.
    """

    transports: Sequence[str] = ()
    function_codes: Sequence[int] = ()
    max_registers: int = DEFAULT_MAX_REGISTERS
    forbidden: Sequence[tuple[int, int]] = ()
    default_device_address: int | None = None
    baud: int | None = None
    parity: str | None = None
    stop_bits: int | None = None
    timeout: timedelta | None = None
    gap: timedelta | None = None
    min_poll: timedelta | None = None
    min_refresh: timedelta | None = None
    is_login_needed: bool = False
    port: int | None = None
    speeds: Sequence[int] = ()
    fastest_baud: int | None = None
    turnaround: timedelta | None = None
    after_connect: timedelta | None = None
    has_echo: bool = False
    address_rule: str = ""
