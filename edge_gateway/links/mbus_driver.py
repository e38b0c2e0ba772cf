"""The M-Bus driver: which meter is asked how, and what its telegrams mean.

A meter that is asked by its primary address is taken at its first word only if it answers to that
identification as an address too, and is asked by it from then on; until then its values are
suspect. Another identification is refused, over restarts of the gateway too, because an exchanged
meter is another device (R13); the server is told once whom the address shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.driver import DriverMeter, Identity, JobKind, JobRead, Notice
from edge_gateway.links.followed_values import TelegramTotals
from edge_gateway.links.learnt import NOTHING_LEARNT, Learnt, MbusLearnt
from edge_gateway.links.mbus_io import MbusLink
from edge_gateway.links.mbus_meter import (
    ANYBODY,
    MbusAddressError,
    MbusMeter,
    format_secondary,
    parse_meter,
)
from edge_gateway.links.mbus_readout import (
    Approach,
    Readout,
    Stranger,
    is_confirmed,
    name_of,
    read_now,
    read_out,
    selectable,
    stranger,
)
from edge_gateway.links.mbus_repeats import LastHeard
from edge_gateway.links.mbus_standing import (
    BELIEVED_AFTER,
    SELECTION_TRIES,
    first_standing,
    is_claimed,
    when_confirmed,
    when_recognised,
    when_refused,
    when_unconfirmed,
)
from edge_gateway.links.notices import PROFILE_MATCHES, PROFILE_MISMATCH
from meter_telegrams.records.telegram import MeterAddress, Telegram
from meter_telegrams.telegram_meaning import MEDIA, PROFILE, meaning_of
from wire_contracts.clock import Clock
from wire_contracts.quality import BAD_MISMATCH, SUSPECT_STATUS, QualityCode
from wire_contracts.quantities import Medium, Quantity

UNCONFIRMED = "no meter answers to this identification: two may share the address"

_EXPECTED: Mapping[Medium, Sequence[Quantity]] = {
    Medium.HEAT: (Quantity.ENERGY_KWH, Quantity.VOLUME_M3),
    Medium.WATER: (Quantity.VOLUME_M3,),
    Medium.GAS: (Quantity.VOLUME_ACTUAL_M3,),
}
"""What a meter that has never answered is missed for, by the device type of its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a meter sent last, and how it was asked then."""

    asked: MbusMeter
    last: LastHeard


class MbusDriver:
    """Reads the telegrams of the meters on one M-Bus line."""

    def __init__(
        self,
        link: MbusLink,
        meters: Sequence[DriverMeter],
        learnt: Mapping[str, Learnt] = NOTHING_LEARNT,
        *,
        is_reset: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Take the line and its meters; nothing is opened yet.

        Args:
            link: The line.
            meters: Who is on it.
            learnt: What is known of them, by serial.
            is_reset: Whether each readout begins with an application reset.
            clock: Dates the totals, to doubt those that fall; None: nothing is compared.

        Raises:
            MbusAddressError: A meter's address or profile cannot be.
        """
        self._link = link
        self._is_reset = is_reset
        self._clock = clock
        self._totals = TelegramTotals()
        self._shown: dict[str, str] = {}
        self._meters: Mapping[str, MbusMeter] = {
            meter.serial: parse_meter(meter.device_address, meter.profile) for meter in meters
        }
        self._standing = {serial: first_standing(meter) for serial, meter in self._meters.items()}
        self._mute: set[str] = set()
        self._last: dict[str, _Known] = {}
        self._seen: dict[str, Sequence[Quantity]] = {}
        self._believed: dict[str, str] = {}
        self._strangers: dict[str, str] = {}
        self._told: set[str] = set()
        for serial, known in learnt.items():
            if serial in self._meters and isinstance(known, MbusLearnt):
                self._take_over(serial, known)

    def _take_over(self, serial: str, known: MbusLearnt) -> None:
        """Go on with what another driver has learnt; what a meter sent last is not of this one."""
        self._believed[serial] = known.believed
        self._totals.take_over(serial, known.totals)
        kept = known.totals.of or known.believed
        self._standing[serial] = known.standing or first_standing(self._meters[serial], kept)
        if known.is_mute:
            self._mute.add(serial)
        if known.seen:
            self._seen[serial] = known.seen

    def learnt(self) -> Mapping[str, Learnt]:
        """Return what is known of the meters, by serial."""
        return {serial: self._learnt(serial) for serial in self._meters}

    def _learnt(self, serial: str) -> MbusLearnt:
        standing = self._standing[serial]
        believed = self._believed.get(serial, "")
        if standing.is_believed and standing.shown is not None:
            believed = format_secondary(standing.shown)
        return MbusLearnt(
            believed=believed,
            standing=standing,
            is_mute=serial in self._mute,
            seen=self._seen.get(serial, ()),
            totals=self._totals.learnt(serial),
        )

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
        self._last.clear()
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
        read = self._told_of(job.serial, self._read(job.serial, retry_count))
        if self._clock is None:
            return read
        device = self._shown.get(job.serial, "")
        return self._totals.judged(job.serial, read, device, self._clock.now_utc())

    def _told_of(self, serial: str, read: JobRead) -> JobRead:
        """Return a read with what the server is told of whoever answers instead of the meter.

        A mixture of two answers may look like somebody: a name counts once it was heard twice.
        """
        if read.values:
            self._strangers.pop(serial, None)
            if serial not in self._told:
                return read
            self._told.discard(serial)
            text = f"{serial}: the meter that is meant answers again"
            return _with_notice(read, Notice(kind=PROFILE_MATCHES, text=text))
        for fault in read.faults if read.has_answered else ():
            if not isinstance(fault, Stranger):
                continue
            is_sure = self._strangers.get(serial) == fault.shown
            self._strangers[serial] = fault.shown
            if is_sure and serial not in self._told:
                self._told.add(serial)
                return _with_notice(read, self._exchanged(serial, fault))
        return read

    def _exchanged(self, serial: str, fault: Stranger) -> Notice:
        primary = self._meters[serial].primary
        place = "its address" if primary is None else f"address {primary}"
        text = (
            f"{serial}: {place} answers as {fault.shown}, not {fault.meant}; nothing of it counts:"
            " an exchanged meter is another device, give it a serial of its own in the settings"
        )
        return Notice(kind=PROFILE_MISMATCH, text=text)

    def clock_moved(self, by: timedelta, before_utc: datetime) -> None:
        """Go on behind a step of the gateway's clock as if there had been none."""
        self._totals.clock_moved(by, before_utc)

    def _read(self, serial: str, retry_count: int) -> JobRead:
        faults = list[Fault]()
        standing, settings = self._standing[serial], self._meters[serial]
        if standing.is_selected and standing.name is not None:
            found = self._persist(serial, _by_name(standing.name), retry_count, faults)
            if settings.primary is None or not isinstance(found, Fault):
                return self._taken(serial, found, faults)
            if found.kind is FaultKind.LINK_DOWN:
                return self._taken(serial, found, faults)
            faults.append(found)
            retry_count = min(retry_count, 1)  # it knows no selection, or somebody else is there
        wanted = replace(settings, secondary=settings.secondary or standing.name)
        found = self._persist(serial, wanted, retry_count, faults)
        return self._unconfirmed(serial, found, faults)

    def _persist(
        self, serial: str, meter: MbusMeter, retry_count: int, faults: list[Fault]
    ) -> Readout | Fault:
        """Return what a meter brought in so many tries; what failed before goes to `faults`."""
        is_mute = serial in self._mute
        found = self._once(serial, meter, is_mute=is_mute)
        for _ in range(retry_count):
            if isinstance(found, Readout) or found.kind is FaultKind.LINK_DOWN:
                break
            faults.append(found)
            # a few meters do not acknowledge SND_NKE: the second try asks for the data all the same
            is_silent = found.kind is FaultKind.TIMEOUT
            is_mute = is_silent and meter.primary is not None and not is_mute
            found = self._once(serial, meter, is_mute=is_mute)
        if isinstance(found, Fault) and meter.primary is not None:
            is_mute = not is_mute  # a meter that is asked only once is asked the other way then
        if meter.primary is not None:
            (self._mute.add if is_mute else self._mute.discard)(serial)
        return found

    def _once(self, serial: str, meter: MbusMeter, *, is_mute: bool) -> Readout | Fault:
        """Return what one try brought, and remember what the meter sent last."""
        known = self._last.get(serial)
        # asked the other way it may repeat what it said that way, which nobody remembers
        last = known.last if known is not None and known.asked == meter else None
        approach = Approach(is_mute=is_mute, is_reset=self._is_reset, last=last)
        found = read_now(self._link, meter, approach)
        if isinstance(found, Readout) and found.last is not None:
            self._last[serial] = _Known(asked=meter, last=found.last)
            return self._claimed(serial, found)
        if known is not None:
            doubtful = replace(known.last, is_current=False, bit=not known.last.bit)
            self._last[serial] = replace(known, last=doubtful)
        if isinstance(found, Fault) and found.kind is FaultKind.MISMATCH:
            self._refuse(serial)
        return found

    def _claimed(self, serial: str, found: Readout) -> Readout:
        """Return a readout, refused when it is not from the device that the settings name."""
        if found.telegram is None or is_claimed(serial, found.telegram):
            return found
        self._refuse(serial)
        who = name_of(found.telegram.address)
        fault = stranger(who, serial, f"serial: {who} answered, the settings name {serial}")
        return replace(found, telegram=None, fault=fault)

    def _refuse(self, serial: str) -> None:
        self._standing[serial] = when_refused(self._standing[serial])
        self._believed.pop(serial, None)

    def _recognise(self, serial: str, shown: MeterAddress | None) -> None:
        """Believe at its first word whom an earlier run of the gateway believed; nobody else."""
        believed = self._believed.pop(serial, "")
        if shown is not None and believed == format_secondary(shown):
            self._standing[serial] = when_recognised(self._standing[serial], shown)

    def _unconfirmed(self, serial: str, found: Readout | Fault, faults: Sequence[Fault]) -> JobRead:
        """Return an answer as its own name brings it; suspect while nobody answers to that."""
        if isinstance(found, Fault) or found.telegram is None:
            return self._taken(serial, found, faults)
        shown = found.telegram.address
        self._recognise(serial, shown)
        if shown is not None and self._standing[serial].may_select(shown):
            selected = self._once(serial, _by_name(shown), is_mute=False)
            if isinstance(selected, Readout) and _is_from(shown, selected):
                self._standing[serial] = when_confirmed(self._standing[serial], shown)
                return self._taken(serial, selected, faults)
        standing = when_unconfirmed(self._standing[serial], shown, found.raw)
        self._standing[serial] = standing
        read = self._taken(serial, found, faults)
        return read if standing.is_believed else self._doubted(serial, read)

    def _doubted(self, serial: str, read: JobRead) -> JobRead:
        """Return a read of which it is not known who gave it."""
        standing, primary = self._standing[serial], self._meters[serial].primary
        notices: Sequence[Notice] = ()
        if standing.doubts == SELECTION_TRIES:
            name = "no name" if standing.shown is None else format_secondary(standing.shown)
            place = "its address" if primary is None else f"address {primary}"
            text = (
                f"{serial}: nobody answers to {name}, which {place} shows: the meter knows no"
                f" selection, or two share the address; its values are suspect until"
                f" {BELIEVED_AFTER} differing answers in a row came whole"
            )
            notices = (Notice(kind="meter_unconfirmed", text=text),)
        quality = {**dict.fromkeys(read.values, SUSPECT_STATUS), **read.quality}
        return read._replace(quality=quality, events=(), meter_clock=None, notices=notices)

    def _taken(self, serial: str, found: Readout | Fault, faults: Sequence[Fault]) -> JobRead:
        """Return what a readout means; a fault is no value."""
        fault = found if isinstance(found, Fault) else found.fault
        telegram = None if isinstance(found, Fault) else found.telegram
        raw = b"" if isinstance(found, Fault) else found.raw
        if telegram is None:
            fault = fault or Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH)
            return JobRead(
                quality=self._missed(serial, fault.quality),
                raw=raw or None,
                has_answered=isinstance(found, Readout | Stranger),
                is_link_down=fault.kind is FaultKind.LINK_DOWN,
                faults=(*faults, fault),
                profile=PROFILE,
            )
        meaning = meaning_of(telegram)
        shown = telegram.address
        self._shown[serial] = "" if shown is None else format_secondary(shown)
        self._seen[serial] = tuple({*meaning.values, *meaning.quality})
        return JobRead(
            values=meaning.values,
            quality=meaning.quality,
            events=meaning.events,
            raw=raw,
            local=meaning.local,
            has_answered=True,
            faults=tuple(faults),
            profile=PROFILE,
            meter_clock=meaning.meter_clock,
        )

    def _missed(self, serial: str, code: QualityCode) -> Mapping[Quantity, QualityCode]:
        """Return the code for everything the meter has shown before, or is known to have."""
        name = self._meters[serial].secondary or self._standing[serial].name
        medium = MEDIA.get(0xFF if name is None else name.device_type, Medium.WATER)
        totals = self._totals.learnt(serial).trails
        seen = self._seen.get(serial) or {*totals, *_EXPECTED[medium]}
        return dict.fromkeys(sorted(seen), code)


def _with_notice(read: JobRead, notice: Notice) -> JobRead:
    return read._replace(notices=(*read.notices, notice))


def _is_from(shown: MeterAddress, found: Readout) -> bool:
    return found.telegram is not None and found.telegram.address == shown


def _by_name(name: MeterAddress) -> MbusMeter:
    """Return a meter as it is asked by its own name."""
    return MbusMeter(secondary=selectable(name))


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
