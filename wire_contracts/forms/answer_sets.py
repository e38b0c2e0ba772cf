"""A filled-in form as the content of a `form_answerset` fact."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject, JsonValue

MAX_ANSWERS: Final = 5000
LONGEST_ANSWER: Final = 20_000

_PATH: Final = re.compile(r"[A-Za-z_][\w.\-]*(\[\d{1,4}\])?(/[A-Za-z_][\w.\-]*(\[\d{1,4}\])?)*")


_NONE: Final = "none:"
"""What an answer begins with that says why a photo or a signature is not there."""


class NoPicture(StrEnum):
    """Why a photo or a signature that is asked for could not be had."""

    NO_CAMERA = "no_camera"
    NOT_KEPT = "not_kept"
    NO_ROOM = "no_room"
    REFUSED = "refused"
    NOBODY_THERE = "nobody_there"
    NOT_SAFE = "not_safe"


def no_picture_text(reason: NoPicture) -> str:
    """Return the answer that stands where the hash of the photo or signature would."""
    return f"{_NONE}{reason}"


def is_no_picture(text: str) -> bool:
    """Return whether the answer to a photo or signature says why it is not there."""
    return text.startswith(_NONE)


def parse_no_picture(text: str) -> NoPicture | None:
    """Return why a photo or signature is not there; None: it is, or a later app's reason."""
    return next((each for each in NoPicture if text == no_picture_text(each)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSet:
    """Everything that was answered in one form, with the version it was answered in.

    Attributes:
        form: `FORM@VERSION`.
        form_sha256: Hash of the very model that asked.
        about: What kind of thing it was filled in for, such as `work_order`.
        about_id: Which one; empty when it stands for itself.
        answers: Text of each answer by its place below the root, such as `rooms[2]/temp`; only
            what was asked in the end, calculated values included. A photo or signature is the
            SHA-256 of its blob, or `no_picture_text` where none could be had.
        measured: Numbers by the wire name of their quantity.
    """

    form: str
    form_sha256: str
    about: str = ""
    about_id: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)


def answer_set_json(answers: AnswerSet) -> JsonObject:
    """Return the fact's content; a set about a work order is filed under that order."""
    body: dict[str, JsonValue] = {
        "form": answers.form,
        "form_sha256": answers.form_sha256,
        "about": answers.about,
        "about_id": answers.about_id,
        "answers": dict(answers.answers),
        "measured": dict(answers.measured),
    }
    if answers.about == "work_order":
        body["order_id"] = answers.about_id
    return body


def parse_answer_set(reader: FieldReader) -> AnswerSet:
    """Return the answer set; raise ContractError that names the field."""
    answers = reader.object("answers")
    if len(answers.values) > MAX_ANSWERS:
        problem = f"holds {len(answers.values)} answers"
        remedy = f"send at most {MAX_ANSWERS}"
        raise reader.refuse("answers", problem, remedy, Code.PAYLOAD_TOO_LARGE)
    for place in answers.values:
        if not _PATH.fullmatch(place):
            remedy = "name the question by its path"
            raise answers.refuse(place[:60], "is no place in a form", remedy, Code.FIELD_RANGE)
    measured = reader.object_or_empty("measured")
    return AnswerSet(
        form=reader.text("form", longest=120),
        form_sha256=reader.text("form_sha256", longest=64),
        about=reader.text("about", longest=64) if reader.values.get("about") else "",
        about_id=reader.text("about_id", longest=64) if reader.values.get("about_id") else "",
        answers={place: answers.text(place, longest=LONGEST_ANSWER) for place in answers.values},
        measured={name: measured.number(name) for name in measured.values},
    )
