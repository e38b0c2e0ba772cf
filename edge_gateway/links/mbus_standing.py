"""Decides whom an M-Bus meter's address stands for, and how far its telegrams are believed.

What two meters at one address say at once passes the checksum more often than chance, with an
identification that is one of theirs, or nobody's. A meter that answers to the identification as an
address is asked by it from then on. One that knows no selection is believed once so many answers
in a row, all different, came whole that two could not have given them.
"""

from dataclasses import dataclass, replace

from edge_gateway.links.mbus_meter import MbusMeter, any_version, is_one_number
from meter_telegrams.mbus.frames import parse_secondary
from meter_telegrams.records.measures import Measure
from meter_telegrams.records.telegram import MeterAddress, Telegram

SELECTION_TRIES = 3
"""Readouts after which a meter that cannot be selected is not tried any more. Judgement: a fault
on the line may spoil one or two."""

NAMED_AFTER = 3
"""Differing answers in a row after which another identification is refused. Judgement."""

BELIEVED_AFTER = 5
"""Differing answers in a row after which a meter without selection is believed. Of two meters'
answers at once about one in a hundred passes: five in a row are no chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of who answers to a meter's address.

    Attributes:
        name: The only one who is believed; None: nobody is known yet.
        is_selected: Whether it answers to that name, and is asked by it.
        shown: The identification of the last unconfirmed answer.
        raw: That answer.
        count: Differing unconfirmed answers in a row with one identification, none refused between.
        tries: How often nobody answered to the identification since an answer was refused.
        doubts: How often that was since the start.
    """

    name: MeterAddress | None = None
    is_selected: bool = False
    shown: MeterAddress | None = None
    raw: bytes = b""
    count: int = 0
    tries: int = 0
    doubts: int = 0

    @property
    def is_believed(self) -> bool:
        """Return whether an answer that no selection confirms counts as good."""
        return self.count >= BELIEVED_AFTER

    def may_select(self, shown: MeterAddress | None) -> bool:
        """Return whether an identification is to be tried as an address: it must fit one meter."""
        return self.tries < SELECTION_TRIES and shown is not None and is_one_number(shown)


def first_standing(meter: MbusMeter, kept: str = "") -> Standing:
    """Return what is known at the start: a whole number is tried as an address before any other.

    Two meters at one primary address are told apart by nothing else. Where the settings name
    nobody, whoever answered before the gateway started anew is the only one who is believed; a
    meter may have another version since, as with new firmware.

    Args:
        meter: What the settings say.
        kept: The identification of an earlier run, as settings write it; empty: none.
    """
    secondary = meter.secondary
    if secondary is not None and is_one_number(secondary):
        return Standing(name=secondary, is_selected=True)
    return Standing(name=None if secondary is not None else _kept_name(kept))


def _kept_name(kept: str) -> MeterAddress | None:
    try:
        return any_version(parse_secondary(kept))
    except ValueError:
        return None


def when_confirmed(standing: Standing, name: MeterAddress) -> Standing:
    """Return the standing of a meter that was read by its own name."""
    return Standing(name=name, is_selected=True, doubts=standing.doubts)


def when_unconfirmed(standing: Standing, shown: MeterAddress | None, raw: bytes) -> Standing:
    """Return the standing behind a whole answer that no selection confirms."""
    is_same = standing.count > 0 and shown == standing.shown
    count = standing.count + (raw != standing.raw) if is_same else 1
    is_named = standing.name is None and count >= NAMED_AFTER
    return replace(
        standing,
        name=shown if is_named else standing.name,
        is_selected=False,
        shown=shown,
        raw=raw,
        count=count,
        tries=standing.tries + 1,
        doubts=standing.doubts + 1,
    )


def when_recognised(standing: Standing, name: MeterAddress) -> Standing:
    """Return the standing of a meter that was believed before the gateway started anew."""
    return replace(standing, name=name, is_selected=False, shown=name, count=BELIEVED_AFTER)


def when_refused(standing: Standing) -> Standing:
    """Return the standing behind an answer that was refused: a second meter may be there."""
    return replace(standing, count=0, tries=0)


def claimed_number(serial: str) -> str:
    """Return what a device serial says that the meter itself must say: the part behind the colon.

    Empty when it says nothing; leading zeros are left out.
    """
    return serial.partition(":")[2].strip().upper().lstrip("0")


def is_claimed(serial: str, telegram: Telegram) -> bool:
    """Return whether a telegram may be from the device with this serial.

    The number is that of its header, or the fabrication number among its records.
    """
    wanted = claimed_number(serial)
    if not wanted or telegram.address is None:
        return True
    shown = {telegram.address.identification}
    shown |= {
        str(record.value)
        for record in telegram.records
        if record.measure is Measure.FABRICATION_NUMBER and record.value is not None
    }
    return wanted in {each.strip().upper().lstrip("0") for each in shown}
