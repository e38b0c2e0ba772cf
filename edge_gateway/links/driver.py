"""What the poller asks of a protocol: open, identify, read one job, close."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple, Protocol

from edge_gateway.links.answers import Fault
from edge_gateway.links.learnt import Learnt
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity

_NOTHING: Mapping[Quantity, float] = MappingProxyType({})
_ALL_GOOD: Mapping[Quantity, QualityCode] = MappingProxyType({})
_NO_NAMES: Mapping[str, object] = MappingProxyType({})

TELEGRAM = "telegram"
"""The one group of a meter whose protocol knows no groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverMeter:
    """A meter as the settings name it, for drivers that need no register map.

    Attributes:
        serial: Serial number of the device, as the server knows it.
        device_address: Where it answers, as text: `5`, `24083345.EFE.00.0C`, `20:11223344556677`.
        profile: What the settings call its profile; empty when they name none.
    """

    serial: str
    device_address: str
    profile: str = ""


class JobKind(NamedTuple):
    """What one job reads: a register group of a meter, or the telegram of a meter.

    Attributes:
        serial: Serial number of the device.
        group: Register group of its profile; drivers without groups call it TELEGRAM.
    """

    serial: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the server should be told once, as an event.

    Attributes:
        kind: The event kind, such as `register_refused`; docs/gateway.md lists them.
        text: What happened to which meter, for a person.
    """

    kind: str
    text: str


class JobRead(NamedTuple):
    """What one job brought, whatever the protocol; a tuple is made in a third of the time.

    Attributes:
        has_answered: Whether the meter said anything; an exception is an answer.
        values: Wire quantity to its value in the canonical unit; good or suspect, never bad.
        quality: Wire quantity to its code where it is not good.
        events: Canonical events that the meter's status reported.
        raw: The words or the telegram as read (RULINGS R17), None when nothing came.
        local: What stays in the gateway, by the profile's own names: clocks, serials, modes.
        is_link_down: Whether the link could not be opened, so that no meter is to blame.
        faults: What went wrong, in the order it happened, for logs and the command line.
        profile: What decoded the values, as frames name it: `tuf_2000m@1`, `mbus@1`.
        meter_clock: What the meter's own clock shows, naive, in the meter's local time.
        notices: What the server should be told beside the frame.
    """

    has_answered: bool
    values: Mapping[Quantity, float] = _NOTHING
    quality: Mapping[Quantity, QualityCode] = _ALL_GOOD
    events: Sequence[str] = ()
    raw: bytes | None = None
    local: Mapping[str, object] = _NO_NAMES
    is_link_down: bool = False
    faults: Sequence[Fault] = ()
    profile: str = ""
    meter_clock: datetime | None = None
    notices: Sequence[Notice] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a meter says it is, before anyone assumes a profile.

    Attributes:
        device_address: The address it answered at, as written in the settings.
        profiles: References of the profiles it may be, most specific first; empty: unknown.
        facts: What it said, by name: manufacturer, model, firmware, serial, medium.
        told_by: What a person must look at to tell several profiles apart, one text for each.
    """

    device_address: str
    profiles: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    told_by: Sequence[str] = ()


class Driver(Protocol):
    """One protocol on one line; used by one thread, one request at a time.

    No method raises for what a meter, a serial server or the network does.
    """

    def open(self) -> bool:
        """Return whether the line is open; opening is paced by the driver itself."""
        ...

    def identify(self, device_address: str) -> Identity | Fault:
        """Return what answers at an address, or why nothing is known."""
        ...

    def read(self, job: JobKind, *, retry_count: int) -> JobRead:
        """Return what one job brought; the driver knows the meters it was made for."""
        ...

    def learnt(self) -> Mapping[str, Learnt]:
        """Return what is known of its meters, by serial, for the driver that takes its place."""
        ...

    def clock_moved(self, by: timedelta, before_utc: datetime) -> None:
        """Go on behind a step of the gateway's clock as if there had been none.

        Args:
            by: How far it was moved forward; negative: back.
            before_utc: What it showed ahead of the step.
        """
        ...

    def close(self) -> None:
        """Close the line; the next call opens it again."""
        ...
