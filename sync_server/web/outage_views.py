"""What the pages of planned interruptions show: when, where, who was told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_server.messages.templates import MessageState
from sync_server.outages.interruption import OUTAGE, Interruption, OutageState
from sync_server.outages.interruption_store import ConcernedPlace
from sync_server.web.labels import MEDIA, label
from sync_server.web.office_labels import MESSAGE_STATES, OUTAGE_EVENTS, OUTAGE_STATES
from sync_server.web.request_views import Names
from sync_server.web.words import Words

_TONES: Mapping[OutageState, tuple[str, str]] = {
    OutageState.PLANNED: ("strong", "clock"),
    OutageState.ANNOUNCED: ("info", "sound"),
    OutageState.RUNNING: ("warn", "off"),
    OutageState.ENDED: ("out", "check"),
    OutageState.CANCELLED: ("out", "x"),
}
_MESSAGE_TONES: Mapping[MessageState, str] = {
    MessageState.WAITING: "info",
    MessageState.SENT: "ok",
    MessageState.FAILED: "danger",
    MessageState.NO_NUMBER: "warn",
    MessageState.NO_CONSENT: "out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRow:
    """An interruption in the reader's words."""

    interruption_id: int
    href: str
    medium: str
    medium_message: str
    reason: str
    from_at: str
    to_at: str
    state: str
    chip_class: str
    icon: str
    is_urgent: bool
    valves: Sequence[str]
    events: Sequence[tuple[str, str]]
    announced: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """A community with how many homes are concerned."""

    name: str
    lost: int
    doubtful: int
    by_hand: int


def outage_row(found: Interruption, words: Words, now_utc: datetime) -> OutageRow:
    """Return an interruption for one reader."""
    chip_class, icon = _TONES[found.state]
    announced = found.announced_at_utc
    return OutageRow(
        interruption_id=found.interruption_id,
        href=f"/interruptions/{found.interruption_id}",
        medium=str(found.medium),
        medium_message=MEDIA[found.medium],
        reason=found.reason,
        from_at=words.moment(found.from_utc),
        to_at=words.moment(found.to_utc),
        state=label(words, OUTAGE_STATES, found.state),
        chip_class=chip_class,
        icon=icon,
        is_urgent=found.is_urgent,
        valves=found.valves,
        events=[
            (str(each), label(words, OUTAGE_EVENTS, each))
            for each in OUTAGE.possible_events(found.state)
        ],
        announced="" if announced is None else words.near_clock(announced, now_utc),
    )


def place_rows(places: Sequence[ConcernedPlace], words: Words, names: Names) -> list[PlaceRow]:
    """Return the communities that are concerned."""
    rows = []
    for each in places:
        known = names.communities.get(each.community_id or "")
        name = "—" if known is None else known.zh if words.language == "zh" else known.en
        rows.append(
            PlaceRow(name=name, lost=each.lost, doubtful=each.doubtful, by_hand=each.by_hand)
        )
    return rows


def message_chips(states: Mapping[MessageState, int], words: Words) -> list[tuple[str, str, int]]:
    """Return class, words and count of the messages, in the order of their states."""
    return [
        (_MESSAGE_TONES[each], label(words, MESSAGE_STATES, each), states[each])
        for each in MessageState
        if each in states
    ]
