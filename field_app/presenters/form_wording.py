"""Decides how one item of a form is shown: its card, its range, its last value, its mistake."""

from collections.abc import Collection, Mapping
from typing import Final

from field_app.presenters.form_views import CardKind, CardView
from field_app.presenters.ports import Words
from field_app.presenters.views import ChoiceView
from wire_contracts.forms.answer_sets import NoPicture, is_no_picture, no_picture_text
from wire_contracts.forms.items import FormItem, Wrong
from wire_contracts.forms.model import NUMBERS, NodeKind
from wire_contracts.forms.values import number_text

FEW_CHOICES: Final = 3
"""So many choices stand side by side as big buttons."""

SOME_CHOICES: Final = 8
"""So many are big tiles; more are chips."""

LONGEST_ON_BUTTON: Final = 16
"""Characters of a choice that fits a third of the width."""

TICKED: Final = "OK"
"""What XForms keep of an acknowledgement."""

_KINDS: Final[Mapping[NodeKind, CardKind]] = {
    NodeKind.GROUP: CardKind.HEAD,
    NodeKind.REPEAT: CardKind.HEAD,
    NodeKind.NOTE: CardKind.NOTE,
    NodeKind.INTEGER: CardKind.NUMBER,
    NodeKind.DECIMAL: CardKind.NUMBER,
    NodeKind.TEXT: CardKind.TEXT,
    NodeKind.DATE: CardKind.LINE,
    NodeKind.TIME: CardKind.LINE,
    NodeKind.DATE_TIME: CardKind.LINE,
    NodeKind.POSITION: CardKind.LINE,
    NodeKind.BARCODE: CardKind.LINE,
    NodeKind.PHOTO: CardKind.PHOTO,
    NodeKind.SIGNATURE: CardKind.SIGNATURE,
    NodeKind.ACKNOWLEDGE: CardKind.TICK,
}


_ASKED_OF: Final[Mapping[NodeKind, frozenset[NoPicture]]] = {
    NodeKind.PHOTO: frozenset({NoPicture.NO_CAMERA, NoPicture.REFUSED, NoPicture.NOT_SAFE}),
    NodeKind.SIGNATURE: frozenset({NoPicture.REFUSED, NoPicture.NOBODY_THERE}),
}
"""Why a person may say that there is no picture; what the tablet lacks it says by itself."""


def card_kind(item: FormItem) -> CardKind:
    """Return what a card looks like; a few short choices stand side by side."""
    kind = _KINDS.get(item.node.kind)
    if kind is not None:
        return kind
    count = len(item.choices)
    longest = max((len(choice.label) for choice in item.choices), default=0)
    is_one = item.node.kind is NodeKind.SELECT_ONE
    if is_one and count <= FEW_CHOICES and longest <= LONGEST_ON_BUTTON:
        return CardKind.BUTTONS
    return CardKind.CHOICES if count <= SOME_CHOICES else CardKind.CLOUD


def card_of(
    item: FormItem,
    t: Words,
    last: Mapping[str, str],
    lacks: Collection[NoPicture] = (),
    *,
    shows_missing: bool,
) -> CardView:
    """Return the card of an item; what is missing is said only when `shows_missing`.

    `lacks` is why this tablet keeps no pictures now.
    """
    node = item.node
    is_said = item.wrong is not None and (shows_missing or item.wrong is not Wrong.MISSING)
    is_done = bool(item.text) and not (node.kind in _ASKED_OF and is_no_picture(item.text))
    action_text, action_icon = _action(node.kind, t, is_done=is_done)
    is_free = node.kind is NodeKind.REPEAT and node.rules.count is None
    label = f"{item.label} {item.number}" if item.number else item.label
    return CardView(
        place=item.place,
        kind=card_kind(item),
        label=label.strip() or node.name,
        hint=item.hint,
        text=item.text,
        unit=unit_text(t, node.unit),
        range_text=range_text(item, t),
        last_text=_last(item, t, last.get(item.place, "")),
        choices=_choices(item, t, lacks),
        error_text=wrong_text(item, t) if is_said else "",
        is_wrong=item.wrong is not None,
        is_required=item.is_required,
        is_read_only=node.is_read_only,
        action_text="" if node.is_read_only else action_text,
        action_icon=action_icon,
        is_done=is_done,
        remove_place=item.place if is_free else "",
    )


def _choices(item: FormItem, t: Words, lacks: Collection[NoPicture]) -> tuple[ChoiceView, ...]:
    if item.node.kind not in _ASKED_OF:
        return tuple(
            ChoiceView(key=each.name, text=each.label, is_selected=each.is_chosen)
            for each in item.choices
        )
    has_picture = bool(item.text) and not is_no_picture(item.text)
    if has_picture or not item.is_required:
        return ()
    words = _no_picture_words(t)
    keys = {reason: no_picture_text(reason) for reason in NoPicture}
    return tuple(
        ChoiceView(key=key, text=words[reason], is_selected=item.text == key)
        for reason, key in keys.items()
        if reason in lacks or reason in _ASKED_OF[item.node.kind] or item.text == key
    )


def _no_picture_words(t: Words) -> Mapping[NoPicture, str]:
    return {
        NoPicture.NO_CAMERA: t("No camera that works"),
        NoPicture.NOT_KEPT: t("This tablet keeps none"),
        NoPicture.NO_ROOM: t("No room on this tablet"),
        NoPicture.REFUSED: t("Refused"),
        NoPicture.NOBODY_THERE: t("Nobody there"),
        NoPicture.NOT_SAFE: t("Not safe here"),
    }


def unit_text(t: Words, unit: str) -> str:
    """Return a unit in the reader's language: minutes are a word, everything else is a symbol."""
    return t("min") if unit == "min" else unit


def range_text(item: FormItem, t: Words) -> str:
    """Return what a number may be, such as `0 - 100 % LEL`; empty: anything."""
    node = item.node
    if node.kind not in NUMBERS:
        return ""
    unit = f" {unit_text(t, node.unit)}" if node.unit else ""
    if node.low is not None and node.high is not None:
        return f"{number_text(node.low)} – {number_text(node.high)}{unit}"
    if node.low is not None:
        return t("at least {value}").format(value=f"{number_text(node.low)}{unit}")
    if node.high is not None:
        return t("at most {value}").format(value=f"{number_text(node.high)}{unit}")
    return ""


def wrong_text(item: FormItem, t: Words) -> str:
    """Return what is wrong with an item: the office's words, else ours; empty when nothing is."""
    if item.wrong is None:
        return ""
    return item.wrong_text or _wrong_words(t)[item.wrong]


def _wrong_words(t: Words) -> Mapping[Wrong, str]:
    return {
        Wrong.MISSING: t("Must be answered"),
        Wrong.NOT_A_NUMBER: t("Is not a number"),
        Wrong.NOT_WHOLE: t("Must be a whole number"),
        Wrong.NOT_A_DATE: t("Is not a date or time"),
        Wrong.NOT_OFFERED: t("Is not offered any more"),
        Wrong.OUT_OF_RANGE: t("Is outside of the range"),
        Wrong.NOT_ALLOWED: t("Is not allowed"),
        Wrong.TOO_LONG: t("Is too long"),
    }


def _last(item: FormItem, t: Words, text: str) -> str:
    if not text or not item.is_question:
        return ""
    if item.choices:
        names = set(text.split())
        text = ", ".join(each.label for each in item.choices if each.name in names)
    if item.node.kind in {NodeKind.PHOTO, NodeKind.SIGNATURE, NodeKind.ACKNOWLEDGE} or not text:
        return ""
    unit = f" {unit_text(t, item.node.unit)}" if item.node.unit else ""
    return t("Last time: {value}").format(value=f"{text}{unit}")


def _action(kind: NodeKind, t: Words, *, is_done: bool) -> tuple[str, str]:
    actions: Mapping[NodeKind, tuple[str, str]] = {
        NodeKind.PHOTO: (t("Take another photo") if is_done else t("Take a photo"), "camera"),
        NodeKind.SIGNATURE: (t("Sign again") if is_done else t("Sign"), "signature-freehand"),
        NodeKind.DATE: (t("Today"), "calendar"),
        NodeKind.TIME: (t("Now"), "clock-outline"),
        NodeKind.DATE_TIME: (t("Now"), "calendar-clock"),
        NodeKind.POSITION: (t("Take the position"), "crosshairs-gps"),
        NodeKind.BARCODE: (t("Scan"), "barcode-scan"),
        NodeKind.ACKNOWLEDGE: (t("Done"), "check-bold"),
    }
    return actions.get(kind, ("", ""))
