"""Maps the answer sets that tablets have sent: who answered what, when, about which thing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Connection, Row, select

from sync_server.db.access_tables import ACCOUNT
from sync_server.db.order_tables import FACT, WORK_ORDER
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.forms.answer_sets import AnswerSet, parse_answer_set
from wire_contracts.frames import utc_from_ms
from wire_contracts.orders import FactType

MOST_ANSWER_SETS = 50_000
"""Answer sets of one export; a town's year of safety checks is a fifth of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswers:
    """One answer set with what the server knows of it.

    Attributes:
        order_number: Printed number of the order that it belongs to, empty without one.
        person: Who answered, by name; the account's id when the name was erased.
    """

    fact_id: str
    answers: AnswerSet
    order_number: str
    person: str
    happened_at_utc: datetime
    received_at_utc: datetime


def answers_of(connection: Connection, form_id: str) -> Iterator[KeptAnswers]:
    """Yield the answer sets of every version of a form, the oldest first.

    One that a later one corrects is left out, and so is one that cannot be read.
    """
    is_of_form = FACT.c.payload.contains(f'"form":"{form_id}@', autoescape=True)
    for kept in _answer_sets(connection, is_of_form):
        if kept.answers.form.rpartition("@")[0] == form_id:
            yield kept


def answers_about_order(connection: Connection, order_id: str) -> list[KeptAnswers]:
    """Return the answer sets that belong to an order, findings left out, the oldest first."""
    return list(_answer_sets(connection, FACT.c.order_id == order_id))


def _answer_sets(connection: Connection, which: ColumnElement[bool]) -> Iterator[KeptAnswers]:
    query = (
        select(FACT, WORK_ORDER.c.number, ACCOUNT.c.display_name)
        .select_from(
            FACT.outerjoin(WORK_ORDER, WORK_ORDER.c.order_id == FACT.c.order_id).outerjoin(
                ACCOUNT, ACCOUNT.c.account_id == FACT.c.actor
            )
        )
        .where(FACT.c.fact_type == str(FactType.FORM_ANSWERSET), which)
        .order_by(FACT.c.happened_at_ms, FACT.c.fact_id)
        .limit(MOST_ANSWER_SETS)
    )
    rows = connection.execute(query).all()
    corrected = {row.supersedes for row in rows if row.supersedes}
    for row in rows:
        kept = None if row.fact_id in corrected else _kept(row)
        if kept is not None:
            yield kept


def _kept(row: Row[str]) -> KeptAnswers | None:
    reader = FieldReader(place=f"fact {row.fact_id}", values=orjson.loads(row.payload))
    try:
        answers = parse_answer_set(reader)
    except ContractError:
        return None
    return KeptAnswers(
        fact_id=row.fact_id,
        answers=answers,
        order_number=row.number or "",
        person=row.display_name or row.actor,
        happened_at_utc=utc_from_ms(int(row.happened_at_ms)),
        received_at_utc=utc_from_ms(int(row.received_at_ms)),
    )


def count_answers(connection: Connection) -> dict[str, int]:
    """Return form id -> how many answer sets are kept, corrected ones included."""
    query = select(FACT.c.payload).where(FACT.c.fact_type == str(FactType.FORM_ANSWERSET))
    counts: dict[str, int] = {}
    for payload in connection.execute(query).scalars():
        form = orjson.loads(payload).get("form")
        form_id = form.rpartition("@")[0] if isinstance(form, str) else ""
        counts[form_id] = counts.get(form_id, 0) + 1
    return counts
