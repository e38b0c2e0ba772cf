"""What the pages of the service desk show of requests: rows, lights, path, clocks, record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_server.access.roles import Role, may
from sync_server.service_desk.catalogue import RULES
from sync_server.service_desk.clocks import ClockState, Light, Matter
from sync_server.service_desk.request import RequestNote, RequestRecord, RequestStep
from sync_server.service_desk.request_guards import DANGER_NEVER, KIND_OF_TEXT
from sync_server.service_desk.request_store import action_of
from sync_server.web.alert_views import EventRow
from sync_server.web.desk_labels import (
    CHANNELS,
    CLOCK_NAMES,
    NOTE_KINDS,
    REQUEST_CLASSES,
    REQUEST_EVENTS,
    REQUEST_KINDS,
    REQUEST_STATES,
    result_text,
)
from sync_server.web.labels import MEDIA, label
from sync_server.web.places import Place, PlaceNames, place_for
from sync_server.web.words import Words, age, mark
from wire_contracts.request_states import REQUEST, RequestEvent, RequestState

_S = RequestState
_E = RequestEvent

_TONES: Mapping[RequestState, tuple[str, str]] = {
    _S.RECORDED: ("strong", "clock"),
    _S.CLASSIFIED: ("strong", "clock"),
    _S.DISPATCHED: ("warn", "right"),
    _S.ACCEPTED: ("info", "check"),
    _S.ASSIGNED: ("info", "truck"),
    _S.IN_PROGRESS: ("info", "wrench"),
    _S.FOLLOW_UP: ("warn", "ret"),
    _S.PENDING_ANSWER: ("warn", "pause"),
    _S.WAITING_CUSTOMER: ("", "pause"),
    _S.SUSPENDED: ("", "pause"),
    _S.DONE: ("ok", "check"),
    _S.REPLIED: ("ok", "check"),
    _S.CONFIRMED: ("ok", "check"),
    _S.SOLVED_AT_FIRST_CONTACT: ("ok", "check"),
    _S.CLOSED: ("out", "check"),
    _S.ARCHIVED: ("out", "check"),
    _S.DECLINED: ("out", "x"),
    _S.DUPLICATE: ("out", "merge"),
    _S.SUSPECTED_MALICIOUS: ("warn", "warn"),
}
"""State -> class and icon of its chip."""

_LIGHTS: Mapping[Light, tuple[str, str]] = {
    Light.OK: ("ok", "clock"),
    Light.SOON: ("warn", "clock"),
    Light.LATE: ("danger", "warn"),
    Light.STOPPED: ("", "check"),
}

LINE: Sequence[RequestState] = (
    _S.RECORDED,
    _S.CLASSIFIED,
    _S.DISPATCHED,
    _S.ACCEPTED,
    _S.IN_PROGRESS,
    _S.DONE,
    _S.REPLIED,
    _S.CONFIRMED,
    _S.CLOSED,
)
"""The straight way of a request (domain model 2.2)."""

_ON_LINE: Mapping[RequestState, RequestState] = {
    _S.ASSIGNED: _S.ACCEPTED,
    _S.FOLLOW_UP: _S.IN_PROGRESS,
    _S.WAITING_CUSTOMER: _S.IN_PROGRESS,
    _S.SUSPENDED: _S.IN_PROGRESS,
    _S.PENDING_ANSWER: _S.CLASSIFIED,
    _S.SUSPECTED_MALICIOUS: _S.RECORDED,
    _S.ARCHIVED: _S.CLOSED,
}
"""States beside the straight way -> where on it they stand."""

_PLAIN = frozenset(
    {_E.DISPATCH, _E.ACCEPT, _E.START, _E.RESUME, _E.CLOSE, _E.ARCHIVE, _E.CLEAR_SUSPICION}
)
"""Steps that one press takes; the others ask for words first."""

_NEVER_BUTTONS = frozenset({_E.CLASSIFY, _E.ASSIGN, _E.MARK_DUPLICATE, _E.CONFIRM})
"""Steps with a form of their own."""

_CREWS_OWN = frozenset({_E.ACCEPT, _E.BOUNCE, _E.START})
"""Steps that a crew takes on its tablet once the request is an order."""

_KEYS: Mapping[RequestEvent, str] = {
    _E.DISPATCH: "e",
    _E.ACCEPT: "a",
    _E.BOUNCE: "b",
    _E.START: "g",
    _E.FINISH: "f",
    _E.SUBMIT_UNFINISHED: "u",
    _E.REPLY: "r",
    _E.REOPEN: "o",
    _E.CLOSE: "c",
    _E.RESUME: "g",
    _E.SOLVE: "v",
    _E.AWAIT_ANSWER: "h",
    _E.AWAIT_CUSTOMER: "w",
    _E.SUSPEND: "z",
    _E.DECLINE: "x",
}
_FIRST = (_E.DISPATCH, _E.ACCEPT, _E.START, _E.RESUME, _E.FINISH, _E.REPLY, _E.CLOSE)
"""The step that leads on; one button of a panel stands out."""

_NOWHERE = PlaceNames(en="", zh="")


@dataclass(frozen=True, slots=True, kw_only=True)
class LightView:
    """The next clock of a request: its colour says what its words say."""

    chip_class: str
    icon: str
    words: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A request in the reader's words, without its person."""

    request_id: str
    number: str
    href: str
    kind: str
    title: str
    medium: str
    medium_message: str
    priority: int
    is_safety: bool
    is_repeat: bool
    place: Place
    state: str
    chip_class: str
    chip_icon: str
    owner: str
    team: str
    channel: str
    received: str
    age: str
    light: LightView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """One clock of a request: the bar's width is of five-hundredths, see `clk` in the styles."""

    code: str
    name: str
    tone: str
    used: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepButton:
    """One step that the state and the reader's role allow."""

    event: str
    words: str
    key: str
    style: str
    needs_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStep:
    """One state of the straight way: `phase` is done, now, stopped or later."""

    words: str
    at: str
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What lists need to name things.

    Attributes:
        confidential: Homes whose customer keeps the address from slips (privacy rule 7).
    """

    accounts: Mapping[str, str]
    crews: Mapping[str, str]
    communities: Mapping[str, PlaceNames]
    confidential: frozenset[str] = frozenset()


def light_of(record: RequestRecord, words: Words, now_utc: datetime) -> LightView | None:
    """Return the next clock of a request, None when none runs."""
    if record.due_at_utc is None or record.due_clock is None:
        return None
    left = record.due_at_utc - now_utc
    clock = ClockState(
        code=record.due_clock,
        started_at_utc=record.due_from_utc or record.received_at_utc,
        due_at_utc=record.due_at_utc,
        stopped_at_utc=None,
        paused=timedelta(0),
    )
    chip_class, icon = _LIGHTS[clock.light(now_utc)]
    return LightView(
        chip_class=chip_class,
        icon=icon,
        words=left_words(left, words),
        title=f"{record.due_clock} {label(words, CLOCK_NAMES, record.due_clock)}",
    )


def left_words(left: timedelta, words: Words) -> str:
    """Return how long is left, or by how much it is too late."""
    if left < timedelta(0):
        return words.gettext(mark("{age} late")).format(age=age(-left))
    return words.gettext(mark("{age} left")).format(age=age(left))


def title_of(record: RequestRecord, words: Words) -> str:
    """Return what it is about."""
    return label(words, REQUEST_CLASSES, record.request_class)


def request_row(record: RequestRecord, words: Words, now_utc: datetime, names: Names) -> RequestRow:
    """Return the request's row for one reader."""
    where = names.communities.get(record.community_id or "", _NOWHERE)
    chip_class, chip_icon = _TONES[record.state]
    medium = record.medium or RULES[record.request_class].medium
    return RequestRow(
        request_id=record.request_id,
        number=record.number,
        href=f"/requests/{record.request_id}",
        kind=label(words, REQUEST_KINDS, record.kind),
        title=title_of(record, words),
        medium="" if medium is None else str(medium),
        medium_message="" if medium is None else MEDIA[medium],
        priority=record.priority,
        is_safety=record.is_safety,
        is_repeat=record.repeat_of is not None,
        place=place_for(words, where.en, where.zh, _address(record, words, names)),
        state=label(words, REQUEST_STATES, record.state),
        chip_class=chip_class,
        chip_icon=chip_icon,
        owner=names.accounts.get(record.owner, record.owner),
        team=names.crews.get(record.team or "", record.team or ""),
        channel=label(words, CHANNELS, record.channel),
        received=words.near_clock(record.received_at_utc, now_utc),
        age=age(now_utc - record.received_at_utc),
        light=light_of(record, words, now_utc),
    )


def _address(record: RequestRecord, words: Words, names: Names) -> str:
    """Return the address, or that it is kept from slips; the crew's order has it (rule D-02)."""
    if record.premises_id in names.confidential:
        return words.gettext(mark("address confidential"))
    return record.address


def clock_rows(clocks: Sequence[ClockState], words: Words, now_utc: datetime) -> list[ClockRow]:
    """Return the clocks of a request, as bars with words."""
    return [_clock_row(each, words, now_utc) for each in clocks]


def _clock_row(clock: ClockState, words: Words, now_utc: datetime) -> ClockRow:
    light = clock.light(now_utc)
    if clock.stopped_at_utc is not None:
        if light is Light.LATE:
            text = left_words(clock.due_at_utc - clock.stopped_at_utc, words)
        else:
            text = words.gettext(mark("kept, {time}")).format(
                time=words.near_clock(clock.stopped_at_utc, now_utc)
            )
    else:
        text = left_words(clock.due_at_utc - now_utc, words)
    tone = {Light.LATE: "danger", Light.SOON: "warn"}.get(light, "ok")
    return ClockRow(
        code=clock.code,
        name=label(words, CLOCK_NAMES, clock.code),
        tone=tone,
        used=min(100, max(2, round(100 * clock.used(now_utc)))),
        words=text,
    )


def line_of(matter: Matter, words: Words, now_utc: datetime) -> list[LineStep]:
    """Return the straight way with the time each state was reached, and where it ended aside."""
    record = matter.record
    reached: dict[RequestState, datetime] = {_S.RECORDED: record.recorded_at_utc}
    for step in matter.steps:
        reached[_ON_LINE.get(step.to_state, step.to_state)] = step.happened_at_utc
    here = _ON_LINE.get(record.state, record.state)
    states = list(LINE)
    if here not in states:
        states = [each for each in LINE if each in reached] + [here]
    now_index = states.index(here)
    return [
        LineStep(
            words=label(words, REQUEST_STATES, state),
            at=words.near_clock(reached[state], now_utc)
            if state in reached and index <= now_index
            else "",
            phase=_phase(index, now_index, state),
        )
        for index, state in enumerate(states)
    ]


def _phase(index: int, now_index: int, state: RequestState) -> str:
    if index == now_index and state not in LINE:
        return "stopped"
    if index < now_index or (index == now_index and state is _S.CLOSED):
        return "done"
    return "now" if index == now_index else "later"


def step_buttons(record: RequestRecord, role: Role, words: Words) -> list[StepButton]:
    """Return the steps that the reader may take now, the one that leads on first.

    A bounced slip is sent again by whom it came back to; a danger never goes as a slip
    and is neither solved nor held by telephone.
    """
    possible = [
        event
        for event in REQUEST.possible_events(record.state)
        if event not in _NEVER_BUTTONS
        and may(role, action_of(record, event))
        and not (record.order_id is not None and event in _CREWS_OWN)
        and not (record.is_safety and event in {_E.DISPATCH, *DANGER_NEVER})
    ]
    possible.sort(key=lambda event: _FIRST.index(event) if event in _FIRST else len(_FIRST))
    return [
        StepButton(
            event=str(event),
            words=label(words, REQUEST_EVENTS, event),
            key=_KEYS.get(event, ""),
            style="p" if index == 0 and event in _FIRST else "",
            needs_text=event not in _PLAIN,
        )
        for index, event in enumerate(possible)
    ]


def record_rows(matter: Matter, words: Words, now_utc: datetime, names: Names) -> list[EventRow]:
    """Return path and notes of a request, the newest first; late entries say when they came."""
    rows = [(step.happened_at_utc, _step_row(step, words, now_utc, names)) for step in matter.steps]
    rows += [
        (
            note.at_utc,
            EventRow(
                at=words.near_clock(note.at_utc, now_utc),
                title=label(words, NOTE_KINDS, note.kind),
                text=_note_text(note, words, names),
                tone="",
                icon="report",
            ),
        )
        for note in matter.notes
    ]
    rows.sort(key=lambda pair: pair[0])
    return [row for _, row in reversed(rows)]


def _note_text(note: RequestNote, words: Words, names: Names) -> str:
    said = words.gettext(mark("{name}: {value}"))
    return said.format(name=_who(note.actor, names), value=result_text(note.text, words))


def _who(actor: str, names: Names) -> str:
    return names.accounts.get(actor, names.crews.get(actor, actor))


def _step_row(step: RequestStep, words: Words, now_utc: datetime, names: Names) -> EventRow:
    tone, icon = _TONES[step.to_state]
    who = _who(step.actor, names)
    is_late = step.recorded_at_utc - step.happened_at_utc > timedelta(minutes=1)
    recorded = words.gettext(mark("recorded {time}")).format(
        time=words.near_clock(step.recorded_at_utc, now_utc)
    )
    return EventRow(
        at=words.near_clock(step.happened_at_utc, now_utc),
        title=label(words, REQUEST_STATES, step.to_state),
        text=f"{who} · {recorded}" if is_late else who,
        tone="" if tone in {"out", "strong"} else tone,
        icon=icon,
    )


def text_label(event: RequestEvent, words: Words) -> str:
    """Return what the words of a step are called."""
    kind = KIND_OF_TEXT.get(event)
    return label(words, NOTE_KINDS, kind) if kind else words.gettext(mark("Reason"))
