"""Decides which icon and which colour token stand for a state, a medium, a mark or a label.

The icon repeats what the word beside it says: nothing is told by colour alone.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Sign(NamedTuple):
    """An icon of `icons.json` and a tone: `tone` and `tone_soft` are tokens of the theme."""

    icon: str
    tone: str


STATES: Mapping[str, Sign] = {
    "planned": Sign("clock-outline", "info"),
    "released": Sign("clock-outline", "info"),
    "accepted": Sign("check-circle-outline", "info"),
    "en_route": Sign("truck", "warn"),
    "on_site": Sign("account-hard-hat", "warn"),
    "working": Sign("progress-wrench", "warn"),
    "finished": Sign("check-circle", "ok"),
    "cannot_finish": Sign("pause", "danger"),
    "no_access": Sign("door-closed-lock", "danger"),
    "verified": Sign("shield-check", "ok"),
    "closed": Sign("check-circle", "idle"),
    "cancelled": Sign("cancel", "idle"),
}
"""States of a work order."""

MEDIA: Mapping[str, Sign] = {
    "heat": Sign("radiator", "heat"),
    "gas": Sign("meter-gas", "gas"),
    "water": Sign("water", "water"),
}

MARKS: Mapping[str, Sign] = {
    "untouched": Sign("", "none"),
    "draft": Sign("pencil", "info"),
    "queued": Sign("cloud-upload-outline", "warn"),
    "sending": Sign("cloud-sync", "info"),
    "received": Sign("cloud-check-outline", "ok"),
    "shown_to_office": Sign("cloud-check", "ok"),
    "photo_pending": Sign("cloud-upload", "warn"),
    "look_here": Sign("cloud-alert", "danger"),
}
"""How far a record has come on its way to the server (sync spec 1.5)."""

EVENTS: Mapping[str, str] = {
    "accept": "check-bold",
    "depart": "truck",
    "arrive": "map-marker-check",
    "begin": "tools",
    "finish": "clipboard-check",
    "work": "arrow-right",
    "cannot_finish": "pause",
    "no_access": "door-closed-lock",
}
"""Icons of the buttons that move a work order."""

RESULTS: Mapping[str, Sign] = {
    "leak": Sign("pipe-leak", "danger"),
    "inaccurate": Sign("gauge", "warn"),
    "normal": Sign("check-circle", "ok"),
    "other": Sign("help-circle", "info"),
}
"""What a crew can find."""

ANSWERS: Mapping[str, Sign] = {
    "pass": Sign("check-circle", "ok"),
    "fail": Sign("close-circle", "danger"),
    "na": Sign("minus-circle", "idle"),
    "yes": Sign("check-bold", "primary"),
    "no": Sign("close", "primary"),
}
"""Answers that forms of the office name alike."""

TONES: Mapping[str, Sign] = {
    "plain": Sign("information-outline", "idle"),
    "info": Sign("information-outline", "info"),
    "ok": Sign("check-circle", "ok"),
    "warn": Sign("alert", "warn"),
    "danger": Sign("alert-circle", "danger"),
}

_UNKNOWN = Sign("information-outline", "idle")


def sign_of(table: Mapping[str, Sign], key: str) -> Sign:
    """Return the sign of `key`; a plain one when a newer server names what this app knows not."""
    return table.get(key, _UNKNOWN)


_LABELS: Mapping[str, str] = {
    "order": "clipboard-list",
    "address": "map-marker",
    "meter": "gauge",
    "tag": "tag",
    "time": "clock-outline",
    "result": "clipboard-check",
    "cause": "wrench",
    "words": "message-text",
    "person": "account",
    "phone": "phone",
    "note": "message-text",
    "photo": "cloud-upload",
    "contact": "cloud-outline",
    "reason": "information-outline",
    "next": "refresh",
    "camera": "camera",
    "code": "qrcode-scan",
    "sound": "volume-high",
    "vibration": "tablet",
    "position": "map-marker-check",
    "vault": "lock",
    "server": "server-network",
    "tablet": "tablet",
    "version": "information-outline",
}
"""Icons by the name that a labelled text gives itself."""


def label_icon(name: str) -> str:
    """Return the icon of what a labelled text is about."""
    return _LABELS.get(name, "circle-medium")


_FILTERS: Mapping[str, str] = {
    "open": "clipboard-list",
    "urgent": "fire-alert",
    "overdue": "timer-sand",
    "look_here": "cloud-alert",
    "lost": "help-circle",
    "heat": "radiator",
    "gas": "meter-gas",
    "water": "water",
    "done": "check-circle-outline",
    "all": "layers",
}
"""Icons by the key of a filter."""


def filter_icon(key: str) -> str:
    """Return the icon of a filter above the list; empty when it has none."""
    return _FILTERS.get(key, "")


def sync_icon(
    *, is_online: bool, is_syncing: bool, look_here_count: int, waiting_count: int
) -> str:
    """Return the icon of the overall sync state: trouble first, the tick when all is through."""
    if look_here_count:
        return "cloud-alert"
    if is_syncing:
        return "cloud-sync"
    if not is_online:
        return "cloud-off-outline"
    return "cloud-upload-outline" if waiting_count else "cloud-check"
