"""What the pages of the hall show: who waits and since when, and the cash of each day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_server.hall.queue import COUNTERS, HallState, HallVisit, in_order
from sync_server.sales.cash_store import is_late
from sync_server.sales.sale import CashDay
from sync_server.service_desk.request_store import Office
from sync_server.web.labels import label
from sync_server.web.office_labels import HALL_NEEDS
from sync_server.web.words import Words, age

_LONG_WAIT_S = 15 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class HallRow:
    """One number."""

    hall_visit_id: int
    number: int
    need: str
    counter: int
    is_first: bool
    waited: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CashView:
    """One clerk's day; amounts in yuan."""

    day: str
    account_id: str
    who: str
    sold: str
    counted: str
    difference: str
    reason: str
    bank_slip: str
    banked: str
    is_late: bool


def hall_rows(
    visits: Sequence[HallVisit], words: Words, now_utc: datetime
) -> tuple[list[HallRow], list[HallRow]]:
    """Return who waits, the next one first, and who was called."""
    waiting = in_order([each for each in visits if each.state is HallState.WAITING])
    called = [each for each in visits if each.state is HallState.CALLED]
    return [_row(each, words, now_utc) for each in waiting], [
        _row(each, words, now_utc) for each in called
    ]


def _row(visit: HallVisit, words: Words, now_utc: datetime) -> HallRow:
    waited = visit.waited or now_utc - visit.came_at_utc
    return HallRow(
        hall_visit_id=visit.hall_visit_id,
        number=visit.number,
        need=label(words, HALL_NEEDS, visit.need),
        counter=visit.counter or COUNTERS[visit.need],
        is_first=visit.is_first,
        waited=age(waited),
        tone="warn" if waited.total_seconds() > _LONG_WAIT_S else "",
    )


def cash_views(
    days: Sequence[CashDay], office: Office, words: Words, names: Mapping[str, str]
) -> list[CashView]:
    """Return the days as the page shows them."""
    return [
        CashView(
            day=each.day,
            account_id=each.account_id,
            who=names.get(each.account_id, each.account_id),
            sold=f"{each.sold_cents / 100:.2f}",
            counted=f"{each.counted_cents / 100:.2f}",
            difference=f"{each.difference_cents / 100:+.2f}" if each.difference_cents else "",
            reason=each.reason,
            bank_slip=each.bank_slip,
            banked="" if each.banked_at_utc is None else words.moment(each.banked_at_utc),
            is_late=is_late(each, office),
        )
        for each in days
    ]
