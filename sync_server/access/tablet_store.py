"""Tablets: enrolled by a one-time code, known by a token, ended by revocation or by silence.

Every contact renews the token. A tablet that was silent for longer than a token lives is enrolled
anew with a fresh code; its store and outbox stay (the server knows its replica).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from sync_server.access.account_store import (
    admit,
    crew_name,
    has_crew,
    people_of_crew,
    tablet_person,
)
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found, token_expired, token_invalid, token_revoked
from sync_server.access.secrets_io import (
    hash_secret,
    new_code,
    new_id,
    new_token,
    plain_code,
)
from sync_server.db.access_tables import (
    ENROLMENT_CODE,
    TABLET,
    TABLET_ACCOUNT,
    TABLET_TOKEN,
)
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.enrolment import EnrolAnswer, EnrolRequest
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

CODE_LIFE = timedelta(minutes=10)
"""Server notes section 5: long enough to type it, too short to pass it on."""

TOKEN_LIFE = timedelta(days=180)
"""How long a token holds after the last contact, unless the settings say otherwise: longer than any
offline stretch, and than the 90 days for which tombstones are kept."""

TOUCH_EVERY = timedelta(minutes=1)
"""The last contact is written at most this often, so that an idle pull writes nothing."""

_PLACE = "tablet token"
_REMEDY = "ask the office for a new enrolment code and enrol the tablet again; unsent work is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """An enrolment code, shown once."""

    code: str
    crew_id: str
    expires_at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletIdentity:
    """Which tablet speaks; `former_id`: what it was called under its enrolment before."""

    tablet_id: str
    name: str
    crew_id: str
    enrolled_at_utc: datetime
    former_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletRecord:
    """A tablet as the office sees it."""

    tablet_id: str
    name: str
    crew_id: str
    enrolled_at_utc: datetime
    last_seen_at_utc: datetime | None
    revoked_at_utc: datetime | None
    expires_at_utc: datetime | None


def code_life(clock: Clock) -> timedelta:
    """Return how long a code lives on a clock, so that a person has ten minutes of the wall's."""
    return CODE_LIFE / clock.wall_seconds(1.0)


def issue_enrolment_code(
    connection: Connection,
    crew_id: str,
    actor: str,
    now_utc: datetime,
    *,
    life: timedelta = CODE_LIFE,
) -> IssuedCode:
    """Return a one-time code for a tablet of a crew; only its hash is kept."""
    if not has_crew(connection, crew_id):
        raise not_found(f"crew {crew_id!r}", "crew")
    code = new_code()
    expires_at_utc = now_utc + life
    connection.execute(
        insert(ENROLMENT_CODE).values(
            code_hash=hash_secret(plain_code(code)),
            crew_id=crew_id,
            issued_by=actor,
            issued_at_ms=ms_from_utc(now_utc),
            expires_at_ms=ms_from_utc(expires_at_utc),
        )
    )
    event = AuditEvent(actor=actor, action="tablet.issue_code", subject=crew_id, detail={})
    append_audit(connection, event, now_utc)
    return IssuedCode(code=code, crew_id=crew_id, expires_at_utc=expires_at_utc)


def enrol_tablet(
    connection: Connection,
    request: EnrolRequest,
    now_utc: datetime,
    *,
    token_life: timedelta = TOKEN_LIFE,
) -> EnrolAnswer:
    """Return the new tablet's token; the code is used up in the same transaction.

    Raises:
        ContractError: The code is unknown, used or older than ten minutes.
    """
    crew_id = _use_code(connection, request.code, now_utc)
    tablet_id = new_id(now_utc)
    former_id = _former_id(connection, request)
    connection.execute(
        insert(TABLET).values(
            tablet_id=tablet_id,
            name=request.name,
            crew_id=crew_id,
            enrolled_at_ms=ms_from_utc(now_utc),
            last_seen_at_ms=ms_from_utc(now_utc),
            former_tablet_id=former_id,
        )
    )
    people = people_of_crew(connection, crew_id)
    for person in people:
        admit(connection, tablet_id, person.account_id, now_utc)
    token, expires_at_utc = _issue_token(connection, tablet_id, now_utc, token_life)
    event = AuditEvent(
        actor=tablet_id,
        action="tablet.enrol",
        subject=tablet_id,
        detail={"crew": crew_id} if former_id is None else {"crew": crew_id, "former": former_id},
    )
    append_audit(connection, event, now_utc)
    return EnrolAnswer(
        tablet_id=tablet_id,
        token=token,
        expires_at_utc=expires_at_utc,
        crew_id=crew_id,
        people=tuple(tablet_person(person) for person in people),
        crew_name=crew_name(connection, crew_id),
    )


def _former_id(connection: Connection, request: EnrolRequest) -> str | None:
    """Return what the device was called under the newest of its enrolments that is known here."""
    for mark in (request.former, *request.earlier):
        found: str | None = connection.execute(_FORMER, {"hash": mark}).scalar_one_or_none()
        if found is not None:
            return found
    return None


_FORMER = select(TABLET_TOKEN.c.tablet_id).where(TABLET_TOKEN.c.token_hash == bindparam("hash"))
"""Whose token it was, whether or not it still opens anything."""


def _use_code(connection: Connection, code: str, now_utc: datetime) -> str:
    now_ms = ms_from_utc(now_utc)
    code_hash = hash_secret(plain_code(code))
    used = connection.execute(
        update(ENROLMENT_CODE)
        .where(
            ENROLMENT_CODE.c.code_hash == code_hash,
            ENROLMENT_CODE.c.used_at_ms.is_(None),
            ENROLMENT_CODE.c.expires_at_ms > now_ms,
        )
        .values(used_at_ms=now_ms)
        .returning(ENROLMENT_CODE.c.crew_id)
    ).scalar_one_or_none()
    if used is None:
        raise ContractError(
            place="enrolment",
            field="code",
            problem="is not valid: mistyped, already used, or older than 10 minutes",
            remedy="ask the office for a new code and enter it within 10 minutes",
            code=Code.CODE_REFUSED,
        )
    return str(used)


def _issue_token(
    connection: Connection, tablet_id: str, now_utc: datetime, life: timedelta
) -> tuple[str, datetime]:
    token = new_token()
    expires_at_utc = now_utc + life
    connection.execute(
        insert(TABLET_TOKEN).values(
            token_hash=hash_secret(token),
            tablet_id=tablet_id,
            issued_at_ms=ms_from_utc(now_utc),
            expires_at_ms=ms_from_utc(expires_at_utc),
        )
    )
    return token, expires_at_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolder:
    """The tablet that a token was issued to, whether or not it still opens anything."""

    tablet: TabletIdentity
    expires_at_utc: datetime
    revoked_at_utc: datetime | None
    seen_at_utc: datetime | None

    def is_contact_due(self, now_utc: datetime) -> bool:
        """Return whether the last contact should be written down now."""
        return self.seen_at_utc is None or self.seen_at_utc + TOUCH_EVERY <= now_utc


def tablet_of_token(connection: Connection, token: str, now_utc: datetime) -> TabletIdentity:
    """Return which tablet holds the token.

    Raises:
        ContractError: Never issued, revoked or expired; each with its own code and remedy.
    """
    return valid_holder(connection, token, now_utc).tablet


def valid_holder(connection: Connection, token: str, now_utc: datetime) -> TokenHolder:
    """Return whom the token was issued to; raise ContractError as `tablet_of_token` does."""
    holder = holder_of_token(connection, token)
    if holder.revoked_at_utc is not None:
        raise token_revoked(_PLACE, holder.revoked_at_utc, _REMEDY)
    if now_utc >= holder.expires_at_utc:
        raise token_expired(_PLACE, holder.expires_at_utc, _REMEDY)
    return holder


def holder_of_token(connection: Connection, token: str) -> TokenHolder:
    """Return whom the token was issued to; raise ContractError when it was never issued."""
    row = connection.execute(_HOLDER, {"hash": hash_secret(token)}).one_or_none()
    if row is None:
        raise token_invalid(_PLACE, _REMEDY)
    return TokenHolder(
        tablet=_identity(row),
        expires_at_utc=utc_from_ms(row.expires_at_ms),
        revoked_at_utc=_utc_or_none(row.revoked_at_ms),
        seen_at_utc=_utc_or_none(row.last_seen_at_ms),
    )


_HOLDER = (
    select(TABLET, TABLET_TOKEN.c.expires_at_ms)
    .join(TABLET_TOKEN, TABLET_TOKEN.c.tablet_id == TABLET.c.tablet_id)
    .where(TABLET_TOKEN.c.token_hash == bindparam("hash"))
)
"""Built once: every request of a tablet asks it."""


def tablet_as_it_was(connection: Connection, tablet_id: str) -> tuple[TabletIdentity, bool]:
    """Return a known tablet, and whether its access was ended."""
    row = connection.execute(select(TABLET).where(TABLET.c.tablet_id == tablet_id)).one()
    return _identity(row), row.revoked_at_ms is not None


def _identity(row: Row[str]) -> TabletIdentity:
    return TabletIdentity(
        tablet_id=row.tablet_id,
        name=row.name,
        crew_id=row.crew_id,
        enrolled_at_utc=utc_from_ms(row.enrolled_at_ms),
        former_id=row.former_tablet_id,
    )


LONGEST_PAST = 20
"""Enrolments of one device that are looked back at."""


def enrolments_of(connection: Connection, tablet: TabletIdentity) -> list[TabletIdentity]:
    """Return the device under all its enrolments, the present one first."""
    found = [tablet]
    while (former_id := found[-1].former_id) is not None and len(found) < LONGEST_PAST:
        found.append(tablet_as_it_was(connection, former_id)[0])
    return found


def newest_enrolment(connection: Connection, tablet: TabletIdentity) -> TabletIdentity:
    """Return the device as it was enrolled last."""
    found = tablet
    for _ in range(LONGEST_PAST):
        later = select(TABLET).where(TABLET.c.former_tablet_id == found.tablet_id)
        row = connection.execute(later.order_by(TABLET.c.enrolled_at_ms.desc())).first()
        if row is None:
            break
        found = _identity(row)
    return found


def revoke_tablet(connection: Connection, tablet_id: str, actor: str, now_utc: datetime) -> None:
    """End a tablet's access at once; what it sent before stays."""
    ended = connection.execute(
        update(TABLET)
        .where(TABLET.c.tablet_id == tablet_id, TABLET.c.revoked_at_ms.is_(None))
        .values(revoked_at_ms=ms_from_utc(now_utc), revoked_by=actor)
        .returning(TABLET.c.tablet_id)
    ).scalar_one_or_none()
    if ended is None:
        raise not_found(f"tablet {tablet_id!r}", "tablet in use")
    event = AuditEvent(actor=actor, action="tablet.revoke", subject=tablet_id, detail={})
    append_audit(connection, event, now_utc)


def list_tablets(connection: Connection) -> list[TabletRecord]:
    """Return every tablet, the newest first."""
    query = (
        select(TABLET, TABLET_TOKEN.c.expires_at_ms)
        .outerjoin(TABLET_TOKEN, TABLET_TOKEN.c.tablet_id == TABLET.c.tablet_id)
        .order_by(TABLET.c.tablet_id.desc())
    )
    return [
        TabletRecord(
            tablet_id=row.tablet_id,
            name=row.name,
            crew_id=row.crew_id,
            enrolled_at_utc=utc_from_ms(row.enrolled_at_ms),
            last_seen_at_utc=_utc_or_none(row.last_seen_at_ms),
            revoked_at_utc=_utc_or_none(row.revoked_at_ms),
            expires_at_utc=_utc_or_none(row.expires_at_ms),
        )
        for row in connection.execute(query)
    ]


def _utc_or_none(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else utc_from_ms(at_ms)


def accounts_of_tablet(connection: Connection, tablet_id: str) -> dict[str, datetime | None]:
    """Return who may or once might work on the tablet, and until when; None: still.

    Work stamped before that end is still theirs, whenever it arrives.
    """
    rows = connection.execute(_ACCOUNTS, {"tablet": tablet_id})
    return {row.account_id: _utc_or_none(row.until_at_ms) for row in rows}


_ACCOUNTS = (
    select(TABLET_ACCOUNT.c.account_id, TABLET_ACCOUNT.c.until_at_ms)
    .where(TABLET_ACCOUNT.c.tablet_id == bindparam("tablet"))
    .order_by(TABLET_ACCOUNT.c.from_at_ms)
)
"""Built once: every pull asks it."""
