"""The sheet of help: the watch over who works alone, and the call that reaches the control room."""

from collections.abc import Mapping
from dataclasses import dataclass

from field_app.orders.lone_watch import INTERVALS_MIN, Watch, WatchState
from field_app.platform.ports import Locator
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoteBlock,
    NoticeBlock,
    SheetButton,
    SheetView,
    TextBlock,
    TimerBlock,
)
from field_app.presenters.site_words import HELP_ICONS, help_text
from field_app.presenters.views import Tone
from field_app.presenters.watch import answer_watch, clock_text, name_at_work
from field_app.tablet import Tablet
from wire_contracts.frames import ms_from_utc
from wire_contracts.site_facts import HelpCall, HelpReason, LoneWorkerEvent, WatchEvent

MINUTE_MS = 60_000
_TONES = {
    WatchState.OFF: Tone.PLAIN,
    WatchState.CALM: Tone.INFO,
    WatchState.ASKING: Tone.WARN,
    WatchState.OVERDUE: Tone.DANGER,
    WatchState.ESCALATED: Tone.DANGER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpData:
    """How the watch stands, and whether a call for help is open."""

    watch: Watch
    is_calling: bool
    now_ms: int


class HelpPage:
    """Help: one tap more than an accident allows, one less than a pocket would make."""

    def __init__(self, tablet: Tablet, context: PresenterContext, locator: Locator) -> None:
        """Call for the person at work on `tablet`."""
        self._tablet = tablet
        self._context = context
        self._locator = locator
        self._typed: dict[str, str] = {}

    def read(self) -> HelpData:
        """Return how the watch stands."""
        site = self._tablet.site
        return HelpData(watch=site.watch(), is_calling=site.calls(), now_ms=self._now_ms())

    def typed_before(self, data: HelpData) -> Mapping[str, str]:
        """Return what was chosen while the sheet is open."""
        del data
        return self._typed

    def saved_at_ms(self, data: HelpData) -> int | None:
        """Return None: nothing is a draft here."""
        del data
        return None

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Remember what was chosen until it is sent."""
        self._typed |= answers
        return None

    def view(self, data: HelpData, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self._context.words
        blocks: list[Block] = []
        if data.is_calling:
            blocks.append(
                NoticeBlock(
                    key="calling",
                    text=t("The control room is told that you need help."),
                    tone=Tone.DANGER,
                    icon="alarm-light",
                )
            )
        blocks.append(self._reasons(answers))
        blocks += self._watch(data, answers)
        return SheetView(
            title=t("Help"),
            subtitle=t("Works without a network as soon as there is one again"),
            blocks=tuple(blocks),
            primary=self._primary(data, answers),
            secondary=self._secondary(data),
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Call, end a call, start, answer or end the watch."""
        acts = {
            "call": self._call,
            "over": self._over,
            "start": self._start,
            "confirm": self._confirm,
            "end": self._end,
        }
        acts[key](answers)
        self._typed = {}
        return Tapped()

    def _reasons(self, answers: Answers) -> ChoiceBlock:
        t = self._context.words
        return ChoiceBlock(
            key="reason",
            title=t("What do you need help with?"),
            lines=tuple(
                ChoiceLine(
                    value=str(each),
                    text=help_text(t, each),
                    icon=HELP_ICONS[each],
                    tone=Tone.DANGER,
                    is_selected=answers.get("reason") == each,
                )
                for each in HelpReason
            ),
        )

    def _watch(self, data: HelpData, answers: Answers) -> list[Block]:
        t = self._context.words
        title = TextBlock(key="alone", text=t("I work alone"), is_title=True)
        watch = data.watch
        if watch.state is WatchState.OFF or watch.due_ms is None:
            return [
                title,
                ChoiceBlock(
                    key="interval",
                    title=t("Ask me every"),
                    columns=3,
                    lines=tuple(
                        ChoiceLine(
                            value=str(minutes),
                            text=t("{minutes} min").format(minutes=minutes),
                            icon="timer",
                            is_selected=answers.get("interval") == str(minutes),
                        )
                        for minutes in INTERVALS_MIN
                    ),
                ),
                NoteBlock(
                    key="place",
                    label=t("Where are you?"),
                    text=answers.get("place"),
                    hint=t("Well, cellar, street"),
                ),
            ]
        left_ms = watch.due_ms - data.now_ms
        return [
            title,
            TimerBlock(
                key="timer",
                label=self._label(watch.state),
                text=clock_text(left_ms),
                tone=_TONES[watch.state],
                share=left_ms / watch.interval_ms if watch.interval_ms else 0.0,
            ),
        ]

    def _label(self, state: WatchState) -> str:
        t = self._context.words
        texts = {
            WatchState.CALM: t("I am asked in"),
            WatchState.ASKING: t("Are you all right? Answer within"),
            WatchState.OVERDUE: t("Answer now: the control room is told"),
            WatchState.ESCALATED: t("The control room sends somebody"),
        }
        return texts.get(state, "")

    def _primary(self, data: HelpData, answers: Answers) -> SheetButton:
        t = self._context.words
        if answers.get("reason"):
            return SheetButton(
                key="call",
                text=t("Call for help"),
                icon="phone-alert",
                kind="danger",
                needs_again=True,
            )
        if data.watch.state is not WatchState.OFF:
            return SheetButton(key="confirm", text=t("I am all right"), icon="check-bold")
        return SheetButton(
            key="start",
            text=t("Start the watch"),
            icon="timer",
            refusal="" if answers.get("interval") else t("Choose a reason, or how often to ask."),
        )

    def _secondary(self, data: HelpData) -> SheetButton | None:
        t = self._context.words
        if data.is_calling:
            return SheetButton(key="over", text=t("Help is here"), icon="check-bold", kind="ghost")
        if data.watch.state is not WatchState.OFF:
            return SheetButton(
                key="end", text=t("End the watch"), icon="pause", kind="ghost", needs_again=True
            )
        return None

    def _call(self, answers: Answers) -> None:
        self._tell_help(HelpReason(answers.get("reason")), is_over=False)

    def _over(self, answers: Answers) -> None:
        del answers
        self._tell_help(HelpReason.CREW, is_over=True)

    def _tell_help(self, reason: HelpReason, *, is_over: bool) -> None:
        fix = self._locator.fix()
        self._tablet.site.call_help(
            HelpCall(
                reason=reason,
                place=self._tablet.site.watch().place,
                latitude_deg=None if fix is None else fix.latitude_deg,
                longitude_deg=None if fix is None else fix.longitude_deg,
                is_over=is_over,
            )
        )

    def _start(self, answers: Answers) -> None:
        interval_ms = int(answers.get("interval") or INTERVALS_MIN[1]) * MINUTE_MS
        self._tell(WatchEvent.STARTED, self._now_ms() + interval_ms, answers.get("place").strip())

    def _confirm(self, answers: Answers) -> None:
        del answers
        answer_watch(self._tablet, self._now_ms())

    def _end(self, answers: Answers) -> None:
        del answers
        self._tell(WatchEvent.ENDED, None, self._tablet.site.watch().place)

    def _tell(self, event: WatchEvent, due_ms: int | None, place: str) -> None:
        self._tablet.site.tell_watch(
            LoneWorkerEvent(
                event=event, person=name_at_work(self._tablet), due_ms=due_ms, place=place
            )
        )

    def _now_ms(self) -> int:
        return ms_from_utc(self._context.clock.now_utc())
