"""Owns surveys: a sample of homes, their answers, and what the company does about them (A-16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Row, func, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.access.roles import Action
from sync_server.aftercare.checklist import drawn
from sync_server.db.aftercare_tables import SURVEY, SURVEY_HOME
from sync_server.db.customer_tables import CUSTOMER, PREMISES
from sync_server.service_desk.request_store import Office
from sync_server.work_orders.order_store import check_may
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc

MOST_HOMES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A survey with its figures; `mean` is None until a home answered."""

    survey_id: int
    name: str
    until_on: date
    sample: int
    asked: int
    answered: int
    mean: float | None
    action: str
    is_closed: bool


def make_survey(
    connection: Connection, name: str, until_on: date, size: int, office: Office
) -> Survey:
    """Return the survey with its sample: homes whose customer has a number, drawn by chance."""
    check_may(connection, office.actor, Action.CLOSE_REQUEST)
    if not name.strip():
        raise _refused("name", "is empty", "write what is asked")
    ids = connection.execute(
        select(PREMISES.c.premises_id)
        .join(CUSTOMER, CUSTOMER.c.customer_id == PREMISES.c.customer_id)
        .where(CUSTOMER.c.phone_digits != "")
    ).scalars()
    survey_id: int = connection.execute(
        insert(SURVEY)
        .values(
            name=name.strip(),
            until_on=until_on.isoformat(),
            made_by=office.actor,
            made_at_ms=ms_from_utc(office.now_utc),
            action="",
        )
        .returning(SURVEY.c.survey_id)
    ).scalar_one()
    chosen = drawn(list(ids), min(size, MOST_HOMES), f"survey {survey_id}")
    if not chosen:
        raise _refused("sample", "has no home", "bring customers with their numbers in first")
    rows = [{"survey_id": survey_id, "premises_id": each, "remark": ""} for each in chosen]
    connection.execute(insert(SURVEY_HOME), rows)
    _audit(connection, "survey.make", survey_id, office)
    return get_survey(connection, survey_id)


def keep_score(  # noqa: PLR0913, PLR0917  # which survey, which home, what was said, to whom
    connection: Connection,
    survey_id: int,
    premises_id: str,
    score: int | None,
    remark: str,
    office: Office,
) -> None:
    """Keep what a home said; no score: it did not want to answer."""
    check_may(connection, office.actor, Action.CALL_BACK)
    if get_survey(connection, survey_id).is_closed:
        raise _refused("survey", "is closed", "ask in the next one")
    changed = connection.execute(
        update(SURVEY_HOME)
        .where(SURVEY_HOME.c.survey_id == survey_id, SURVEY_HOME.c.premises_id == premises_id)
        .values(
            score=score,
            remark=remark.strip(),
            asked_by=office.actor,
            asked_at_ms=ms_from_utc(office.now_utc),
        )
    ).rowcount
    if not changed:
        raise not_found(f"home {premises_id!r} of survey {survey_id}", "home")


def close_survey(connection: Connection, survey_id: int, action: str, office: Office) -> Survey:
    """Return the survey, closed with what is done about it."""
    check_may(connection, office.actor, Action.CLOSE_REQUEST)
    if get_survey(connection, survey_id).is_closed:
        raise _refused("survey", "is closed already", "reload the page")
    if not action.strip():
        raise _refused("action", "is empty", "write what is done about it")
    connection.execute(
        update(SURVEY)
        .where(SURVEY.c.survey_id == survey_id)
        .values(action=action.strip(), closed_at_ms=ms_from_utc(office.now_utc))
    )
    _audit(connection, "survey.close", survey_id, office)
    return get_survey(connection, survey_id)


def get_survey(connection: Connection, survey_id: int) -> Survey:
    """Return one survey; raise ContractError when there is none of that number."""
    found = [each for each in list_surveys(connection) if each.survey_id == survey_id]
    if not found:
        raise not_found(f"survey {survey_id}", "survey")
    return found[0]


def list_surveys(connection: Connection) -> Sequence[Survey]:
    """Return the surveys with their figures, the newest first."""
    figures = (
        select(
            SURVEY_HOME.c.survey_id.label("of_survey"),
            func.count().label("sample"),
            func.count(SURVEY_HOME.c.asked_at_ms).label("asked"),
            func.count(SURVEY_HOME.c.score).label("answered"),
            func.avg(SURVEY_HOME.c.score).label("mean"),
        )
        .group_by(SURVEY_HOME.c.survey_id)
        .subquery()
    )
    query = (
        select(SURVEY, figures)
        .outerjoin(figures, figures.c.of_survey == SURVEY.c.survey_id)
        .order_by(SURVEY.c.survey_id.desc())
    )
    return [_survey(row) for row in connection.execute(query)]


def homes_to_ask(connection: Connection, survey_id: int, limit: int = 50) -> Sequence[str]:
    """Return the homes of the sample that were not asked yet."""
    query = select(SURVEY_HOME.c.premises_id).where(
        SURVEY_HOME.c.survey_id == survey_id, SURVEY_HOME.c.asked_at_ms.is_(None)
    )
    return list(
        connection.execute(query.order_by(SURVEY_HOME.c.premises_id).limit(limit)).scalars()
    )


def _audit(connection: Connection, action: str, survey_id: int, office: Office) -> None:
    event = AuditEvent(actor=office.actor, action=action, subject=str(survey_id), detail={})
    append_audit(connection, event, office.now_utc)


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="survey", field=field, problem=problem, remedy=remedy, code=Code.STATE
    )


def _survey(row: Row[str]) -> Survey:
    return Survey(
        survey_id=row.survey_id,
        name=row.name,
        until_on=date.fromisoformat(row.until_on),
        sample=row.sample or 0,
        asked=row.asked or 0,
        answered=row.answered or 0,
        mean=None if row.mean is None else float(row.mean),
        action=row.action,
        is_closed=row.closed_at_ms is not None,
    )
