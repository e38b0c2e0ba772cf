"""Owns the contacts that were looked at again: drawn by chance, judged by a checklist.

Rules A-21 (checklist), A-26 and C-21 (spot checks), C-31 (supervisors coach).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action
from sync_server.aftercare.checklist import ITEMS, SAMPLE, drawn, score_of
from sync_server.db.aftercare_tables import QUALITY_CHECK
from sync_server.db.desk_tables import SERVICE_REQUEST
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc

_WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuality:
    """The checks of one person: how many, and their mean, 0 to 100."""

    account_id: str
    checks: int
    mean: float


def to_check(connection: Connection, office: Office) -> Sequence[str]:
    """Return the drawn requests of the last seven days that nobody looked at yet."""
    since_ms = ms_from_utc(office.now_utc) - _WEEK_MS
    rows = connection.execute(
        select(SERVICE_REQUEST.c.request_id, SERVICE_REQUEST.c.first_contact).where(
            SERVICE_REQUEST.c.recorded_at_ms >= since_ms
        )
    )
    of_person: dict[str, list[str]] = {}
    for row in rows:
        of_person.setdefault(row.first_contact, []).append(row.request_id)
    checked = set(connection.execute(select(QUALITY_CHECK.c.request_id)).scalars())
    year, week, _ = office.now_utc.astimezone(office.zone).isocalendar()
    seed = f"quality {year}-{week}"
    chosen = [one for each in sorted(of_person) for one in drawn(of_person[each], SAMPLE, seed)]
    return [each for each in chosen if each not in checked]


def keep_check(
    connection: Connection, request_id: str, kept: frozenset[str], remark: str, office: Office
) -> int:
    """Return the score of a contact; what was not kept needs a remark for the person.

    Raises:
        ContractError: The role may not, it is one's own contact, or it was checked.
    """
    check_may(connection, office.actor, Action.CLOSE_REQUEST)
    record = get_request(connection, request_id)
    if record.first_contact == office.actor:
        raise _refused("person", "is oneself", "let somebody else look at it")
    same = select(QUALITY_CHECK.c.request_id).where(QUALITY_CHECK.c.request_id == request_id)
    if connection.execute(same).first() is not None:
        raise _refused("request", f"{record.number} was checked already", "take the next one")
    known = kept & set(ITEMS)
    if len(known) < len(ITEMS) and not remark.strip():
        raise _refused("remark", "is empty", "write what the person can do better")
    score = score_of(known)
    connection.execute(
        insert(QUALITY_CHECK).values(
            request_id=request_id,
            account_id=record.first_contact,
            kept=" ".join(each for each in ITEMS if each in known),
            score=score,
            remark=remark.strip(),
            checked_by=office.actor,
            checked_at_ms=ms_from_utc(office.now_utc),
        )
    )
    event = AuditEvent(
        actor=office.actor, action="quality.check", subject=request_id, detail={"score": score}
    )
    append_audit(connection, event, office.now_utc)
    return score


def quality_of_people(
    connection: Connection, from_utc: datetime, to_utc: datetime
) -> Sequence[PersonQuality]:
    """Return each person's checks of a time, the lowest mean first: the bulletin."""
    at_ms = QUALITY_CHECK.c.checked_at_ms
    mean = func.avg(QUALITY_CHECK.c.score).label("mean")
    query = (
        select(QUALITY_CHECK.c.account_id, func.count().label("checks"), mean)
        .where(at_ms >= ms_from_utc(from_utc), at_ms < ms_from_utc(to_utc))
        .group_by(QUALITY_CHECK.c.account_id)
        .order_by(mean, QUALITY_CHECK.c.account_id)
    )
    return [
        PersonQuality(account_id=row.account_id, checks=row.checks, mean=float(row.mean))
        for row in connection.execute(query)
    ]


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="quality check", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )
