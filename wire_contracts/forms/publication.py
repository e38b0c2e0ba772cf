"""A form as tablets hold it: the model, since when it holds, and whether it is still begun anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.forms.model import FormModel, FormText, form_key, model_json, parse_title
from wire_contracts.frames import LATEST_MS, ms_from_utc, utc_from_ms


class FormState(StrEnum):
    """What may be done with a version that tablets hold."""

    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormHead:
    """What a list says of a version of a form, without its questions.

    Attributes:
        about: What kind of thing it is filled in for, such as `work_order`; empty: any.
        purposes: For which of them, such as `leak_check` or `leak_check:gas`; empty: all.
        is_required: Nothing it is meant for is finished without it.
        valid_from_utc: A version holds from then on, until a later one does.
        sha256: Hash of the model, which answers carry.
    """

    form_id: str
    version: str
    title: FormText
    about: str
    purposes: Sequence[str]
    state: FormState
    valid_from_utc: datetime
    sha256: str
    is_required: bool = False

    @property
    def key(self) -> str:
        """Return `FORM@VERSION`."""
        return form_key(self.form_id, self.version)


def publication_json(
    model: FormModel, state: FormState, valid_from_utc: datetime, sha256: str
) -> JsonObject:
    """Return the document of the entity `form`."""
    return {
        "state": str(state),
        "valid_from": ms_from_utc(valid_from_utc),
        "sha256": sha256,
        "model": model_json(model),
    }


def parse_head(reader: FieldReader) -> FormHead:
    """Return the head of a published form; raise ContractError that names the field.

    The questions are not looked at: read them with `parse_model(reader.object("model"))`.
    """
    model = reader.object("model")
    purposes = model.array("purposes", longest=100) if model.has("purposes") else ()
    return FormHead(
        form_id=model.text("form", longest=64),
        version=model.text("version", longest=40),
        title=parse_title(model),
        about=model.text_or_empty("about", longest=64),
        purposes=tuple(str(each) for each in purposes),
        state=reader.choice("state", FormState),
        valid_from_utc=utc_from_ms(reader.integer("valid_from", low=0, high=LATEST_MS)),
        sha256=reader.text("sha256", longest=64),
        is_required=model.has("required") and model.boolean("required"),
    )


def newest_valid(heads: Iterable[FormHead], now_utc: datetime) -> dict[str, FormHead]:
    """Return form id -> the version to begin with now: published, valid, and the latest of those.

    Of two that hold from the same moment the higher version counts, by number where it is one.
    """
    found: dict[str, FormHead] = {}
    for head in heads:
        if head.state is not FormState.PUBLISHED or head.valid_from_utc > now_utc:
            continue
        known = found.get(head.form_id)
        if known is None or _rank(known) < _rank(head):
            found[head.form_id] = head
    return found


def _rank(head: FormHead) -> tuple[datetime, int, int, str]:
    is_number = head.version.isdecimal()
    number = int(head.version) if is_number else 0
    return head.valid_from_utc, int(is_number), number, head.version


def is_for(head: FormHead, about: str, purposes: Iterable[str]) -> bool:
    """Return whether a form is meant for a kind of thing with any of these purposes."""
    if head.about not in {"", about}:
        return False
    return not head.purposes or bool(set(head.purposes) & set(purposes))
