"""RoundsPage: what an inspector has to do: routes, places to see again, homes, meters."""

from collections.abc import Mapping
from dataclasses import dataclass

from field_app.patrols.directions import Place
from field_app.patrols.home_facts import Unheard
from field_app.patrols.inspection_store import SeenHome, SeenMeter, SeenRun
from field_app.patrols.left_places import LeftDanger
from field_app.patrols.run_state import nearest_first
from field_app.platform.fix_age import fresh_fix
from field_app.presenters.dates import date_text
from field_app.presenters.left_lines import HEARD, LeftLines
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import unheard_text
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetView,
)
from field_app.presenters.stop_danger import unrecorded_dangers
from field_app.presenters.views import Tone
from field_app.presenters.wording import due_text
from wire_contracts.frames import ms_from_utc
from wire_contracts.home_checks import HouseholdState
from wire_contracts.patrols import Checkpoint, PatrolPlan

OPEN_STATES = frozenset({HouseholdState.DUE, HouseholdState.NO_ACCESS})
"""Homes that still want a visit; a letter is the office's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundsData:
    """What was read for the page."""

    plans: Mapping[str, PatrolPlan]
    checkpoints: Mapping[str, Checkpoint]
    run: SeenRun | None
    homes: list[SeenHome]
    meters: list[SeenMeter]
    dangers: tuple[str, ...]
    unheard: Unheard
    left: list[LeftDanger]

    def rechecks(self) -> dict[str, Checkpoint]:
        """Return the checkpoints that are to be looked at again."""
        return {name: each for name, each in self.checkpoints.items() if each.recheck_reason}


class RoundsPage:
    """The list of rounds; `SheetPresenter` shows it."""

    def __init__(self, parts: RoundParts) -> None:
        """Show the rounds of this tablet."""
        self._parts = parts
        self._left = LeftLines(parts)

    def read(self) -> RoundsData | None:
        """Return everything this tablet's crew inspects."""
        desk = self._parts.desk
        run, checkpoints = desk.open_run(), desk.checkpoints()
        return RoundsData(
            plans=desk.plans(),
            checkpoints=checkpoints,
            run=run,
            homes=desk.homes(),
            meters=desk.meters(),
            dangers=unrecorded_dangers(self._parts, run, run.run_id, checkpoints)
            if run is not None
            else (),
            unheard=desk.unheard(),
            left=desk.left_dangers(),
        )

    def typed_before(self, data: RoundsData) -> Mapping[str, str]:
        """Return nothing: nothing is typed here."""
        del data
        return {}

    def saved_at_ms(self, data: RoundsData) -> int | None:
        """Return None: nothing is kept here."""
        del data
        return None

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep nothing."""
        del answers
        return None

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Begin a route, or open a list."""
        del answers
        what, _, which = key.partition(":")
        if what == "start":
            return self._start(which)
        if what == "again":
            return self._start_again()
        if key.startswith(HEARD):
            return self._left.hear(key)
        return Tapped(opens=key)

    def _start(self, plan_id: str) -> Tapped:
        t, desk = self._parts.context.words, self._parts.desk
        if desk.open_run() is not None:
            return Tapped(message=t("A route is under way; end it first."))
        plan = desk.plans().get(plan_id)
        if plan is None:
            return Tapped(message=t("This place is not on this tablet any more."))
        return Tapped(opens=f"run:{desk.start_run(plan_id, plan.stops)}")

    def _start_again(self) -> Tapped:
        """Begin a route of one's own through what is to be looked at again, nearest first."""
        t, desk = self._parts.context.words, self._parts.desk
        if desk.open_run() is not None:
            return Tapped(message=t("A route is under way; end it first."))
        wanted = {name: each for name, each in desk.checkpoints().items() if each.recheck_reason}
        if not wanted:
            return Tapped(message=t("Nothing is to be looked at again."))
        fix = fresh_fix(self._parts.hardware.locator, self._parts.context.clock.now_utc())
        first = next(iter(wanted.values()))
        latitude, longitude = first.latitude_deg, first.longitude_deg
        if fix is not None:
            latitude, longitude = fix.latitude_deg, fix.longitude_deg
        here = Place(latitude_deg=latitude, longitude_deg=longitude)
        return Tapped(opens=f"run:{desk.start_run(None, nearest_first(here, wanted))}")

    def view(self, data: RoundsData, answers: Answers) -> SheetView:
        """Return the page."""
        t = self._parts.context.words
        blocks: list[Block] = [
            *self._unheard(data.unheard),
            *self._left.block(data.left),
            *self._under_way(data),
            *self._routes(data),
            *self._rechecks(data),
            *self._homes(data),
            *self._meters(data),
        ]
        if not blocks:
            text = t("The office has planned nothing for your crew.")
            blocks = [NoticeBlock(key="none", text=text, tone=Tone.INFO, icon="routes")]
        return SheetView(
            title=t("Rounds"), subtitle="", blocks=tuple(blocks), message=answers.message
        )

    def _unheard(self, unheard: Unheard) -> list[Block]:
        """Return that the office does not know of a danger, and what to do."""
        text = unheard_text(self._parts.context.words, unheard)
        notice = NoticeBlock(key="unheard", text=text, tone=Tone.DANGER, icon="phone-alert")
        return [notice] if text else []

    def _under_way(self, data: RoundsData) -> list[Block]:
        t, run = self._parts.context.words, data.run
        if run is None or run.state.run is None:
            return []
        plan = data.plans.get(run.state.run.plan_id or "")
        name = t("Ad-hoc route") if plan is None else self._name(plan)
        done = len(run.state.stops) - len(run.state.missed)
        detail = t("{done} of {total} done").format(done=done, total=len(run.state.stops))
        if data.dangers:
            detail = f"{t('Danger here: record it')}  ·  {detail}"
        line = RowLine(
            key="run",
            title=name,
            detail=detail,
            icon="alert-octagon" if data.dangers else "routes",
            tone=Tone.DANGER if data.dangers else Tone.WARN,
            actions=(
                RowAction(
                    key=f"run:{run.run_id}", text=t("Go on"), icon="arrow-right", kind="primary"
                ),
            ),
        )
        return [RowsBlock(key="under-way", title=t("Under way"), lines=(line,))]

    def _routes(self, data: RoundsData) -> list[Block]:
        t, context = self._parts.context.words, self._parts.context
        lines = []
        for plan_id, plan in sorted(data.plans.items(), key=lambda item: _due_key(item[1])):
            due_ms = None if plan.due_at_utc is None else ms_from_utc(plan.due_at_utc)
            due, is_overdue = due_text(t, due_ms, context.clock.now_utc(), context.zone)
            stops = t("stops: {count}").format(count=len(plan.stops))
            last = (
                ""
                if plan.last_done_at_utc is None
                else t("last walked {date}").format(
                    date=date_text(t, plan.last_done_at_utc, context.zone)
                )
            )
            lines.append(
                RowLine(
                    key=plan_id,
                    title=self._name(plan),
                    detail="  ·  ".join(each for each in (stops, due, last) if each),
                    icon="routes",
                    tone=Tone.DANGER if is_overdue else Tone.INFO,
                    actions=(RowAction(key=f"start:{plan_id}", text=t("Start"), icon="play"),),
                )
            )
        return [RowsBlock(key="routes", title=t("Routes"), lines=tuple(lines))] if lines else []

    def _rechecks(self, data: RoundsData) -> list[Block]:
        t, again = self._parts.context.words, data.rechecks()
        if not again:
            return []
        names = [each.name.in_language(t.language) for each in again.values()]
        more = " …" if len(names) > _NAMED else ""
        line = RowLine(
            key="again",
            title=t("{count} to look at again").format(count=len(again)),
            detail=", ".join(names[:_NAMED]) + more,
            icon="refresh",
            tone=Tone.WARN,
            actions=(RowAction(key="again", text=t("Nearest first"), icon="play"),),
        )
        return [RowsBlock(key="rechecks", title=t("Re-check list"), lines=(line,))]

    def _homes(self, data: RoundsData) -> list[Block]:
        t = self._parts.context.words
        left = sum(
            home.household.state in OPEN_STATES and home.visited_at_utc is None
            for home in data.homes
        )
        hazards = sum(home.household.state is HouseholdState.HAZARD for home in data.homes)
        noted = sum(home.has_noted_hazard for home in data.homes)
        if not data.homes:
            return []
        details = (
            t("hazards not finished: {count}").format(count=noted) if noted else "",
            t("{count} with hazards").format(count=hazards) if hazards else "",
        )
        line = RowLine(
            key="homes",
            title=t("{count} of {total} homes to visit").format(count=left, total=len(data.homes)),
            detail="  ·  ".join(each for each in details if each),
            icon="alert-circle" if noted else "home",
            tone=Tone.DANGER if noted else Tone.INFO,
            actions=(RowAction(key="homes", text=t("Open"), icon="arrow-right"),),
        )
        return [RowsBlock(key="home-checks", title=t("Home checks"), lines=(line,))]

    def _meters(self, data: RoundsData) -> list[Block]:
        t = self._parts.context.words
        left = sum(each.read_at_utc is None for each in data.meters)
        if not data.meters:
            return []
        line = RowLine(
            key="meters",
            title=t("{count} of {total} meters to read").format(count=left, total=len(data.meters)),
            icon="gauge",
            tone=Tone.INFO,
            actions=(RowAction(key="meters", text=t("Open"), icon="arrow-right"),),
        )
        return [RowsBlock(key="meter-round", title=t("Meter reading"), lines=(line,))]

    def _name(self, plan: PatrolPlan) -> str:
        return plan.name.in_language(self._parts.context.words.language)


_NAMED = 3
"""Names of places that a line has room for."""


def _due_key(plan: PatrolPlan) -> tuple[bool, float]:
    due_at_utc = plan.due_at_utc
    return due_at_utc is None, 0.0 if due_at_utc is None else due_at_utc.timestamp()
