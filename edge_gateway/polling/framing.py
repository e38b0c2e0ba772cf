"""Turns what one job read into a frame; a read that failed is a frame without values."""

from dataclasses import dataclass
from datetime import datetime

from edge_gateway.links.meter_reading import GroupRead
from firmware_profiles.decode import decode_group
from firmware_profiles.errors import WordsError
from firmware_profiles.profile import Identity, Profile, group_registers
from firmware_profiles.words import pack_words
from wire_contracts.frames import Frame
from wire_contracts.quality import BAD_PROFILE

UNNUMBERED = 0
"""The seq of a frame that the queue has not taken yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOrigin:
    """Where and when words were read.

    Attributes:
        serial: The device.
        device_address: Its Modbus unit identifier.
        profile: What decodes its words.
        group: The register group.
        measured_at_utc: When the first request was sent.
    """

    serial: str
    device_address: int
    profile: Profile
    group: str
    measured_at_utc: datetime


def build_frame(origin: ReadOrigin, read: GroupRead, *, is_raw_kept: bool) -> Frame:
    """Return the unnumbered frame of one job.

    Words that were not answered leave a quality and no value, never a zero.
    """
    identity = Identity(serial=origin.serial, device_address=origin.device_address)
    decoded = decode_group(origin.profile, origin.group, read.words, read.faults, identity)
    return Frame(
        seq=UNNUMBERED,
        device=origin.serial,
        measured_at_utc=origin.measured_at_utc,
        profile=origin.profile.reference,
        group=origin.group,
        values=decoded.values,
        quality=decoded.quality,
        events=tuple(decoded.events),
        raw=_raw(read) if is_raw_kept else None,
    )


def undecodable_frame(origin: ReadOrigin, read: GroupRead) -> Frame:
    """Return the frame of words that the profile failed on: no values, the words kept (R17)."""
    registers = group_registers(origin.profile, origin.group)
    quantities = [register.wire for register in registers if register.wire is not None]
    return Frame(
        seq=UNNUMBERED,
        device=origin.serial,
        measured_at_utc=origin.measured_at_utc,
        profile=origin.profile.reference,
        group=origin.group,
        values={},
        quality=dict.fromkeys(quantities, BAD_PROFILE),
        raw=_raw(read),
    )


def _raw(read: GroupRead) -> bytes | None:
    """Return the packed words, or None when there are none or more than a frame may carry."""
    if not read.words:
        return None
    try:
        return pack_words(read.words)
    except WordsError:
        return None
