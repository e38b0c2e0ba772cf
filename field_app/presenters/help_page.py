"""The sheet of help: the watch over who works alone, and the call that reaches the control room."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from typing_extensions import override

from field_app.orders.lone_watch import INTERVALS_MIN, HelpCalled, Watch, WatchState
from field_app.orders.site_book import Draft
from field_app.platform.fix_age import fix_age_ms, last_fix
from field_app.platform.ports import Fix, Locator
from field_app.presenters.help_place import (
    MINUTE_MS,
    position_block,
    told_place,
    typed_place,
    without_age,
)
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.sheet import Answers, SheetPresenter, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    NoteBlock,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
    TextBlock,
    TimerBlock,
)
from field_app.presenters.site_words import HELP_ICONS, help_text
from field_app.presenters.views import Tone
from field_app.presenters.watch import (
    answer_watch,
    clock_text,
    is_for_another,
    late_text,
    name_at_work,
    unheard_text,
)
from field_app.tablet import Tablet
from wire_contracts.frames import ms_from_utc
from wire_contracts.site_facts import (
    HelpCall,
    HelpReason,
    LoneWorkerEvent,
    WatchEvent,
)

HELP_ORDER = "help"
"""The record under which what is chosen here is a draft."""

_FRESH_MS = 10 * MINUTE_MS
"""A reason that was chosen longer ago belongs to another danger (judgement)."""

_TONES = {
    WatchState.OFF: Tone.PLAIN,
    WatchState.CALM: Tone.INFO,
    WatchState.ASKING: Tone.WARN,
    WatchState.OVERDUE: Tone.DANGER,
    WatchState.ESCALATED: Tone.DANGER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpData:
    """How the watch stands, how far a call for help has come, where the tablet was last."""

    watch: Watch
    called: HelpCalled
    call: HelpCall | None
    now_ms: int
    draft: Draft
    fix: Fix | None = None
    fix_age_ms: int = 0
    is_for_another: bool = False
    is_locked: bool = False


class HelpPage:
    """Help: one tap more than an accident allows, one less than a pocket would make."""

    def __init__(self, tablet: Tablet, context: PresenterContext, locator: Locator) -> None:
        """Call for the person at work on `tablet`."""
        self._tablet = tablet
        self._context = context
        self._locator = locator

    def read(self) -> HelpData:
        """Return how the watch stands."""
        site, calls = self._tablet.site, self._tablet.calls
        watch, now_utc = calls.watch(), self._context.clock.now_utc()
        fix = last_fix(self._locator, now_utc)
        return HelpData(
            watch=watch,
            is_for_another=is_for_another(self._tablet, watch),
            is_locked=self._tablet.log_in.is_locked(),
            called=calls.help_called(),
            call=calls.open_call(),
            now_ms=self._now_ms(),
            draft=site.draft(HELP_ORDER),
            fix=fix,
            fix_age_ms=0 if fix is None else fix_age_ms(fix, now_utc),
        )

    def typed_before(self, data: HelpData) -> Mapping[str, str]:
        """Return what was chosen a moment ago: the app may have been killed since."""
        at_ms = data.draft.saved_at_ms or 0
        return data.draft.typed if abs(data.now_ms - at_ms) < _FRESH_MS else {}

    def saved_at_ms(self, data: HelpData) -> int | None:
        """Return None: a reason is no answer until it is sent."""
        del data
        return None

    def keep(self, answers: Mapping[str, str]) -> int | None:
        """Keep what was chosen until it is sent."""
        return self._tablet.site.keep(HELP_ORDER, "", answers)

    def view(self, data: HelpData, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self._context.words
        blocks: list[Block] = []
        if data.call is not None:
            blocks += self._calling(data, data.call)
        blocks.append(self._reasons(answers))
        if _asks_where(data, answers):
            blocks += [
                position_block(self._context.words, data.fix, data.fix_age_ms),
                self._where(data, answers),
            ]
        blocks += self._watch(data, answers)
        return SheetView(
            title=t("Help"),
            subtitle=t("Kept without a network, sent as soon as there is one"),
            blocks=tuple(blocks),
            primary=self._primary(data, answers),
            secondary=self._secondary(data),
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Call, end a call, start, answer or end the watch."""
        acts = {
            "call": self._call,
            "again": self._call_again,
            "over": self._over,
            "start": self._start,
            "confirm": self._confirm,
            "end": self._end,
        }
        acts[key](answers)
        self.keep(dict.fromkeys(answers.typed, ""))
        return Tapped()

    def _calling(self, data: HelpData, call: HelpCall) -> list[Block]:
        """Return what became of the call and what it said; until the server has it nobody knows."""
        t = self._context.words
        text = unheard_text(t, data.called) or t("The control room has your call for help.")
        said = "  ·  ".join(part for part in (help_text(t, call.reason), call.place) if part)
        blocks: list[Block] = [
            NoticeBlock(key="calling", text=text, tone=Tone.DANGER, icon="alarm-light"),
            TextBlock(key="said", text=said, tone=Tone.DANGER),
        ]
        if data.is_locked:
            text = t("That help is here is said after the PIN.")
            blocks.append(NoticeBlock(key="over", text=text, tone=Tone.INFO, icon="lock"))
        return blocks

    def _where(self, data: HelpData, answers: Answers) -> NoteBlock:
        t = self._context.words
        return NoteBlock(
            key="place",
            label=t("Where are you?"),
            text=answers.get("place"),
            hint=data.watch.place or t("Well, cellar, street"),
        )

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
        watch = data.watch
        title = TextBlock(key="alone", text=self._whose(data), is_title=True)
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
            ]
        left_ms = watch.due_ms - data.now_ms
        return [
            title,
            *self._watch_notices(data),
            TimerBlock(
                key="timer",
                label=self._label(data),
                text=_clock(t, left_ms),
                tone=_TONES[watch.state],
                share=left_ms / watch.interval_ms if watch.interval_ms else 0.0,
            ),
            *self._answers_beside(data),
        ]

    def _answers_beside(self, data: HelpData) -> list[Block]:
        """Return what the big buttons say of a watch, where a call for help has them."""
        t = self._context.words
        if data.call is None or data.is_locked:
            return []
        line = RowLine(
            key="beside",
            title=self._whose(data),
            icon="account-clock",
            actions=(
                RowAction(key="confirm", text=t("All right"), icon="check-bold"),
                RowAction(key="end", text=t("End the watch"), icon="pause", kind="ghost"),
            ),
        )
        return [RowsBlock(key="watch-answers", title="", lines=(line,))]

    def _whose(self, data: HelpData) -> str:
        """Return over whom the watch is: a tablet keeps one, and a colleague may hold it."""
        t = self._context.words
        if data.is_for_another:
            return t("{person} works alone").format(person=data.watch.person)
        return t("I work alone")

    def _watch_notices(self, data: HelpData) -> list[Block]:
        t, blocks = self._context.words, list[Block]()
        if data.is_locked:
            text = t("It is ended after the PIN; answering it takes none.")
            blocks.append(NoticeBlock(key="locked", text=text, tone=Tone.INFO, icon="lock"))
        if data.watch.is_refused:
            text = t("The server refused this watch: nobody watches. Tell somebody by telephone.")
            blocks.append(
                NoticeBlock(key="refused", text=text, tone=Tone.DANGER, icon="alarm-light")
            )
        if data.is_for_another:
            text = t("This tablet keeps one watch: end that of {person} before you start your own.")
            text = text.format(person=data.watch.person)
            blocks.append(
                NoticeBlock(key="another", text=text, tone=Tone.WARN, icon="account-clock")
            )
        return blocks

    def _label(self, data: HelpData) -> str:
        t, watch = self._context.words, data.watch
        calm, asking = t("I am asked in"), t("Are you all right? Answer within")
        if data.is_for_another:
            calm = t("{person} is asked in").format(person=watch.person)
            asking = t("Is {person} all right? Answer within").format(person=watch.person)
        texts = {WatchState.CALM: calm, WatchState.ASKING: asking}
        return texts.get(watch.state, late_text(t, watch))

    def _primary(self, data: HelpData, answers: Answers) -> SheetButton:
        t = self._context.words
        if answers.get("reason"):
            return SheetButton(
                key="call",
                text=t("Call for help"),
                icon="phone-alert",
                kind="danger",
                needs_again=True,
                is_urgent=True,
            )
        if _calls_again(data, answers):  # a third tap of a call is no word that all is well
            return SheetButton(
                key="again",
                text=t("Call again"),
                icon="phone-alert",
                kind="danger",
                needs_again=True,
                is_urgent=True,
            )
        if data.watch.state is not WatchState.OFF:
            all_right = t("{person} is all right").format(person=data.watch.person)
            text = all_right if data.is_for_another else t("I am all right")
            is_called = data.call is not None
            return SheetButton(key="confirm", text=text, icon="check-bold", needs_again=is_called)
        return SheetButton(
            key="start",
            text=t("Start the watch"),
            icon="timer",
            refusal="" if answers.get("interval") else t("Choose a reason, or how often to ask."),
        )

    def _secondary(self, data: HelpData) -> SheetButton | None:
        t = self._context.words
        if data.call is not None:
            over = SheetButton(
                key="over",
                text=t("Help is here"),
                icon="check-bold",
                kind="ghost",
                needs_again=True,
            )
            return None if data.is_locked else over
        if data.watch.state is not WatchState.OFF and not data.is_locked:
            return SheetButton(
                key="end", text=t("End the watch"), icon="pause", kind="ghost", needs_again=True
            )
        return None

    def _call(self, answers: Answers) -> None:
        if answers.get("reason") not in set(HelpReason):
            self._call_again(answers)
            return
        self._tell_help(HelpReason(answers.get("reason")), self._place(answers))

    def _call_again(self, answers: Answers) -> None:
        call = self._tablet.calls.open_call()
        if call is not None:
            self._tell_help(call.reason, self._place(answers))

    def _over(self, answers: Answers) -> None:
        if self._tablet.log_in.is_locked():
            return  # whoever finds the tablet ends nobody's call
        self._tell_help(HelpReason.CREW, self._place(answers), is_over=True)

    def _place(self, answers: Answers) -> str:
        """Return where help is needed: as typed, else as told before, else as the watch has it."""
        call = self._tablet.calls.open_call()
        told = "" if call is None else without_age(self._context.words, call.place)
        return typed_place(answers) or told or self._tablet.calls.watch().place

    def _tell_help(self, reason: HelpReason, place: str, *, is_over: bool = False) -> None:
        now_utc = self._context.clock.now_utc()
        fix = last_fix(self._locator, now_utc)
        age_ms = 0 if fix is None else fix_age_ms(fix, now_utc)
        self._tablet.calls.call_help(
            HelpCall(
                reason=reason,
                place=told_place(self._context.words, place, age_ms),
                latitude_deg=None if fix is None else fix.latitude_deg,
                longitude_deg=None if fix is None else fix.longitude_deg,
                is_over=is_over,
            )
        )

    def _start(self, answers: Answers) -> None:
        interval_ms = int(answers.get("interval") or INTERVALS_MIN[1]) * MINUTE_MS
        self._tell(WatchEvent.STARTED, self._now_ms() + interval_ms, typed_place(answers))

    def _confirm(self, answers: Answers) -> None:
        del answers
        answer_watch(self._tablet, self._now_ms())

    def _end(self, answers: Answers) -> None:
        del answers
        if self._tablet.log_in.is_locked():
            return  # whoever finds the tablet ends nobody's watch
        self._tell(WatchEvent.ENDED, None, self._tablet.calls.watch().place)

    def _tell(self, event: WatchEvent, due_ms: int | None, place: str) -> None:
        self._tablet.calls.tell_watch(
            LoneWorkerEvent(
                event=event,
                person=self._tablet.calls.watch().person or name_at_work(self._tablet),
                due_ms=due_ms,
                place=place,
            )
        )

    def _now_ms(self) -> int:
        return ms_from_utc(self._context.clock.now_utc())


class HelpPresenter(SheetPresenter[HelpData]):
    """The sheet of help; the receiver looks for its position while the sheet is open."""

    def __init__(self, tablet: Tablet, context: PresenterContext, locator: Locator) -> None:
        """Show the help page of `tablet`."""
        super().__init__(HelpPage(tablet, context, locator), context)
        self._locator = locator

    @override
    def attach(
        self, show: Callable[[SheetView], None], opened: Callable[[str], None] | None = None
    ) -> None:
        """Show every view with `show`, and look for the position."""
        self._locator.start()
        super().attach(show, opened)

    @override
    def detach(self) -> None:
        """Keep what was typed; the receiver may sleep."""
        super().detach()
        self._locator.stop()


def _clock(t: Words, left_ms: int) -> str:
    """Return the minutes that are left, or by how much they are over."""
    clock = clock_text(abs(left_ms))
    return clock if left_ms >= 0 else t("{time} over").format(time=clock)


def _calls_again(data: HelpData, answers: Answers) -> bool:
    """Return whether the big button repeats the call that is open."""
    if data.call is None:
        return False
    starts_watch = data.watch.state is WatchState.OFF and bool(answers.get("interval"))
    return data.watch.state in {WatchState.OFF, WatchState.CALM} and not starts_watch


def _asks_where(data: HelpData, answers: Answers) -> bool:
    """Return whether the place is asked: for a call, and where a watch begins."""
    is_calling = bool(answers.get("reason")) or data.call is not None
    return is_calling or data.watch.state is WatchState.OFF
