"""RoundListPresenter: the homes or the meters of a round, by building, with what is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from field_app.patrols.home_facts import Unheard
from field_app.patrols.inspection_store import SeenHome, SeenMeter, natural
from field_app.presenters.dates import time_text
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import door_text, home_state_text, unheard_text
from field_app.presenters.rounds import OPEN_STATES
from field_app.presenters.stage import Stage
from field_app.presenters.views import FilterChip, MarkView, Tone
from field_app.presenters.wording import mark_view
from wire_contracts.frames import ms_from_utc


class RoundKind(StrEnum):
    """What the list holds; the name is how its pages are opened."""

    HOME = "home"
    METER = "meter"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """One door."""

    key: str
    title: str
    detail: str
    icon: str
    state_text: str
    state_icon: str
    tone: Tone
    mark: MarkView
    is_open: bool
    building: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundListView:
    """The list; `chips` are its buildings, `alarm_text` that the office lacks an order."""

    title: str
    alarm_text: str
    progress_text: str
    share: float
    chips: tuple[FilterChip, ...]
    rows: tuple[RoundRow, ...]
    next_key: str
    empty_text: str
    is_busy: bool


BLANK_LIST_VIEW = RoundListView(
    title="",
    alarm_text="",
    progress_text="",
    share=0.0,
    chips=(),
    rows=(),
    next_key="",
    empty_text="",
    is_busy=True,
)
"""What is shown before the list was read."""


class RoundListPresenter:
    """The list of one kind."""

    def __init__(self, parts: RoundParts, kind: RoundKind) -> None:
        """List homes or meters."""
        self._parts = parts
        self.kind = kind
        self._building = ""
        self._rows: tuple[RoundRow, ...] = ()
        self._unheard = Unheard.NONE
        self._stage = Stage(parts.context.worker, BLANK_LIST_VIEW)

    @property
    def view(self) -> RoundListView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[RoundListView], None]) -> None:
        """Show every view with `show`."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more."""
        self._stage.detach()

    def refresh(self) -> None:
        """Read the list again."""
        self._stage.read(self._read, self._take)

    def choose(self, building: str) -> None:
        """Show one building, or all of them when it was chosen before."""
        self._building = "" if building == self._building else building
        self._draw()

    def _read(self) -> tuple[tuple[RoundRow, ...], Unheard]:
        desk = self._parts.desk
        if self.kind is RoundKind.HOME:
            return tuple(self._home(each) for each in desk.homes()), desk.unheard()
        return tuple(self._meter(each) for each in desk.meters()), Unheard.NONE

    def _home(self, home: SeenHome) -> RoundRow:
        t, household = self._parts.context.words, home.household
        text, icon, tone = home_state_text(t, household.state, household.no_access_count)
        if home.has_noted_hazard:
            text, icon, tone = t("hazard, not finished"), "alert-circle", Tone.DANGER
        return RoundRow(
            key=home.household_id,
            title=door_text(t, household.building, household.room),
            detail=household.address,
            icon="home",
            state_text=text,
            state_icon=icon,
            tone=tone,
            mark=mark_view(t, home.mark),
            is_open=household.state in OPEN_STATES and home.visited_at_utc is None,
            building=household.building,
        )

    def _meter(self, seen: SeenMeter) -> RoundRow:
        t, meter, context = self._parts.context.words, seen.meter, self._parts.context
        read_at = seen.read_at_utc
        now_utc = context.clock.now_utc()
        text = (
            t("to read")
            if read_at is None
            else t("read {time}").format(
                time=time_text(t, ms_from_utc(read_at), now_utc, context.zone)
            )
        )
        return RoundRow(
            key=seen.meter_id,
            title=door_text(t, meter.building, meter.place),
            detail=t("No. {serial}").format(serial=meter.device_serial),
            icon="gauge",
            state_text=text,
            state_icon="check-circle" if read_at else "checkbox-blank-circle-outline",
            tone=Tone.OK if read_at else Tone.PLAIN,
            mark=mark_view(t, seen.mark),
            is_open=read_at is None,
            building=meter.building,
        )

    def _take(self, found: tuple[tuple[RoundRow, ...], Unheard]) -> None:
        self._rows, self._unheard = found
        self._draw()

    def _draw(self) -> None:
        t = self._parts.context.words
        rows = [row for row in self._rows if self._building in {"", row.building}]
        done = sum(not row.is_open for row in rows)
        is_home = self.kind is RoundKind.HOME
        progress = t("{done} of {total} visited") if is_home else t("{done} of {total} read")
        self._stage.draw(
            replace(
                self.view,
                title=t("Home checks") if is_home else t("Meter reading"),
                alarm_text=unheard_text(t, self._unheard),
                progress_text=progress.format(done=done, total=len(rows)),
                share=done / max(len(rows), 1),
                chips=self._chips(self._rows),
                rows=tuple(rows),
                next_key=next((row.key for row in rows if row.is_open), ""),
                empty_text="" if rows else t("Nothing here for your crew."),
                is_busy=False,
            )
        )

    def _chips(self, rows: Sequence[RoundRow]) -> tuple[FilterChip, ...]:
        t = self._parts.context.words
        left: dict[str, int] = {}
        for row in rows:
            left[row.building] = left.get(row.building, 0) + row.is_open
        return tuple(
            FilterChip(
                key=building,
                text=t("Building {name}:").format(name=building),
                count=left[building],
                is_selected=building == self._building,
            )
            for building in sorted(left, key=natural)
        )
