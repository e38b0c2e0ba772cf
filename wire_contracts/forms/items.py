"""What a person is shown of a form being filled in: its items in order, and what is wrong."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wire_contracts.forms.answer_sets import LONGEST_ANSWER
from wire_contracts.forms.elements import Element
from wire_contracts.forms.functions import Context
from wire_contracts.forms.model import (
    CONTAINERS,
    NUMBERS,
    SELECTS,
    UNANSWERED,
    ChoiceRow,
    FormNode,
    FormText,
    NodeKind,
)
from wire_contracts.forms.session import FormSession
from wire_contracts.forms.values import as_text, as_truth, days_of, text_number

_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d+)?)?")


class Wrong(StrEnum):
    """What keeps an item from being right."""

    MISSING = "missing"
    NOT_A_NUMBER = "not_a_number"
    NOT_WHOLE = "not_whole"
    NOT_A_DATE = "not_a_date"
    NOT_OFFERED = "not_offered"
    OUT_OF_RANGE = "out_of_range"
    NOT_ALLOWED = "not_allowed"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedChoice:
    """One choice as it is offered."""

    name: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FormItem:
    """One thing on the page of a form.

    Attributes:
        place: Where it stands, such as `rooms[2]/temp`.
        node: What the form says of it.
        label, hint: In the reader's language, with values put in.
        text: The answer as it is kept; empty: none.
        choices: What a select offers now.
        is_required: It must be answered.
        wrong: What is wrong with it now; None: nothing.
        wrong_text: The office's own words for that, empty when it wrote none.
        number: Which one of its repeat it is, from 1; 0: not inside of one.
    """

    place: str
    node: FormNode
    label: str
    hint: str = ""
    text: str = ""
    choices: tuple[OfferedChoice, ...] = ()
    is_required: bool = False
    wrong: Wrong | None = None
    wrong_text: str = ""
    number: int = 0

    @property
    def is_question(self) -> bool:
        """Return whether a person can answer it."""
        return self.node.kind not in UNANSWERED and not self.node.is_read_only


class FormPage:
    """The items of a session in one language; what did not change is not made again."""

    def __init__(self, session: FormSession, language: str) -> None:
        """Watch the session; one session has one page."""
        self._session = session
        self._language = language
        self._made: dict[Element, FormItem] = {}
        session.changed = self._forget
        session.speak(language)

    def speak(self, language: str) -> None:
        """Speak another language from now on."""
        if language != self._language:
            self._language = language
            self._session.speak(language)
            self._made.clear()

    def items(self) -> tuple[FormItem, ...]:
        """Return what is shown now, in the order of the form, groups and repeats included."""
        return tuple(self._items(self._session.root))

    def wrong_items(self) -> tuple[FormItem, ...]:
        """Return the items that keep the form from being finished, the first one first."""
        return tuple(item for item in self.items() if item.wrong is not None)

    def _items(self, holder: Element) -> Iterator[FormItem]:
        for element in holder.children():
            node = element.node
            if node is None or not element.is_relevant or node.kind is NodeKind.CALCULATE:
                continue
            yield self._item(element, node)
            if node.kind in CONTAINERS:
                yield from self._items(element)

    def _item(self, element: Element, node: FormNode) -> FormItem:
        found = self._made.get(element)
        if found is None:
            found = self._made[element] = self._make(element, node)
        return found

    def _forget(self, path: str) -> None:
        session = self._session
        for each in (path, *session.form.dependence.showing.get(path, ())):
            for element in session.elements_at(each):
                self._made.pop(element, None)

    def _make(self, element: Element, node: FormNode) -> FormItem:
        choices = self._choices(element, node) if node.kind in SELECTS else ()
        rules = self._session.form.rules[node.path]
        context = self._session.context(element)
        is_required = rules.required is not None and as_truth(rules.required(context))
        is_question = node.kind not in UNANSWERED and not node.is_read_only
        wrong = None
        if is_question:
            wrong = self._wrong(element, node, choices, is_required=is_required)
        return FormItem(
            place=self._session.place_of(element),
            node=node,
            label=self._words(node.label, context),
            hint=self._words(node.hint, context),
            text=element.text,
            choices=choices,
            is_required=is_required,
            wrong=wrong,
            wrong_text=self._wrong_text(node, wrong, context),
            number=element.position() if node.kind is NodeKind.REPEAT else 0,
        )

    def _words(self, text: FormText, context: Context) -> str:
        parts = self._session.form.text_parts(text, self._language)
        return "".join(as_text(part(context)) for part in parts)

    def _choices(self, element: Element, node: FormNode) -> tuple[OfferedChoice, ...]:
        chosen = set(element.text.split())
        return tuple(
            OfferedChoice(
                name=row.name,
                label=row.label.plain(self._language),
                is_chosen=row.name in chosen,
            )
            for row in self._offered(element, node)
        )

    def _offered(self, element: Element, node: FormNode) -> Sequence[ChoiceRow]:
        form = self._session.form
        rows = form.model.lists.get(node.choices, ())
        rule = form.rules[node.path].choice_filter
        if rule is None:
            return rows
        items = form.lists[node.choices].named("root")[0].named("item")
        around = self._session.around
        size = len(items)
        return [
            row
            for position, (row, item) in enumerate(zip(rows, items, strict=True), 1)
            if as_truth(rule(Context(item, position, size, element, around)))
        ]

    def _wrong(
        self,
        element: Element,
        node: FormNode,
        choices: Sequence[OfferedChoice],
        *,
        is_required: bool,
    ) -> Wrong | None:
        text = element.text
        if not text.strip():
            return Wrong.MISSING if is_required else None
        problem = _wrong_form(node, text, choices)
        if problem is not None:
            return problem
        constraint = self._session.form.rules[node.path].constraint
        if constraint is None or as_truth(constraint(self._session.context(element))):
            return None
        return Wrong.NOT_ALLOWED if node.low is None and node.high is None else Wrong.OUT_OF_RANGE

    def _wrong_text(self, node: FormNode, wrong: Wrong | None, context: Context) -> str:
        if wrong is Wrong.MISSING:
            return self._words(node.required_text, context)
        if wrong in {Wrong.OUT_OF_RANGE, Wrong.NOT_ALLOWED}:
            return self._words(node.constraint_text, context)
        return ""


def _wrong_form(node: FormNode, text: str, choices: Sequence[OfferedChoice]) -> Wrong | None:
    """Return what is wrong with an answer by its kind alone."""
    if len(text) > LONGEST_ANSWER:
        return Wrong.TOO_LONG
    if node.kind in NUMBERS:
        return _wrong_number(node, text)
    if node.kind in SELECTS:
        offered = {choice.name for choice in choices}
        return None if set(text.split()) <= offered else Wrong.NOT_OFFERED
    if node.kind in {NodeKind.DATE, NodeKind.DATE_TIME}:
        return Wrong.NOT_A_DATE if days_of(text) is None else None
    if node.kind is NodeKind.TIME:
        return None if _TIME.match(text) else Wrong.NOT_A_DATE
    return None


def _wrong_number(node: FormNode, text: str) -> Wrong | None:
    number = text_number(text)
    if math.isnan(number) or days_of(text) is not None:
        return Wrong.NOT_A_NUMBER
    if node.kind is NodeKind.INTEGER and number != int(number):
        return Wrong.NOT_WHOLE
    is_low = node.low is not None and number < node.low
    is_high = node.high is not None and number > node.high
    return Wrong.OUT_OF_RANGE if is_low or is_high else None
