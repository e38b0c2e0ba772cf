"""RunEndPage: what was skipped and missed, shown before a run is ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from field_app.patrols.begun_stops import is_danger
from field_app.patrols.inspection_book import DraftOf
from field_app.patrols.inspection_desk import RunEndedError
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.left_places import LeftDanger
from field_app.presenters.dates import time_text
from field_app.presenters.left_lines import HEARD, LeftLines
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import (
    UNITS,
    distance_text,
    measure_text,
    point_text,
    severity_text,
)
from field_app.presenters.run import TRACK_FORM, kept_track
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
    TilesBlock,
)
from field_app.presenters.stop_danger import told_danger, unrecorded_dangers
from field_app.presenters.views import LabelledText, Tone
from field_app.store.round_records import record_of
from wire_contracts.fields import JsonValue
from wire_contracts.patrol_facts import BegunPoint, PointOutcome
from wire_contracts.patrols import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEndData:
    """What was read for the page."""

    run: SeenRun
    checkpoints: Mapping[str, Checkpoint]
    kept: Mapping[str, JsonValue]
    dangers: tuple[str, ...]
    left: list[LeftDanger]
    begun: Mapping[str, Sequence[BegunPoint]]
    measured: Mapping[str, str]

    @property
    def left_open(self) -> tuple[str, ...]:
        """Return the stops, but for dangers, at which something was begun and kept by nobody."""
        return tuple(each for each in self.begun if each not in self.dangers)


class RunEndPage:
    """The end of a run; `SheetPresenter` shows it. `leads_to` is `<` once the run has ended."""

    def __init__(self, parts: RoundParts, run_id: str) -> None:
        """Show the end of a run."""
        self._parts = parts
        self._run_id = run_id
        self._left = LeftLines(parts)
        self.leads_to = ""

    def read(self) -> RunEndData | None:
        """Return the run as it stands."""
        desk = self._parts.desk
        draft = DraftOf(record_id=record_of(self._run_id), form=TRACK_FORM)
        run, checkpoints = desk.run(self._run_id), desk.checkpoints()
        dangers = unrecorded_dangers(self._parts, run, self._run_id, checkpoints)
        return RunEndData(
            run=run,
            checkpoints=checkpoints,
            kept=desk.newest_answers(draft),
            dangers=dangers,
            left=[
                each
                for each in desk.left_dangers()
                if each.is_of_run(self._run_id, run.state.stops)
            ],
            begun=_by_stop(desk.begun(self._run_id)),
            measured={each: told_danger(self._parts, run, self._run_id, each) for each in dangers},
        )

    def _begun_text(self, begun: BegunPoint) -> str:
        """Return who began what at a stop, with units."""
        t, context = self._parts.context.words, self._parts.context
        severity = begun.severity
        said = [
            "" if severity is None else f"{severity}  {severity_text(t, severity)}",
            begun.note,
            *(
                f"{measure_text(t, each)}: {text} {UNITS[each]}"
                for each, text in begun.values.items()
            ),
        ]
        return t("{name} began at {time}: {what}").format(
            name=self._parts.person_name(begun.author),
            time=time_text(t, begun.at_ms, context.clock.now_utc(), context.zone),
            what=", ".join(each for each in said if each),
        )

    def typed_before(self, data: RunEndData) -> Mapping[str, str]:
        """Return nothing: nothing is typed here."""
        del data
        return {}

    def saved_at_ms(self, data: RunEndData) -> int | None:
        """Return None: nothing is kept here."""
        del data
        return None

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep nothing."""
        del answers
        return None

    def tap(self, key: str, answers: Answers) -> Tapped:
        """End the run, go to a place that was missed, or keep what the control room was told."""
        del answers
        if key.startswith(HEARD):
            return self._left.hear(key)
        if key != "end":
            return Tapped(opens=key)
        data = self.read()
        if data is not None and (refusal := self._refusal(data)):
            return Tapped(message=refusal)
        try:
            if data is not None:
                self._parts.desk.submit_run(self._run_id, kept_track(data.kept))
        except RunEndedError:
            pass  # ended before, on this tablet: it leads to the same place
        self.leads_to = "<"
        return Tapped(is_done=True)

    def view(self, data: RunEndData, answers: Answers) -> SheetView:
        """Return the page."""
        t, state = self._parts.context.words, data.run.state
        left = len(state.missed)
        missed, begun = _without(state.missed, data.dangers), data.left_open
        return SheetView(
            title=t("End of the route"),
            subtitle=t("{done} of {total} done").format(
                done=len(state.stops) - left, total=len(state.stops)
            ),
            blocks=(
                *self._left.block(data.left),
                self._tiles(data),
                *self._rows(data, "dangers", t("Danger here: record it"), data.dangers),
                *self._warning(left),
                *self._rows(data, "begun", t("Begun, not kept: the office is told that"), begun),
                *self._rows(data, "missed", t("Missed"), _without(missed, begun)),
                *self._rows(data, "skipped", t("Left out"), state.skipped),
                *self._rows(data, "defects", t("Defects"), _defects(data.run)),
            ),
            primary=SheetButton(
                key="end",
                text=t("End with {count} missed").format(count=left)
                if left
                else t("End the route"),
                icon="flag",
                kind="danger" if left else "primary",
                needs_again=bool(left),
                refusal=self._refusal(data),
            ),
            message=answers.message,
        )

    def _refusal(self, data: RunEndData) -> str:
        """Return which danger must be told before the route ends, empty without any."""
        t = self._parts.context.words
        if data.left:
            return t("Tell the control room of the danger first.")
        return t("Dangerous: record it as a defect of severity 1.") if data.dangers else ""

    def _tiles(self, data: RunEndData) -> Block:
        t, state = self._parts.context.words, data.run.state
        walked = kept_track(data.kept).length_m
        return TilesBlock(
            key="tiles",
            tiles=(
                LabelledText(label=t("Looked at"), text=str(state.done_count)),
                LabelledText(label=t("Left out"), text=str(len(state.skipped))),
                LabelledText(
                    label=t("Missed"),
                    text=str(len(state.missed)),
                    icon="trigger" if state.missed else "",
                ),
                LabelledText(label=t("Walked"), text=distance_text(t, walked)),
            ),
        )

    def _warning(self, left: int) -> list[Block]:
        if not left:
            return []
        text = self._parts.context.words("Missed places are told to the office and come back.")
        return [NoticeBlock(key="left", text=text, tone=Tone.WARN, icon="alert")]

    def _rows(
        self, data: RunEndData, key: str, title: str, checkpoint_ids: tuple[str, ...]
    ) -> list[Block]:
        t = self._parts.context.words
        lines = []
        for each in checkpoint_ids:
            point = data.run.state.points.get(each)
            word, icon, tone = point_text(t, point)
            reason = "" if point is None else point.reason or point.note
            said = data.begun.get(each, ())
            if key in {"dangers", "begun"}:
                told = "" if any(map(is_danger, said)) else data.measured.get(each, "")
                texts = [told, *map(self._begun_text, said)]
                word, reason = "", "\n".join(text for text in texts if text)
            if key == "begun":
                is_beyond = any(one.beyond for one in said)
                icon, tone = "pencil", Tone.DANGER if is_beyond else Tone.WARN
            if key == "dangers":
                icon, tone = "alert-octagon", Tone.DANGER
            checkpoint = data.checkpoints.get(each)
            lines.append(
                RowLine(
                    key=each,
                    title=each if checkpoint is None else checkpoint.name.in_language(t.language),
                    detail="  ·  ".join(part for part in (word, reason) if part),
                    icon=icon,
                    tone=tone,
                    actions=(RowAction(key=f"point:{each}", text=t("Open"), icon="arrow-right"),),
                )
            )
        return [RowsBlock(key=key, title=title, lines=tuple(lines))] if lines else []


def _by_stop(begun: Sequence[BegunPoint]) -> dict[str, list[BegunPoint]]:
    found: dict[str, list[BegunPoint]] = {}
    for each in begun:
        found.setdefault(each.checkpoint_id, []).append(each)
    return found


def _without(checkpoint_ids: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in checkpoint_ids if each not in others)


def _defects(run: SeenRun) -> tuple[str, ...]:
    return tuple(
        each
        for each in run.state.stops
        if each in run.state.points and run.state.points[each].outcome is PointOutcome.DEFECT
    )
