"""What a shift leaves open: work begun, closed valves, a watch, a route, hazards.

A valve is opened again from here, too: its order may have been given to another crew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from field_app.orders.lone_watch import Watch, WatchState
from field_app.orders.order_list_store import OrderLine, OrderQuery
from field_app.orders.site_sheets_store import ClosedElsewhere
from field_app.patrols.noted import noted_homes
from field_app.presenters.ports import Words
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import (
    Block,
    NoteBlock,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
)
from field_app.presenters.views import Tone
from field_app.presenters.wording import state_text
from field_app.tablet import Tablet
from wire_contracts.site_facts import ClosedValve, IsolationEvent, ValveAction
from wire_contracts.work_order_states import WorkOrderState

_OPEN = "open:"
"""Begins the key of a button that opens a valve again; order and valve follow."""

NOT_NOW = "not-now"
"""Goes back from the question whose word was given."""

ASKED, WORD_FROM = "asked", "word_from"
"""Answers: the button that asks for the word, and who gave it."""

_AT_WORK = frozenset({WorkOrderState.ON_SITE, WorkOrderState.WORKING})
_MOST = 20
"""Orders that are looked through: what is at work comes first in the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOpen:
    """What is open on a tablet; `noted_count`: homes with a hazard that nobody finished."""

    orders: Sequence[OrderLine]
    valves: Sequence[ClosedElsewhere]
    watch: Watch
    has_run: bool
    noted_count: int


def read_still_open(tablet: Tablet) -> StillOpen:
    """Return what is open now."""
    lines = tablet.desk.page(OrderQuery(limit=_MOST)).lines
    return StillOpen(
        orders=[each for each in lines if each.state in _AT_WORK],
        valves=tablet.site.closed_elsewhere(""),
        watch=tablet.calls.watch(),
        has_run=tablet.inspections.open_run() is not None,
        noted_count=tablet.database.read(noted_homes),
    )


def still_open_rows(t: Words, found: StillOpen) -> list[Block]:
    """Return it as a list, nothing where nothing is open."""
    lines = [
        RowLine(
            key=f"order-{each.order_id}",
            title=each.title.in_language(t.language),
            detail=f"{each.number}  ·  {state_text(t, each.state)}",
            icon="clipboard-list",
            tone=Tone.WARN,
        )
        for each in found.orders
    ]
    lines += [
        RowLine(
            key=f"valve-{each.order_id}-{each.valve.valve_id}",
            title=t("{valve} is closed").format(valve=each.valve.valve_id),
            detail=_closed_text(t, each),
            icon="valve-closed",
            tone=Tone.WARN,
            actions=(RowAction(key=_key(each), text=t("Open again"), icon="valve-open"),),
        )
        for each in found.valves
    ]
    rest = (
        (found.watch.state is not WatchState.OFF, "watch", t("The watch is running"), "timer"),
        (found.has_run, "run", t("A route is under way; end it first."), "routes"),
        (
            bool(found.noted_count),
            "homes",
            t("hazards not finished: {count}").format(count=found.noted_count),
            "alert-circle",
        ),
    )
    lines += [
        RowLine(key=key, title=text, icon=icon, tone=Tone.WARN)
        for is_open, key, text, icon in rest
        if is_open
    ]
    return [RowsBlock(key="open", title=t("Still open"), lines=tuple(lines))] if lines else []


def opening_view(t: Words, found: StillOpen, answers: Answers) -> SheetView | None:
    """Return the question who gave the word to open a valve, None where none is asked."""
    asked = answers.get(ASKED)
    closed = next((each for each in found.valves if _key(each) == asked), None)
    if closed is None:
        return None
    valve = closed.valve
    return SheetView(
        title=t("Who gave the word to open {valve}?").format(valve=valve.valve_id),
        subtitle=_closed_text(t, closed),
        blocks=(
            NoticeBlock(key="why", text=first_text(t, valve), tone=Tone.WARN, icon="valve-closed"),
            NoteBlock(
                key=WORD_FROM,
                label=t("Who did you speak with?"),
                text=answers.get(WORD_FROM),
                hint=t("Name of the person"),
            ),
        ),
        primary=SheetButton(
            key=asked,
            text=t("I opened {valve} again").format(valve=valve.valve_id),
            icon="valve-open",
            refusal="" if answers.get(WORD_FROM).strip() else t("Enter the name first."),
        ),
        secondary=SheetButton(key=NOT_NOW, text=t("Not now"), kind="tonal"),
        saved_text=answers.saved_text,
        message=answers.message,
    )


def open_again(tablet: Tablet, key: str, answers: Answers) -> dict[str, str] | None:
    """Open a valve with the word of a person, None where the tap is no business of valves.

    Returns the answers to keep: the question that is left, or none any more. A valve that nobody
    lists any more is not opened.
    """
    if key == NOT_NOW:
        return {ASKED: "", WORD_FROM: ""}
    if not key.startswith(_OPEN):
        return None
    word_from = answers.get(WORD_FROM).strip()
    if answers.get(ASKED) != key or not word_from:
        return {ASKED: key, WORD_FROM: ""}
    for each in tablet.site.closed_elsewhere(""):
        if _key(each) == key:
            event = IsolationEvent(
                valve_id=each.valve.valve_id, action=ValveAction.REOPENED, word_from=word_from
            )
            tablet.site.turn_valve(each.order_id, event)
    return {ASKED: "", WORD_FROM: ""}


def first_text(t: Words, closed: ClosedValve | None) -> str:
    """Return whom to ask before a valve is opened."""
    if closed is None or not closed.may_reopen:
        return t("Nobody is named: ask the control room before you open it.")
    return t("May open: {name}. Speak with them before you open it.").format(name=closed.may_reopen)


def _key(closed: ClosedElsewhere) -> str:
    return f"{_OPEN}{closed.order_id}:{closed.valve.valve_id}"


def _closed_text(t: Words, closed: ClosedElsewhere) -> str:
    keeper = closed.valve.may_reopen
    may_open = t("may open: {name}").format(name=keeper) if keeper else t("nobody named")
    return "  ·  ".join(each for each in (closed.number, may_open) if each)
