"""What the pages of the forms show: versions with what may be done with them, and the preview."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_server.forms.answers_store import KeptAnswers
from sync_server.forms.form_store import FormVersion, VersionState
from sync_server.forms.preview import Preview
from sync_server.web.words import Words, mark, number
from wire_contracts.forms.answer_sets import NoPicture, is_no_picture, parse_no_picture
from wire_contracts.forms.items import FormItem, Wrong
from wire_contracts.forms.model import FormModel, FormNode, NodeKind, walk

STATES: Mapping[VersionState, tuple[str, str, str]] = {
    VersionState.DRAFT: ("", "eye", mark("Draft")),
    VersionState.PUBLISHED: ("ok", "check", mark("Published")),
    VersionState.WITHDRAWN: ("", "off", mark("Withdrawn")),
}
"""State -> look, icon and word of its chip."""

ABOUTS: Mapping[str, str] = {
    "work_order": mark("Work orders"),
    "household": mark("Households"),
    "checkpoint": mark("Checkpoints"),
    "": mark("Anything"),
}

_WRONG: Mapping[Wrong, str] = {
    Wrong.MISSING: mark("Must be answered"),
    Wrong.NOT_A_NUMBER: mark("Is not a number"),
    Wrong.NOT_WHOLE: mark("Must be a whole number"),
    Wrong.NOT_A_DATE: mark("Is not a date or time"),
    Wrong.NOT_OFFERED: mark("Is not offered any more"),
    Wrong.OUT_OF_RANGE: mark("Is outside of the range"),
    Wrong.NOT_ALLOWED: mark("Is not allowed"),
    Wrong.TOO_LONG: mark("Is too long"),
}

_NO_PICTURE: Mapping[NoPicture, str] = {
    NoPicture.NO_CAMERA: mark("not there: no camera that works"),
    NoPicture.NOT_KEPT: mark("not there: the tablet keeps none"),
    NoPicture.NO_ROOM: mark("not there: no room on the tablet"),
    NoPicture.REFUSED: mark("not there: refused"),
    NoPicture.NOBODY_THERE: mark("not there: nobody was there"),
    NoPicture.NOT_SAFE: mark("not there: not safe at the place"),
}

_INPUT_TYPES: Mapping[NodeKind, str] = {
    NodeKind.DATE: "date",
    NodeKind.TIME: "time",
    NodeKind.DATE_TIME: "datetime-local",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRow:
    """One version in the list."""

    form_id: str
    key: str
    version: str
    title: str
    about: str
    chip_class: str
    chip_icon: str
    state: str
    since: str
    taken: str
    answers: int
    is_newest: bool
    can_publish: bool
    can_withdraw: bool


def form_rows(
    forms: Sequence[FormVersion],
    words: Words,
    answers: Mapping[str, int],
    *,
    may_manage: bool,
) -> list[FormRow]:
    """Return the versions of every form, the newest of each first."""
    seen: set[str] = set()
    rows: list[FormRow] = []
    for form in forms:
        rows.append(
            _row(form, words, answers, may_manage=may_manage, is_newest=form.form_id not in seen)
        )
        seen.add(form.form_id)
    return rows


def _row(
    form: FormVersion,
    words: Words,
    answers: Mapping[str, int],
    *,
    may_manage: bool,
    is_newest: bool,
) -> FormRow:
    look, icon, word = STATES[form.state]
    since = form.valid_from_utc
    return FormRow(
        form_id=form.form_id,
        key=form.key,
        version=form.version,
        title=form.title.plain(words.language),
        about=words.gettext(ABOUTS.get(form.about, form.about))
        if form.about in ABOUTS
        else form.about,
        chip_class=look,
        chip_icon=icon,
        state=words.gettext(word),
        since="" if since is None else words.moment(since),
        taken=words.date(form.taken_at_utc),
        answers=answers.get(form.form_id, 0),
        is_newest=is_newest,
        can_publish=may_manage and form.state is not VersionState.PUBLISHED,
        can_withdraw=may_manage and form.state is VersionState.PUBLISHED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One item of the preview.

    Attributes:
        kind: What the template draws: `head`, `note`, `choices`, `text`, `photo` or `tick`.
        allowed: The range of a number, such as `0 – 100 % LEL`; empty without one.
        problem: What is wrong with the answer; empty: nothing.
        is_many: Several choices may be taken.
    """

    place: str
    kind: str
    label: str
    hint: str
    text: str
    input_type: str
    choices: Sequence[tuple[str, str, bool]]
    is_many: bool
    is_required: bool
    is_read_only: bool
    allowed: str
    unit: str
    problem: str
    add_place: str
    remove_place: str


def item_views(preview: Preview, words: Words) -> list[ItemView]:
    """Return the items of the preview in the author's language."""
    items = preview.items
    last = {
        item.place.rpartition("[")[0]: item.place
        for item in items
        if item.node.kind is NodeKind.REPEAT
    }
    return [_item(item, words, last) for item in items]


def _item(item: FormItem, words: Words, last: Mapping[str, str]) -> ItemView:
    node = item.node
    is_free = node.kind is NodeKind.REPEAT and node.rules.count is None
    whole = item.place.rpartition("[")[0]
    label = f"{item.label} {item.number}" if item.number else item.label
    return ItemView(
        place=item.place,
        kind=_KINDS.get(node.kind, "text"),
        label=label.strip() or node.name,
        hint=item.hint,
        text=item.text,
        input_type=_INPUT_TYPES.get(node.kind, "text"),
        choices=[(each.name, each.label, each.is_chosen) for each in item.choices],
        is_many=node.kind is NodeKind.SELECT_MANY,
        is_required=item.is_required,
        is_read_only=node.is_read_only,
        allowed=_allowed(item),
        unit=node.unit,
        problem=_problem(item, words),
        add_place=whole if is_free and last.get(whole) == item.place else "",
        remove_place=item.place if is_free else "",
    )


_KINDS: Mapping[NodeKind, str] = {
    NodeKind.GROUP: "head",
    NodeKind.REPEAT: "head",
    NodeKind.NOTE: "note",
    NodeKind.SELECT_ONE: "choices",
    NodeKind.SELECT_MANY: "choices",
    NodeKind.PHOTO: "photo",
    NodeKind.SIGNATURE: "photo",
    NodeKind.ACKNOWLEDGE: "tick",
}


def _allowed(item: FormItem) -> str:
    low, high = item.node.low, item.node.high
    unit = f" {item.node.unit}" if item.node.unit else ""
    if low is not None and high is not None:
        return f"{number(low)} – {number(high)}{unit}"
    if low is not None:
        return f"≥ {number(low)}{unit}"
    return "" if high is None else f"≤ {number(high)}{unit}"


def _problem(item: FormItem, words: Words) -> str:
    if item.wrong is None:
        return ""
    return item.wrong_text or words.gettext(_WRONG[item.wrong])


def parse_since(text: str, words: Words, now_utc: datetime) -> datetime:
    """Return the moment typed as `2026-12-01T06:00` on the site's clock; an empty one is now.

    Raises:
        ValueError: It is no moment.
    """
    if not text.strip():
        return now_utc
    return (
        datetime.fromisoformat(text.strip()).replace(tzinfo=words.zone).astimezone(now_utc.tzinfo)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredForm:
    """A filled-in form as a page shows it: its title, when, by whom, question and answer.

    `lacks` are the photos and signatures that were asked for and not had, each with its reason.
    """

    title: str
    at: str
    person: str
    pairs: Sequence[tuple[str, str]]
    lacks: Sequence[str] = ()


def answered_form(
    kept: KeptAnswers, model: FormModel | None, words: Words, now_utc: datetime
) -> AnsweredForm:
    """Return the answers in the words of the form; without it, by the places they stand at."""
    nodes = {} if model is None else {node.path: node for node in walk(model.nodes)}
    pairs: list[tuple[str, str]] = []
    lacks: list[str] = []
    for place, text in kept.answers.answers.items():
        node = nodes.get(f"/data/{_NUMBERS.sub('', place)}")
        if node is None or node.kind is not NodeKind.CALCULATE:
            pair = (_question(place, node, words), _answer(text, node, model, words))
            pairs.append(pair)
            if node is not None and node.kind in _PICTURES and is_no_picture(text):
                lacks.append(": ".join(pair))
    return AnsweredForm(
        title=kept.answers.form if model is None else model.title.plain(words.language),
        at=words.near_clock(kept.happened_at_utc, now_utc),
        person=kept.person,
        pairs=pairs,
        lacks=lacks,
    )


_PICTURES = frozenset({NodeKind.PHOTO, NodeKind.SIGNATURE})
_NUMBERS = re.compile(r"\[\d+\]")


def _question(place: str, node: FormNode | None, words: Words) -> str:
    label = "" if node is None else node.label.plain(words.language)
    numbers = " ".join(found[1:-1] for found in _NUMBERS.findall(place))
    return f"{label or place} {numbers}".strip() if label else place


def _answer(text: str, node: FormNode | None, model: FormModel | None, words: Words) -> str:
    if node is None or model is None:
        return text
    if node.kind in _PICTURES:
        reason = parse_no_picture(text)
        said = text if reason is None else words.gettext(_NO_PICTURE[reason])
        return said if is_no_picture(text) else "✓"
    if node.choices:
        labels = {row.name: row.label.plain(words.language) for row in model.lists[node.choices]}
        return ", ".join(labels.get(name, name) for name in text.split())
    return f"{text} {node.unit}".strip()
