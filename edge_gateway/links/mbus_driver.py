"""The M-Bus driver: which meter is asked how, and what its telegrams mean.

A meter that is asked by its primary address and for which the settings name no identification is
taken at its first word, if it answers to that identification too: an answer with another one is
refused until the gateway starts anew, because an exchanged meter is another device (R13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.driver import DriverMeter, Identity, JobKind, JobRead, Notice
from edge_gateway.links.mbus_io import MbusLink
from edge_gateway.links.mbus_meter import (
    ANYBODY,
    MbusAddressError,
    MbusMeter,
    format_secondary,
    parse_meter,
)
from edge_gateway.links.mbus_readout import Readout, is_confirmed, read_out
from meter_telegrams.records.telegram import MeterAddress, Telegram
from meter_telegrams.telegram_meaning import MEDIA, PROFILE, meaning_of
from wire_contracts.quality import BAD_MISMATCH, QualityCode
from wire_contracts.quantities import Medium, Quantity

CONFIRMING_ATTEMPTS = 3
"""Readouts after which a meter that cannot be selected is reported. Judgement: a fault on the line
may spoil one or two."""

UNCONFIRMED = "no meter answers to this identification: two may share the address"

_EXPECTED: Mapping[Medium, Sequence[Quantity]] = {
    Medium.HEAT: (Quantity.ENERGY_KWH, Quantity.VOLUME_M3),
    Medium.WATER: (Quantity.VOLUME_M3,),
    Medium.GAS: (Quantity.VOLUME_ACTUAL_M3,),
}
"""What a meter that has never answered is missed for, by the device type of its address."""


class MbusDriver:
    """Reads the telegrams of the meters on one M-Bus line."""

    def __init__(
        self, link: MbusLink, meters: Sequence[DriverMeter], *, is_reset: bool = False
    ) -> None:
        """Take the line and its meters; nothing is opened yet.

        Args:
            link: The line.
            meters: Who is on it.
            is_reset: Whether each readout begins with an application reset.

        Raises:
            MbusAddressError: A meter's address or profile cannot be.
        """
        self._link = link
        self._is_reset = is_reset
        self._meters: dict[str, MbusMeter] = {
            meter.serial: parse_meter(meter.device_address, meter.profile) for meter in meters
        }
        self._mute: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._seen: dict[str, Sequence[Quantity]] = {}

    def open(self) -> bool:
        """Return whether the line is open."""
        return self._link.open()

    def close(self) -> None:
        """Close the line; the next call opens it again."""
        self._link.close()

    def identify(self, device_address: str) -> Identity | Fault:
        """Return what answers: at an address, or with ANYBODY the one meter on the line."""
        try:
            meter = parse_meter(device_address) if device_address != ANYBODY else MbusMeter()
        except MbusAddressError as error:
            return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=str(error))
        found = read_out(self._link, meter)
        if isinstance(found, Readout):
            if found.telegram is not None:
                return self._confirmed(identity_of(found.telegram, device_address), found, meter)
            return found.fault or Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH)
        return found

    def _confirmed(self, identity: Identity, found: Readout, meter: MbusMeter) -> Identity:
        """Return who answered at an address, in doubt when nobody can be selected by that name."""
        shown = None if found.telegram is None else found.telegram.address
        if meter.primary is None or shown is None or is_confirmed(self._link, shown):
            return identity
        return replace(identity, facts={**identity.facts, "doubt": UNCONFIRMED})

    def read(self, job: JobKind, *, retry_count: int) -> JobRead:
        """Return what one readout brought; it has every telegram of the meter, or none."""
        meter = self._meters[job.serial]
        faults: list[Fault] = []
        is_mute = job.serial in self._mute
        for _ in range(1 + retry_count):
            found = read_out(self._link, meter, is_mute=is_mute, is_reset=self._is_reset)
            if isinstance(found, Readout):
                if is_mute:
                    self._mute.add(job.serial)
                return self._taken(job.serial, meter, found, faults)
            faults.append(found)
            if found.kind is FaultKind.LINK_DOWN:
                break
            # a few meters do not acknowledge SND_NKE: the second try asks for the data all the same
            is_mute = found.kind is FaultKind.TIMEOUT and meter.primary is not None and not is_mute
        self._mute.discard(job.serial)
        last = faults[-1]
        return JobRead(
            quality=self._missed(job.serial, meter, last.quality),
            has_answered=False,
            is_link_down=last.kind is FaultKind.LINK_DOWN,
            faults=tuple(faults),
            profile=PROFILE,
        )

    def _taken(
        self, serial: str, meter: MbusMeter, found: Readout, faults: Sequence[Fault]
    ) -> JobRead:
        if found.telegram is None:
            fault = found.fault or Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH)
            return JobRead(
                quality=self._missed(serial, meter, fault.quality),
                raw=found.raw or None,
                has_answered=True,
                faults=(*faults, fault),
                profile=PROFILE,
            )
        notices = self._hold_on_to(serial, meter, found.telegram.address)
        meaning = meaning_of(found.telegram)
        self._seen[serial] = tuple({*meaning.values, *meaning.quality})
        return JobRead(
            values=meaning.values,
            quality=meaning.quality,
            events=meaning.events,
            raw=found.raw,
            local=meaning.local,
            has_answered=True,
            faults=tuple(faults),
            profile=PROFILE,
            meter_clock=meaning.meter_clock,
            notices=notices,
        )

    def _hold_on_to(
        self, serial: str, meter: MbusMeter, shown: MeterAddress | None
    ) -> Sequence[Notice]:
        """Remember who answered at a primary address, once it answers to that name as well."""
        attempt = self._attempts.get(serial, 0) + 1
        if meter.secondary is not None or shown is None or attempt > CONFIRMING_ATTEMPTS:
            return ()
        if is_confirmed(self._link, shown):
            self._meters[serial] = replace(meter, secondary=shown)
            return ()
        self._attempts[serial] = attempt
        if attempt < CONFIRMING_ATTEMPTS:
            return ()
        name = format_secondary(shown)
        text = (
            f"{serial}: nobody answers to {name}, which address {meter.primary} shows: the meter"
            f" knows no selection, or two share the address; write {meter.primary}/{name} if one"
        )
        return (Notice(kind="meter_unconfirmed", text=text),)

    def _missed(
        self, serial: str, meter: MbusMeter, code: QualityCode
    ) -> Mapping[Quantity, QualityCode]:
        """Return the code for everything the meter has shown before, or is known to have."""
        device_type = 0xFF if meter.secondary is None else meter.secondary.device_type
        medium = MEDIA.get(device_type, Medium.WATER)
        return dict.fromkeys(self._seen.get(serial) or _EXPECTED[medium], code)


def identity_of(telegram: Telegram, device_address: str) -> Identity:
    """Return who a telegram says it is from."""
    facts = {"protocol": "M-Bus", "medium": telegram.medium}
    address = telegram.address
    if address is not None:
        facts["serial"] = address.identification
        facts["secondary_address"] = format_secondary(address)
        if address.manufacturer:
            facts["manufacturer"] = address.manufacturer
            facts["version"] = f"{address.version:02X}"
    if telegram.primary_address is not None:
        facts["primary_address"] = str(telegram.primary_address)
    return Identity(device_address=device_address, profiles=(PROFILE,), facts=facts)
