"""Decides what of the answers kept in a home stands on this visit, and which sheet they make."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from field_app.orders.moments import TimerMoment, moment_kept
from field_app.patrols.form_answers import OK, home_answers
from field_app.patrols.home_check import GROUPS, USUAL_SEVERITY, Sheet
from field_app.patrols.noted import WRONG
from field_app.store.draft_store import KeptAnswer
from field_app.store.saved_at import SavedAt
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.home_checks import CheckItem, NoticeOutcome

ONE_VISIT_MS: Final = 12 * 3_600_000
"""What was looked at in another shift was not looked at on this visit (judgement)."""

NOTICE, SIGNATURE, SIGNED_FOR = "notice", "signature", "signed_for"
"""Fields of the page; the last one names the hazards that a signature stands under."""

WHY: Final = "why:"
"""Before the item of a danger that was taken back: the field of the words about it."""

GAS_OFF, YES, NO = "gas_off", "yes", "no"
"""Whether the gas is shut off, where it has to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedHazard:
    """What somebody found wrong in a home, and left without finishing the visit."""

    items: Sequence[CheckItem]
    note: str
    author: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeAnswers:
    """The answers of a home's page.

    Attributes:
        own: What the person at work has answered on this visit.
        earlier: Hazards of colleagues and of earlier visits that nobody has answered since.
        noted: The same hazards, with who noted them and when.
        grave: What colleagues or an earlier visit noted as a danger to people, answered or not.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, str] = field(default_factory=dict)
    noted: Sequence[NotedHazard] = ()
    grave: frozenset[CheckItem] = frozenset()

    @property
    def typed(self) -> dict[str, str]:
        """Return what the page shows."""
        return {**self.own, **self.earlier}


def answers_of_visit(kept: Sequence[KeptAnswer], author: str, now: TimerMoment) -> HomeAnswers:
    """Return what stands of everybody's answers when `author` is in the home now.

    A hazard stands, whoever noted it and whenever, until the person who is there answers its own
    item anew. Everything else counts for the person who answered it, on this visit alone.
    """
    kept = sorted(kept, key=lambda each: each.at.place)
    own = {
        each.field: each
        for each in kept
        if each.author == author and now.age_ms(moment_kept(each.at)) < ONE_VISIT_MS
    }
    others: dict[str, dict[str, KeptAnswer]] = {}
    for each in kept:
        if own.get(each.field) is not each:
            others.setdefault(each.author, {})[each.field] = each
    earlier: dict[str, str] = {}
    noted: list[NotedHazard] = []
    for answers in others.values():
        for hazard, fields in _hazards(answers, own):
            noted.append(hazard)
            earlier |= fields
    return HomeAnswers(
        own={name: str(each.value) for name, each in own.items()},
        earlier=earlier,
        noted=noted,
        grave=frozenset(item for answers in others.values() for item in _grave(answers)),
    )


def _grave(answers: Mapping[str, KeptAnswer]) -> list[CheckItem]:
    texts = {name: str(each.value) for name, each in answers.items()}
    usual = {item: str(severity) for item, severity in USUAL_SEVERITY.items()}
    return [
        item
        for item in CheckItem
        if texts.get(place_of(item)) == WRONG
        and (texts.get(f"severity:{item}") or usual[item]) == "1"
    ]


def grave_with_words(typed: Mapping[str, str]) -> dict[CheckItem, str]:
    """Return the dangers to people that a page says, with their words; one without is no word."""
    sheet = sheet_of(typed)
    return {
        item: sheet.notes[item].strip()
        for item in sheet.hazardous()
        if sheet.severity_of(item) == 1 and sheet.notes[item].strip()
    }


def grave_in_forms(begun: Iterable[tuple[str, SavedAt, AnswerSet]]) -> frozenset[CheckItem]:
    """Return the dangers to people that forms of the office tell of."""
    found: set[CheckItem] = set()
    for author, at, answers in begun:
        said = home_answers([answers]).items()
        kept = {
            name: KeptAnswer(author=author, field=name, value=text, at=at) for name, text in said
        }
        found |= set(_grave(kept))
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dangers:
    """What endangered people in a home until now.

    Attributes:
        before: What stands of colleagues and former visits, and what a crew was called for:
            that it is less grave now is said, too.
        told: What anybody told since somebody was inside, on the page or in a checklist: that it
            is no hazard at all is said.
    """

    before: frozenset[CheckItem] = frozenset()
    told: frozenset[CheckItem] = frozenset()


def with_taken_back(sheet: Sheet, known: Dangers, typed: Mapping[str, str]) -> Sheet:
    """Return the sheet with what was a danger to people and is answered otherwise now.

    What has words about a danger was one, whoever wrote them.
    """
    worded = (item for item in sheet.answers if sheet.notes.get(item, "").strip())
    dangers = known.before | {item for item in worded if sheet.severity_of(item) == 1}
    standing = {item for item in sheet.hazardous() if sheet.severity_of(item) == 1}
    gone = {item for item in dangers - standing if item in sheet.answers}
    is_looked_at = {item for item in CheckItem if item in sheet.answers or standing}
    gone |= (known.told - set(sheet.hazardous())) & is_looked_at
    return replace(
        sheet,
        taken_back={item: typed.get(f"{WHY}{item}", "") for item in CheckItem if item in gone},
    )


def noted_in_forms(begun: Iterable[tuple[str, SavedAt, AnswerSet]]) -> list[KeptAnswer]:
    """Return what forms of the office that nobody finished (author, when) say is wrong in a home.

    What they say is in order is not: nobody has finished looking.
    """
    found: list[KeptAnswer] = []
    for author, at, answers in begun:
        said = home_answers([answers])
        bad = {name for name, text in said.items() if text == WRONG}
        bad |= {name for name in said if name.startswith(("severity:", "note:"))}
        found += [
            KeptAnswer(author=author, field=name, value=said[name], at=at) for name in sorted(bad)
        ]
    return found


def _hazards(
    answers: Mapping[str, KeptAnswer], own: Mapping[str, KeptAnswer]
) -> list[tuple[NotedHazard, dict[str, str]]]:
    """Return the hazards that one person noted and nobody has answered since, with their fields."""
    found: list[tuple[NotedHazard, dict[str, str]]] = []
    for group, items in GROUPS:
        wrong = [item for item in items if _is_wrong(answers, own, place_of(item))]
        for item in wrong:
            fields = {place_of(item): WRONG}
            if group not in own:
                fields[group] = WRONG
            for name in (f"note:{item}", f"severity:{item}"):
                said = str(answers[name].value) if name in answers else ""
                if said and name not in own:
                    fields[name] = said
            found.append((_noted(answers[place_of(item)], (item,), answers), fields))
        if not wrong and _is_wrong(answers, own, group):
            found.append((_noted(answers[group], items, answers), {group: WRONG}))
    return found


def _is_wrong(answers: Mapping[str, KeptAnswer], own: Mapping[str, KeptAnswer], name: str) -> bool:
    there, mine = answers.get(name), own.get(name)
    is_answered_since = mine is not None and there is not None and mine.at.place >= there.at.place
    return there is not None and there.value == WRONG and not is_answered_since


def _noted(
    answer: KeptAnswer, items: Sequence[CheckItem], answers: Mapping[str, KeptAnswer]
) -> NotedHazard:
    notes = [str(answers[f"note:{item}"].value) for item in items if f"note:{item}" in answers]
    return NotedHazard(
        items=tuple(items),
        note="; ".join(each for each in notes if each.strip()),
        author=answer.author,
        at_ms=answer.saved_at_ms,
    )


def place_of(item: CheckItem) -> str:
    """Return the field of an item: the group's own where the group has no other item."""
    return next(
        (group for group, items in GROUPS if items == (item,)),
        f"item:{item}",
    )


def found_wrong(items: Sequence[CheckItem], typed: Mapping[str, str]) -> tuple[CheckItem, ...]:
    """Return the items of a group that were found wrong one by one."""
    return tuple(item for item in items if typed.get(f"item:{item}") == WRONG)


def sheet_of(typed: Mapping[str, str]) -> Sheet:
    """Return the answers of the page as the twelve items they stand for.

    One tap on the whole group takes no hazard back: its own item does. A signature stands under
    the hazards that were there when it was made, and under no other.
    """
    answers: dict[CheckItem, bool] = {}
    for key, items in GROUPS:
        chosen = typed.get(key, "")
        if chosen == OK:
            answers |= dict.fromkeys(items, True)
            if len(items) > 1:
                answers |= dict.fromkeys(found_wrong(items, typed), False)
        elif chosen == WRONG and len(items) == 1:
            answers[items[0]] = False
        elif chosen == WRONG:
            answers |= {
                item: typed[f"item:{item}"] == OK for item in items if typed.get(f"item:{item}")
            }
    notice = typed.get(NOTICE, "")
    sheet = Sheet(
        answers=answers,
        severities={
            item: int(typed[f"severity:{item}"])
            for item in CheckItem
            if typed.get(f"severity:{item}", "") in {"1", "2", "3"}
        },
        notes={item: typed.get(f"note:{item}", "") for item in CheckItem},
        notice=NoticeOutcome(notice) if notice in set(NoticeOutcome) else None,
        is_gas_off={YES: True, NO: False}.get(typed.get(GAS_OFF, "")),
    )
    if set(signed_for(sheet).split()) <= set(typed.get(SIGNED_FOR, "").split()):
        return replace(sheet, signature_sha256=typed.get(SIGNATURE) or None)
    return sheet


def signed_for(sheet: Sheet) -> str:
    """Return the hazards with their severities, as they are kept beside a signature."""
    return " ".join(f"{item}:{sheet.severity_of(item)}" for item in sheet.hazardous())
