"""What the pages of gateways, quarantine, tablets and accounts show, as plain rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_server.access.account_store import Person
from sync_server.access.roles import Action, may
from sync_server.access.tablet_store import TabletRecord
from sync_server.assets.assets import GatewayRecord
from sync_server.readings.quarantine_store import QuarantinedGroup
from sync_server.web.labels import ROLES, label
from sync_server.web.words import Words, mark

SILENT_AFTER = timedelta(hours=2)
"""A gateway that brought nothing for so long is called silent on the page; the alert of its
meters has its own, finer rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRow:
    """One gateway."""

    gateway_id: str
    name: str
    chip_class: str
    chip_icon: str
    state: str
    last: str
    meters: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """Frames of one device that no meter owns."""

    serial: str
    gateway_id: str
    is_gateway: bool
    title: str
    text: str
    reason: str
    frames: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletRow:
    """One tablet."""

    tablet_id: str
    name: str
    crew: str
    state: str
    chip_class: str
    chip_icon: str
    enrolled: str
    seen: str
    can_revoke: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One person."""

    account_id: str
    can_end: bool
    can_move: bool
    can_reset: bool
    name: str
    login: str
    role: str
    crew: str
    crew_id: str
    language: str
    state: str
    chip_class: str
    chip_icon: str


def gateway_row(
    record: GatewayRecord,
    words: Words,
    now_utc: datetime,
    quarantined: int,
    interval: timedelta = timedelta(0),
) -> GatewayRow:
    """Return the gateway's row; `interval` is the shortest among its meters, nought: not known.

    Silent is who brought nothing for two hours, or for two intervals where those are longer: an
    import once a day is not silent at noon.
    """
    silent_after = max(SILENT_AFTER, 2 * interval)
    last = record.received_at_utc
    if not record.is_allowed:
        chip = ("warn", "lock", words.gettext(mark("not allowed")))
    elif last is None:
        chip = ("", "clock", words.gettext(mark("never heard")))
    elif now_utc - last > silent_after:
        chip = ("warn", "warn", words.gettext(mark("silent")))
    else:
        chip = ("ok", "check", words.gettext(mark("sending")))
    return GatewayRow(
        gateway_id=record.gateway_id,
        name=record.name if record.name != record.gateway_id else "",
        chip_class=chip[0],
        chip_icon=chip[1],
        state=chip[2],
        last=words.near_clock(last, now_utc) if last else "",
        meters=record.meter_count,
        quarantined=quarantined,
    )


def quarantine_row(group: QuarantinedGroup, words: Words, now_utc: datetime) -> QuarantineRow:
    """Return what lies in quarantine of one device; a whole gateway where none was named."""
    is_gateway = str(group.code) == "gateway.unknown"
    newest = group.last_at_utc or group.received_at_utc
    count = words.ngettext("%(n)d frame", "%(n)d frames", group.frame_count)
    return QuarantineRow(
        serial=group.device_serial or "",
        gateway_id=group.gateway_id,
        is_gateway=is_gateway,
        title=group.gateway_id if is_gateway else group.device_serial or group.gateway_id,
        text=f"{group.gateway_id} · {words.near_clock(newest, now_utc)}",
        reason=group.example,
        frames=count % {"n": group.frame_count},
    )


def tablet_row(
    record: TabletRecord,
    words: Words,
    now_utc: datetime,
    crews: Mapping[str, str],
    *,
    may_revoke: bool,
) -> TabletRow:
    """Return the tablet's row."""
    is_revoked = record.revoked_at_utc is not None
    is_expired = record.expires_at_utc is not None and record.expires_at_utc <= now_utc
    if is_revoked:
        chip = ("out", "off", words.gettext(mark("revoked")))
    elif is_expired:
        chip = ("warn", "clock", words.gettext(mark("token expired")))
    else:
        chip = ("ok", "check", words.gettext(mark("in use")))
    seen = record.last_seen_at_utc
    return TabletRow(
        tablet_id=record.tablet_id,
        name=record.name,
        crew=crews.get(record.crew_id, record.crew_id),
        chip_class=chip[0],
        chip_icon=chip[1],
        state=chip[2],
        enrolled=words.moment(record.enrolled_at_utc),
        seen=words.near_clock(seen, now_utc) if seen else "",
        can_revoke=may_revoke and not is_revoked,
    )


def account_rows(
    people: Sequence[Person],
    words: Words,
    crews: Mapping[str, str],
    reader: Person,
    with_factor: Collection[str] = (),
) -> list[AccountRow]:
    """Return everybody's row; `with_factor` are the accounts with a second factor."""
    return [
        AccountRow(
            account_id=person.account_id,
            can_end=person.is_active
            and person.account_id != reader.account_id
            and may(reader.role, Action.MANAGE_ACCOUNTS),
            can_reset=person.account_id in with_factor
            and person.account_id != reader.account_id
            and may(reader.role, Action.MANAGE_ACCOUNTS),
            can_move=person.is_active and may(reader.role, Action.MANAGE_ACCOUNTS),
            crew_id=person.crew_id or "",
            name=person.display_name,
            login=person.login,
            role=label(words, ROLES, person.role),
            crew=crews.get(person.crew_id or "", person.crew_id or ""),
            language="中文" if person.language.startswith("zh") else "English",
            state=words.gettext(mark("active"))
            if person.is_active
            else words.gettext(mark("ended")),
            chip_class="ok" if person.is_active else "out",
            chip_icon="check" if person.is_active else "off",
        )
        for person in people
    ]
