"""A form as an author tries it out: filled in for nobody, by the very rules of the tablets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wire_contracts.forms.functions import Surroundings
from wire_contracts.forms.items import FormItem, FormPage
from wire_contracts.forms.model import FormModel
from wire_contracts.forms.session import CompiledForm, FormSession

ADD = "add"
REMOVE = "remove"
"""Names of the buttons that put one more into a repeat, or take one away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the author sees.

    Attributes:
        items: What is shown now.
        counts: How often each repeat stands there, to be sent along with the answers.
        left: How many items are missing or wrong.
    """

    items: Sequence[FormItem]
    counts: Mapping[str, str]
    left: int


def try_out(
    model: FormModel, fields: Mapping[str, Sequence[str]], language: str, around: Surroundings
) -> Preview:
    """Return the form with these answers; several texts of one field are chosen together."""
    answers = {
        place: " ".join(texts) if len(texts) > 1 else texts[0]
        for place, texts in fields.items()
        if texts and place not in {ADD, REMOVE}
    }
    session = FormSession(CompiledForm(model), around, answers)
    page = FormPage(session, language)
    for place in fields.get(ADD, ()):
        session.add_repeat(place)
    for place in fields.get(REMOVE, ()):
        session.remove_repeat(place)
    items = page.items()
    counts = {place: text for place, text in session.drafted().items() if place.endswith("#")}
    return Preview(
        items=items, counts=counts, left=sum(1 for item in items if item.wrong is not None)
    )
