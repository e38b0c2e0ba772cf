"""Reads at once what the ledgers of a period count: matters, complaints, calls, penalties."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection, func, select

from sync_server.complaints.complaint import Complaint
from sync_server.complaints.complaint_store import complaints_between
from sync_server.complaints.penalties import PenaltyState
from sync_server.db.complaint_tables import COMPLAINT_MEASURE, PENALTY
from sync_server.db.desk_tables import PHONE_CALL
from sync_server.ledgers.call_figures import Call, CallTerms
from sync_server.ledgers.figures import Reckoning, counted
from sync_server.ledgers.period import Period
from sync_server.service_desk.calls import CallState
from sync_server.service_desk.clocks import Terms
from sync_server.service_desk.matters_store import matters_received
from sync_server.service_desk.request_rows_store import get_request, matter_of
from sync_server.service_desk.request_store import Office, load_terms
from sync_server.work_orders.policy_store import policies_at
from wire_contracts.frames import ms_from_utc, utc_from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsOfPeriod:
    """The calls of a period with the limits that hold at its end."""

    calls: Sequence[Call]
    terms: CallTerms


def reckoning(connection: Connection, period: Period, office: Office) -> Reckoning:
    """Return the matters received in the period, each with the clocks by the limits of its day."""
    matters = matters_received(connection, period.from_utc, period.to_utc)
    complaints: Mapping[str, Complaint] = {
        each.request_id: each
        for each in complaints_between(connection, period.from_utc, period.to_utc)
    }
    return Reckoning(
        matters=counted(matters, _terms_by_day(connection, office)),
        complaints=complaints,
        measures=_measures(connection),
        now_utc=office.now_utc,
        zone=office.zone,
        period_text=period.text,
    )


def reckoning_of(
    connection: Connection, ids: Sequence[str], period: Period, office: Office
) -> Reckoning:
    """Return these requests alone; those of another period are read one by one."""
    whole = reckoning(connection, period, office)
    wanted = set(ids)
    known = [each for each in whole.matters if each.matter.record.request_id in wanted]
    left = wanted - {each.matter.record.request_id for each in known}
    older = [matter_of(connection, get_request(connection, each)) for each in sorted(left)]
    more = counted(older, _terms_by_day(connection, office))
    return replace(whole, matters=[*more, *known])


def _terms_by_day(connection: Connection, office: Office) -> Callable[[datetime], Terms]:
    """Return what gives the limits of a day, asked of the database once for each."""
    known: dict[date, Terms] = {}

    def terms_at(moment: datetime) -> Terms:
        day = moment.astimezone(office.zone).date()
        if day not in known:
            noon = datetime.combine(day, time(12), office.zone).astimezone(UTC)
            known[day] = load_terms(connection, replace(office, now_utc=noon))
        return known[day]

    return terms_at


def _measures(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return request -> measures agreed and carried out."""
    done = func.count(COMPLAINT_MEASURE.c.done_at_ms)
    query = select(COMPLAINT_MEASURE.c.request_id, func.count().label("agreed"), done.label("done"))
    rows = connection.execute(query.group_by(COMPLAINT_MEASURE.c.request_id))
    return {row.request_id: (row.agreed, row.done) for row in rows}


def calls_of(connection: Connection, period: Period, office: Office) -> CallsOfPeriod:
    """Return the calls that rang in the period, the oldest first."""
    rang = PHONE_CALL.c.rang_at_ms
    rows = connection.execute(
        select(PHONE_CALL)
        .where(rang >= ms_from_utc(period.from_utc), rang < ms_from_utc(period.to_utc))
        .order_by(rang)
    )
    missed = {CallState.MISSED, CallState.CALLED_BACK}
    calls = [
        Call(
            call_id=row.call_id,
            number=row.number_dialled,
            rang_at_utc=utc_from_ms(row.rang_at_ms),
            answered_at_utc=_moment(row.answered_at_ms),
            answered_by=row.answered_by,
            is_missed=CallState(row.state) in missed,
            called_back_at_utc=_moment(row.called_back_at_ms),
            hung_up_by=row.hung_up_by or "",
        )
        for row in rows
    ]
    limits = policies_at(connection, "sla.", min(office.now_utc, period.to_utc))
    return CallsOfPeriod(calls=calls, terms=CallTerms(limits=limits, zone=office.zone))


def penalties_of(connection: Connection, period: Period) -> dict[str, int]:
    """Return account -> yuan of the penalties that were approved for the period's proposals."""
    at_ms = PENALTY.c.proposed_at_ms
    query = select(PENALTY.c.account_id, func.sum(PENALTY.c.yuan).label("yuan")).where(
        PENALTY.c.state == str(PenaltyState.APPROVED),
        at_ms >= ms_from_utc(period.from_utc),
        at_ms < ms_from_utc(period.to_utc),
    )
    rows = connection.execute(query.group_by(PENALTY.c.account_id))
    return {row.account_id: int(row.yuan) for row in rows}


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else utc_from_ms(milliseconds)
