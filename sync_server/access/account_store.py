"""Crews and people: who exists, in which role, in which crew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Role
from sync_server.access.secrets_io import new_id
from sync_server.db.access_tables import ACCOUNT, CREW, CREW_AREA, SESSION, TABLET, TABLET_ACCOUNT
from sync_server.db.change_store import Publication, crew_bucket, publish
from sync_server.db.forgetting_io import overwrite_deleted
from wire_contracts.codes import Code
from wire_contracts.enrolment import TabletPerson, person_json
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

PERSON_ENTITY = "person"
"""Entity type by which a crew's tablets learn who may work on them."""

SYSTEM = "system"
"""Actor of what happens before there is anybody: the command line and the first start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The people on one tablet; `area_ids` are where it may take orders that nobody has."""

    crew_id: str
    name: str
    area_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """A person to be added; `password_hash` comes from `PasswordHasherIo.hash`."""

    login: str
    display_name: str
    role: Role
    password_hash: str
    language: str = "zh"
    crew_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account."""

    account_id: str
    login: str
    display_name: str
    role: Role
    language: str
    crew_id: str | None
    is_active: bool
    created_at_utc: datetime


def create_crew(connection: Connection, crew: Crew, now_utc: datetime) -> None:
    """Add a crew with its areas."""
    connection.execute(
        insert(CREW).values(
            crew_id=crew.crew_id,
            name=crew.name,
            is_active=True,
            created_at_ms=ms_from_utc(now_utc),
        )
    )
    for area_id in crew.area_ids:
        connection.execute(insert(CREW_AREA).values(crew_id=crew.crew_id, area_id=area_id))


def list_crews(connection: Connection) -> list[Crew]:
    """Return the active crews by name."""
    areas: dict[str, list[str]] = {}
    for row in connection.execute(select(CREW_AREA).order_by(CREW_AREA.c.area_id)):
        areas.setdefault(row.crew_id, []).append(row.area_id)
    rows = connection.execute(select(CREW).where(CREW.c.is_active).order_by(CREW.c.crew_id))
    return [
        Crew(crew_id=row.crew_id, name=row.name, area_ids=tuple(areas.get(row.crew_id, ())))
        for row in rows
    ]


def areas_of(connection: Connection, crew_id: str) -> list[str]:
    """Return the areas whose unassigned orders the crew may take."""
    return list(connection.execute(_AREAS, {"crew": crew_id}).scalars())


_AREAS = (
    select(CREW_AREA.c.area_id)
    .where(CREW_AREA.c.crew_id == bindparam("crew"))
    .order_by(CREW_AREA.c.area_id)
)
"""Built once: every pull asks it."""


def has_crew(connection: Connection, crew_id: str) -> bool:
    """Return whether a crew of that id exists and is active."""
    return connection.execute(_ACTIVE_CREW, {"crew": crew_id}).first() is not None


_ACTIVE_CREW = select(CREW.c.crew_id).where(CREW.c.crew_id == bindparam("crew"), CREW.c.is_active)


def has_account(connection: Connection, account_id: str) -> bool:
    """Return whether an account of that id was ever made here."""
    return connection.execute(_PERSON, {"account": account_id}).first() is not None


def crew_name(connection: Connection, crew_id: str) -> str:
    """Return what people call a crew; its id when it is not known."""
    found = connection.execute(select(CREW.c.name).where(CREW.c.crew_id == crew_id)).first()
    return crew_id if found is None else str(found.name)


def create_account(
    connection: Connection, account: NewAccount, now_utc: datetime, *, actor: str = SYSTEM
) -> Person:
    """Add a person and return them; their crew's tablets learn of them in the same transaction.

    Raises:
        ContractError: The login is taken, or the crew does not exist.
    """
    login = account.login.strip().casefold()
    _check_new(connection, login, account)
    account_id = new_id(now_utc)
    connection.execute(
        insert(ACCOUNT).values(
            account_id=account_id,
            login=login,
            display_name=account.display_name.strip() or login,
            role=str(account.role),
            language=account.language,
            crew_id=account.crew_id,
            password_hash=account.password_hash,
            is_active=True,
            created_at_ms=ms_from_utc(now_utc),
        )
    )
    detail = {"role": str(account.role), "crew": account.crew_id}
    event = AuditEvent(actor=actor, action="account.create", subject=account_id, detail=detail)
    append_audit(connection, event, now_utc)
    if account.crew_id is not None:
        _admit_to_tablets(connection, account_id, account.crew_id, now_utc)
    person = get_person(connection, account_id)
    publish_person(connection, person, now_utc)
    return person


def _check_new(connection: Connection, login: str, account: NewAccount) -> None:
    if not login:
        raise _refused("login", "is empty", "enter a log-in name", Code.FIELD_MISSING)
    query = select(ACCOUNT.c.account_id).where(ACCOUNT.c.login == login)
    if connection.execute(query).first() is not None:
        raise _refused("login", f"{login!r} is taken", "choose another log-in name", Code.CONFLICT)
    if account.crew_id is not None and not has_crew(connection, account.crew_id):
        raise _refused(
            "crew_id",
            f"there is no crew {account.crew_id!r}",
            "create the crew first",
            Code.NOT_FOUND,
        )


def _refused(field: str, problem: str, remedy: str, code: Code) -> ContractError:
    return ContractError(
        place="new account", field=field, problem=problem, remedy=remedy, code=code
    )


def _admit_to_tablets(
    connection: Connection, account_id: str, crew_id: str, now_utc: datetime
) -> None:
    tablets = select(TABLET.c.tablet_id).where(
        TABLET.c.crew_id == crew_id, TABLET.c.revoked_at_ms.is_(None)
    )
    for tablet_id in connection.execute(tablets).scalars().all():
        admit(connection, tablet_id, account_id, now_utc)


def admit(connection: Connection, tablet_id: str, account_id: str, now_utc: datetime) -> None:
    """Let a person work on a tablet, from now on; somebody who comes back is let in again."""
    back = connection.execute(
        update(TABLET_ACCOUNT)
        .where(TABLET_ACCOUNT.c.tablet_id == tablet_id, TABLET_ACCOUNT.c.account_id == account_id)
        .values(until_at_ms=None)
    )
    if back.rowcount == 0:
        connection.execute(
            insert(TABLET_ACCOUNT).values(
                tablet_id=tablet_id, account_id=account_id, from_at_ms=ms_from_utc(now_utc)
            )
        )


def publish_person(connection: Connection, person: Person, now_utc: datetime) -> None:
    """Tell the crew's tablets of a person, or that the person has left."""
    is_shown = person.is_active and person.crew_id is not None
    buckets = frozenset({crew_bucket(person.crew_id)} if is_shown and person.crew_id else ())
    publication = Publication(
        entity=PERSON_ENTITY,
        entity_id=person.account_id,
        document=person_json(tablet_person(person)),
        buckets=buckets,
    )
    publish(connection, publication, now_utc)


def tablet_person(person: Person) -> TabletPerson:
    """Return what a tablet may know of a person."""
    return TabletPerson(
        account_id=person.account_id,
        name=person.display_name,
        role=str(person.role),
        language=person.language,
    )


def get_person(connection: Connection, account_id: str) -> Person:
    """Return the person; raise ContractError when there is none of that id."""
    row = connection.execute(_PERSON, {"account": account_id}).one_or_none()
    if row is None:
        raise not_found(f"account {account_id!r}", "account")
    return person_from(row)


def account_of_login(connection: Connection, login: str) -> str:
    """Return whose log-in name it is; raise ContractError when it is nobody's."""
    query = select(ACCOUNT.c.account_id).where(ACCOUNT.c.login == login.strip().casefold())
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise not_found(f"log-in name {login!r}", "account")
    return str(found)


def list_people(connection: Connection) -> list[Person]:
    """Return everybody, by log-in name."""
    return [person_from(row) for row in connection.execute(_people().order_by(ACCOUNT.c.login))]


def people_of_crew(connection: Connection, crew_id: str) -> list[Person]:
    """Return the active people of a crew, by log-in name."""
    query = _people().where(ACCOUNT.c.crew_id == crew_id, ACCOUNT.c.is_active)
    return [person_from(row) for row in connection.execute(query.order_by(ACCOUNT.c.login))]


_Account = Row[str, str, str, str, str, str | None, bool, int]


def _people() -> Select[str, str, str, str, str, str | None, bool, int]:
    return select(
        ACCOUNT.c.account_id,
        ACCOUNT.c.login,
        ACCOUNT.c.display_name,
        ACCOUNT.c.role,
        ACCOUNT.c.language,
        ACCOUNT.c.crew_id,
        ACCOUNT.c.is_active,
        ACCOUNT.c.created_at_ms,
    )


_PERSON = _people().where(ACCOUNT.c.account_id == bindparam("account"))
"""Built once: whoever does anything is asked for."""


def person_from(row: _Account) -> Person:
    """Return the person of an account row."""
    return Person(
        account_id=row.account_id,
        login=row.login,
        display_name=row.display_name,
        role=Role(row.role),
        language=row.language,
        crew_id=row.crew_id,
        is_active=bool(row.is_active),
        created_at_utc=utc_from_ms(row.created_at_ms),
    )


def password_hash_of(connection: Connection, login: str) -> tuple[str, str] | None:
    """Return (account id, password hash) of an active account, None when there is none."""
    query = select(ACCOUNT.c.account_id, ACCOUNT.c.password_hash).where(
        ACCOUNT.c.login == login.strip().casefold(), ACCOUNT.c.is_active
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.account_id, row.password_hash)


def deactivate_account(
    connection: Connection, account_id: str, actor: str, now_utc: datetime
) -> None:
    """End a person's access: sessions end, tablets forget them; work done stays theirs."""
    get_person(connection, account_id)
    now_ms = ms_from_utc(now_utc)
    connection.execute(
        update(ACCOUNT).where(ACCOUNT.c.account_id == account_id).values(is_active=False)
    )
    connection.execute(
        update(SESSION)
        .where(SESSION.c.account_id == account_id, SESSION.c.ended_at_ms.is_(None))
        .values(ended_at_ms=now_ms)
    )
    connection.execute(
        update(TABLET_ACCOUNT)
        .where(TABLET_ACCOUNT.c.account_id == account_id, TABLET_ACCOUNT.c.until_at_ms.is_(None))
        .values(until_at_ms=now_ms)
    )
    event = AuditEvent(actor=actor, action="account.deactivate", subject=account_id, detail={})
    append_audit(connection, event, now_utc)
    publish_person(connection, get_person(connection, account_id), now_utc)


ERASED = "—"
"""Name of a person who was erased."""

_NO_PASSWORD = "!"  # noqa: S105  # the hash of no password there is


def erase_account(connection: Connection, account_id: str, actor: str, now_utc: datetime) -> None:
    """Forget who an ended account belonged to; its id stays in what that person did (R7).

    Raises:
        ContractError: No such account, or one that still has access.
    """
    person = get_person(connection, account_id)
    if person.is_active:
        raise ContractError(
            place=f"account {person.login}",
            field="is_active",
            problem="still has access",
            remedy="end the access first",
            code=Code.STATE,
        )
    overwrite_deleted(connection)
    connection.execute(
        update(ACCOUNT)
        .where(ACCOUNT.c.account_id == account_id)
        .values(login=f"erased-{account_id}", display_name=ERASED, password_hash=_NO_PASSWORD)
    )
    event = AuditEvent(actor=actor, action="account.erase", subject=account_id, detail={})
    append_audit(connection, event, now_utc)


def move_account(
    connection: Connection,
    account_id: str,
    crew_id: str | None,
    actor: str,
    now_utc: datetime,
) -> Person:
    """Return the person in another crew, or in none; the tablets of both crews learn of it.

    What was done on the former crew's tablets before stays theirs, whenever it arrives.

    Raises:
        ContractError: No such account or crew.
    """
    person = get_person(connection, account_id)
    if crew_id is not None and not has_crew(connection, crew_id):
        raise not_found(f"crew {crew_id!r}", "crew")
    if person.crew_id == crew_id or not person.is_active:
        return person
    connection.execute(
        update(ACCOUNT).where(ACCOUNT.c.account_id == account_id).values(crew_id=crew_id)
    )
    connection.execute(
        update(TABLET_ACCOUNT)
        .where(TABLET_ACCOUNT.c.account_id == account_id, TABLET_ACCOUNT.c.until_at_ms.is_(None))
        .values(until_at_ms=ms_from_utc(now_utc))
    )
    if crew_id is not None:
        _admit_to_tablets(connection, account_id, crew_id, now_utc)
    detail = {"from": person.crew_id, "to": crew_id}
    event = AuditEvent(actor=actor, action="account.move", subject=account_id, detail=detail)
    append_audit(connection, event, now_utc)
    moved = get_person(connection, account_id)
    publish_person(connection, moved, now_utc)
    return moved


def has_administrator(connection: Connection) -> bool:
    """Return whether anybody can manage accounts."""
    query = select(ACCOUNT.c.account_id).where(
        ACCOUNT.c.role == str(Role.ADMINISTRATOR), ACCOUNT.c.is_active
    )
    return connection.execute(query).first() is not None
