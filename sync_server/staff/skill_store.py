"""Owns what people can do, with the end of each certificate; says which crews are fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.access_tables import ACCOUNT
from sync_server.db.staff_tables import PERSON_SKILL
from sync_server.staff.skills import LANGUAGES, Skill, needed_skill
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium

LONGEST_CERTIFICATE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSkill:
    """What one person can do; `ends_at_utc` None: without an end."""

    account_id: str
    skill: Skill
    certificate: str
    ends_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an order asks of a crew."""

    order_type: OrderType
    medium: Medium
    safety_class: SafetyClass


def note_skill(connection: Connection, new: PersonSkill, actor: str, now_utc: datetime) -> None:
    """Keep what a person can do; a newer certificate takes the place of the former one."""
    get_person(connection, new.account_id)
    forget_skill(connection, new.account_id, new.skill)
    connection.execute(
        insert(PERSON_SKILL).values(
            account_id=new.account_id,
            skill=str(new.skill),
            certificate=new.certificate.strip()[:LONGEST_CERTIFICATE],
            ends_at_ms=None if new.ends_at_utc is None else ms_from_utc(new.ends_at_utc),
            noted_by=actor,
            noted_at_ms=ms_from_utc(now_utc),
        )
    )
    event = AuditEvent(
        actor=actor, action="skill.note", subject=new.account_id, detail={"skill": str(new.skill)}
    )
    append_audit(connection, event, now_utc)


def end_skill(
    connection: Connection, account_id: str, skill: Skill, actor: str, now_utc: datetime
) -> None:
    """Take a skill back, with an audit event."""
    forget_skill(connection, account_id, skill)
    event = AuditEvent(
        actor=actor, action="skill.end", subject=account_id, detail={"skill": str(skill)}
    )
    append_audit(connection, event, now_utc)


def forget_skill(connection: Connection, account_id: str, skill: Skill) -> None:
    """Take one skill of one person out of the table."""
    connection.execute(
        delete(PERSON_SKILL)
        .where(PERSON_SKILL.c.account_id == account_id)
        .where(PERSON_SKILL.c.skill == str(skill))
    )


def list_skills(connection: Connection) -> Sequence[PersonSkill]:
    """Return what active people can do, what ends first above."""
    query = (
        select(PERSON_SKILL)
        .join(ACCOUNT, ACCOUNT.c.account_id == PERSON_SKILL.c.account_id)
        .where(ACCOUNT.c.is_active)
        .order_by(
            PERSON_SKILL.c.ends_at_ms.is_(None),
            PERSON_SKILL.c.ends_at_ms,
            PERSON_SKILL.c.account_id,
            PERSON_SKILL.c.skill,
        )
    )
    return [_skill(row) for row in connection.execute(query)]


def speakers(connection: Connection, language: str, now_utc: datetime) -> Sequence[str]:
    """Return the log-in names of active people who speak a customer's language (rule A-19).

    Empty for Mandarin, which everybody speaks, and for a language that nobody was noted for.
    """
    skill = LANGUAGES.get(language)
    if skill is None:
        return ()
    query = (
        select(ACCOUNT.c.login)
        .join(PERSON_SKILL, ACCOUNT.c.account_id == PERSON_SKILL.c.account_id)
        .where(ACCOUNT.c.is_active, _holds(skill, now_utc))
        .order_by(ACCOUNT.c.login)
    )
    return list(connection.execute(query).scalars())


def fit_crews(connection: Connection, work: Work, now_utc: datetime) -> frozenset[str] | None:
    """Return the crews with somebody who holds what the work needs; None: all are fit.

    All are fit for class A, which never waits for a certificate, and where the utility keeps no
    such skill for anybody yet.
    """
    skill = needed_skill(work.order_type, work.medium)
    is_kept = select(PERSON_SKILL.c.account_id).where(PERSON_SKILL.c.skill == str(skill)).limit(1)
    if work.safety_class is SafetyClass.A or connection.execute(is_kept).first() is None:
        return None
    query = (
        select(ACCOUNT.c.crew_id)
        .join(PERSON_SKILL, ACCOUNT.c.account_id == PERSON_SKILL.c.account_id)
        .where(ACCOUNT.c.is_active, ACCOUNT.c.crew_id.is_not(None), _holds(skill, now_utc))
        .distinct()
    )
    return frozenset(str(each) for each in connection.execute(query).scalars())


def check_fit(connection: Connection, crew_id: str, work: Work, now_utc: datetime) -> None:
    """Raise ContractError when nobody of the crew holds what the work needs (A-06, A-44)."""
    fit = fit_crews(connection, work, now_utc)
    if fit is None or crew_id in fit:
        return
    raise ContractError(
        place=f"crew {crew_id}",
        field="skill",
        problem=f"nobody holds {needed_skill(work.order_type, work.medium)}, or it has ended",
        remedy=f"send one of: {', '.join(sorted(fit)) or 'nobody; renew a certificate first'}",
        code=Code.STATE,
    )


def _holds(skill: Skill, now_utc: datetime) -> "ColumnElement[bool]":
    lasts = or_(
        PERSON_SKILL.c.ends_at_ms.is_(None), PERSON_SKILL.c.ends_at_ms > ms_from_utc(now_utc)
    )
    return (PERSON_SKILL.c.skill == str(skill)) & lasts


def _skill(row: Row[str]) -> PersonSkill:
    ends_ms = row.ends_at_ms
    return PersonSkill(
        account_id=row.account_id,
        skill=Skill(row.skill),
        certificate=row.certificate,
        ends_at_utc=None if ends_ms is None else utc_from_ms(ends_ms),
    )
