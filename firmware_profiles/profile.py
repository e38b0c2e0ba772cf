"""The register map of one firmware of one meter model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.cadence import Cadence
from firmware_profiles.golden_vector import GoldenVector
from firmware_profiles.link import Link
from firmware_profiles.probe import Guard, Probe
from firmware_profiles.register import Register
from firmware_profiles.status_rule import StatusRule
from wire_contracts.quantities import Medium, Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRule:
    """A register that may be written, and the printed values it may be given."""

    register: str
    minimum: Fraction
    maximum: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConditions:
    """What base volumes of gas are reduced to."""

    pressure_bara: Fraction
    temperature_degc: Fraction
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The register map of one firmware of one meter model.

    Attributes:
        place: File it was read from, for messages.
        profile_id: Its id, such as `tuf_2000m`.
        revision: Counts up with every correction; None in a draft.
        medium: What the meter measures; None for a controller.
        confidence: How well the facts are known: high, medium, low.
        doc_base: What the manual's numbering begins with: wire address 0 is printed so.
        groups: Poll group to interval or time of day.
        registers: By name, in the order of the file.
        order_candidates: The byte orders the meter may have, where the file does not know; see
            `word_orders`. Empty when it does.
        probed_order: The one of them that was found.
        firmware_min: Oldest firmware the file is for, as the meter shows it.
        firmware_max: Newest.
        variant: What tells it from other profiles of the model, for people: a switch, a unit.
        status: Rules that turn status registers into events.
        prepared: What `decode` has prepared of a group, for the next poll; no fact of the file.
    """

    place: str
    profile_id: str
    revision: int | None
    manufacturer: str
    model: str
    kind: str
    medium: Medium | None
    confidence: str
    link: Link
    registers: Mapping[str, Register]
    order_candidates: Sequence[ByteOrder] = ()
    probed_order: ByteOrder | None = None
    firmware_min: str = ""
    firmware_max: str = ""
    variant: str = ""
    doc_base: int | None = None
    status: Sequence[StatusRule] = ()
    groups: Mapping[str, Cadence] = field(default_factory=dict)
    guard: Guard | None = None
    writes: Mapping[str, WriteRule] = field(default_factory=dict)
    base_conditions: BaseConditions | None = None
    probes: Sequence[Probe] = ()
    golden: Sequence[GoldenVector] = ()
    quirks: Sequence[str] = ()
    sources: Sequence[str] = ()
    prepared: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def reference(self) -> str:
        """Return what frames and configuration call it, such as `tuf_2000m@1`.

        A byte order that was found by probing is part of it, such as `x@1+CDAB`: without it the
        words of a frame could not be decoded again.
        """
        order = "" if self.probed_order is None else f"+{self.probed_order}"
        return f"{self.profile_id}@{'draft' if self.revision is None else self.revision}{order}"

    @property
    def max_registers(self) -> int:
        """Return the most registers that one read may ask for."""
        return self.link.max_registers

    @property
    def forbidden(self) -> Sequence[tuple[int, int]]:
        """Return the inclusive address ranges that must not be read."""
        return self.link.forbidden


def wire_registers(profile: Profile) -> dict[Quantity, Register]:
    """Return the one register that produces each wire quantity of the profile."""
    registers = profile.registers.values()
    return {register.wire: register for register in registers if register.wire is not None}


def group_registers(profile: Profile, group: str) -> tuple[Register, ...]:
    """Return the readable registers of a poll group, in the order of the file.

    Raises:
        KeyError: The profile has no such group.
    """
    if group not in profile.groups:
        message = f"{profile.reference} has no group {group!r}; it has {', '.join(profile.groups)}"
        raise KeyError(message)
    registers = profile.registers.values()
    return tuple(item for item in registers if item.group == group and item.is_readable)
