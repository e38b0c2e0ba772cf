"""Decides whether an order asks if anybody went into a well, and what is missing of the answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from field_app.orders.moments import TimerMoment, moment_kept
from field_app.orders.site_sheet import was_entry_allowed
from field_app.orders.work_record import WorkRecord
from field_app.store.draft_store import KeptAnswer
from wire_contracts.orders import WorkOrderDocument
from wire_contracts.patrol_facts import WellEntry
from wire_contracts.work_order_states import WorkOrderState

ENTRY: Final = "inside"
ENTRY_WHY: Final = "inside_why"
"""Fields of the page of the gas test, and of a stop of a round."""

ONE_SHIFT_MS: Final = 12 * 3_600_000
"""Whoever was in a well in another shift is not there now (judgement)."""

_PAGE: Final = "gate."
_AT_WORK: Final = frozenset({WorkOrderState.ON_SITE, WorkOrderState.WORKING})
_CONFINED: Final = re.compile(
    r"(阀|阀门|检查|检修|计量|水表|热力|电缆|污水|雨水|检测)井|窨井|井室|井下|井内|人孔|小室"
    r"|管沟|地沟|管廊"
    r"|\b(wells?|manholes?|chambers?|pits?|vaults?|shafts?|trench(es)?|utility tunnels?)\b",
    re.IGNORECASE,
)
"""How addresses and titles name what people climb down into; a street such as 王府井大街 does not.
GB 30871-2022 calls such places confined spaces: wells, pits, pipe trenches, tunnels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """What was answered about going in.

    Attributes:
        is_asked: The order is at a well, and a crew is there.
        answer: The newest of anybody at work there; None: nobody answered in this shift.
        why: Why somebody went in without a good test.
        is_unproven: Somebody went in, and no test that was good at the moment let him.
    """

    is_asked: bool = False
    answer: WellEntry | None = None
    why: str = ""
    is_unproven: bool = False


def is_at_well(document: WorkOrderDocument) -> bool:
    """Return whether the order's address or title names what people climb down into."""
    texts = (document.address, document.title.en, document.title.zh)
    return any(_CONFINED.search(text) for text in texts)


def entry_of(
    document: WorkOrderDocument,
    record: WorkRecord,
    kept: Sequence[KeptAnswer],
    now: TimerMoment,
) -> OrderEntry:
    """Return what anybody has answered on this visit; `kept` are all answers about the work."""
    if document.state not in _AT_WORK or not is_at_well(document):
        return OrderEntry()
    answered = _newest(kept, ENTRY, now)
    answer = None if answered is None else WellEntry(str(answered.value))
    if answered is None or answer is not WellEntry.WENT_IN:
        return OrderEntry(is_asked=True, answer=answer)
    why = _newest(kept, ENTRY_WHY, now)
    at = moment_kept(answered.at)
    return OrderEntry(
        is_asked=True,
        answer=answer,
        why="" if why is None else str(why.value).strip(),
        is_unproven=not (was_entry_allowed(record, at) or was_entry_allowed(record, now)),
    )


def _newest(kept: Sequence[KeptAnswer], field: str, now: TimerMoment) -> KeptAnswer | None:
    found = [
        each
        for each in kept
        if each.field == f"{_PAGE}{field}"
        and each.value
        and now.age_ms(moment_kept(each.at)) < ONE_SHIFT_MS
    ]
    return max(found, key=lambda each: each.at.place, default=None)
