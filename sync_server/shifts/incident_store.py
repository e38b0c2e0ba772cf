"""Owns major incidents: begun, reported upward, kept in a log, ended with what was learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.standin_tables import INCIDENT, INCIDENT_ENTRY
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc, utc_from_ms

_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A major incident; `ended_at_utc` is None while it runs."""

    incident_id: int
    title: str
    started_by: str
    started_at_utc: datetime
    reported_to: str
    reported_at_utc: datetime | None
    ended_at_utc: datetime | None
    lessons: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEntry:
    """A line of an incident's log, never changed."""

    text: str
    actor: str
    at_utc: datetime


def begin(connection: Connection, title: str, actor: str, now_utc: datetime) -> Incident:
    """Return the incident, running from now on."""
    if not title.strip():
        raise _refused("title", "is empty", "write what happens, and where")
    incident_id: int = connection.execute(
        insert(INCIDENT)
        .values(
            title=title.strip(),
            started_by=actor,
            started_at_ms=ms_from_utc(now_utc),
            reported_to="",
            lessons="",
        )
        .returning(INCIDENT.c.incident_id)
    ).scalar_one()
    _after(connection, "incident.begin", incident_id, actor, now_utc)
    return get_incident(connection, incident_id)


def write_entry(
    connection: Connection, incident_id: int, text: str, actor: str, now_utc: datetime
) -> None:
    """Add a line to the log of an incident that runs."""
    _running(connection, incident_id)
    if not text.strip():
        raise _refused("text", "is empty", "write what happened")
    connection.execute(
        insert(INCIDENT_ENTRY).values(
            incident_id=incident_id, text=text.strip(), actor=actor, at_ms=ms_from_utc(now_utc)
        )
    )
    append_feed(connection, Topic.SHIFT, str(incident_id), now_utc)


def report_up(
    connection: Connection, incident_id: int, to_whom: str, actor: str, now_utc: datetime
) -> Incident:
    """Return the incident with who above was told, and when (rule B-15); only the first counts."""
    found = _running(connection, incident_id)
    if not to_whom.strip():
        raise _refused("to", "is empty", "write who was told")
    if found.reported_at_utc is None:
        values = {"reported_to": to_whom.strip(), "reported_at_ms": ms_from_utc(now_utc)}
        where = INCIDENT.c.incident_id == incident_id
        connection.execute(update(INCIDENT).where(where).values(**values))
    write_entry(connection, incident_id, f"→ {to_whom.strip()}", actor, now_utc)
    _after(connection, "incident.report", incident_id, actor, now_utc)
    return get_incident(connection, incident_id)


def end_incident(
    connection: Connection, incident_id: int, lessons: str, actor: str, now_utc: datetime
) -> Incident:
    """Return the incident, ended; what was learnt is part of the end."""
    found = _running(connection, incident_id)
    if found.reported_at_utc is None:
        raise _refused("report", "is missing", "tell somebody above before it ends")
    if not lessons.strip():
        raise _refused("lessons", "is empty", "write how it recovered and what was learnt")
    connection.execute(
        update(INCIDENT)
        .where(INCIDENT.c.incident_id == incident_id)
        .values(lessons=lessons.strip(), ended_at_ms=ms_from_utc(now_utc))
    )
    _after(connection, "incident.end", incident_id, actor, now_utc)
    return get_incident(connection, incident_id)


def get_incident(connection: Connection, incident_id: int) -> Incident:
    """Return one incident; raise ContractError when there is none of that number."""
    query = select(INCIDENT).where(INCIDENT.c.incident_id == incident_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found(f"incident {incident_id}", "incident")
    return _incident(row)


def newest_incidents(connection: Connection) -> Sequence[Incident]:
    """Return the newest incidents, those that run first."""
    order = (INCIDENT.c.ended_at_ms.is_not(None), INCIDENT.c.incident_id.desc())
    query = select(INCIDENT).order_by(*order).limit(_MOST_SHOWN)
    return [_incident(row) for row in connection.execute(query)]


def entries_of(connection: Connection, incident_id: int) -> Sequence[IncidentEntry]:
    """Return the newest lines of the log, the newest first."""
    query = select(INCIDENT_ENTRY).where(INCIDENT_ENTRY.c.incident_id == incident_id)
    query = query.order_by(INCIDENT_ENTRY.c.entry_id.desc()).limit(_MOST_SHOWN)
    return [
        IncidentEntry(text=row.text, actor=row.actor, at_utc=utc_from_ms(row.at_ms))
        for row in connection.execute(query)
    ]


def _running(connection: Connection, incident_id: int) -> Incident:
    found = get_incident(connection, incident_id)
    if found.ended_at_utc is not None:
        raise _refused("state", "has ended", "begin another one")
    return found


def _after(
    connection: Connection, action: str, incident_id: int, actor: str, now_utc: datetime
) -> None:
    event = AuditEvent(actor=actor, action=action, subject=str(incident_id), detail={})
    append_audit(connection, event, now_utc)
    append_feed(connection, Topic.SHIFT, str(incident_id), now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="incident", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _incident(row: Row[str]) -> Incident:
    return Incident(
        incident_id=row.incident_id,
        title=row.title,
        started_by=row.started_by,
        started_at_utc=utc_from_ms(row.started_at_ms),
        reported_to=row.reported_to,
        reported_at_utc=_moment(row.reported_at_ms),
        ended_at_utc=_moment(row.ended_at_ms),
        lessons=row.lessons,
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else utc_from_ms(milliseconds)
