"""One form of one subject as one person fills it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wire_contracts.forms.publication import FormHead
from wire_contracts.forms.session import FormSession


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSubject:
    """What a form is filled in for.

    Attributes:
        about: What kind of thing, such as `work_order`, `household` or `checkpoint`.
        about_id: Which one.
    """

    about: str
    about_id: str


@dataclass(slots=True, kw_only=True)
class FormSheet:
    """One form of one subject as one person fills it in.

    Attributes:
        session: The answers; change them there, then `FormDesk.save`.
        gas_places: Which of its places measure gas.
        last: What was answered before for this subject, by place.
        saved: What the draft holds.
        saved_at_ms: When the last answer was kept; None: nothing was.
    """

    subject: FormSubject
    head: FormHead
    session: FormSession
    gas_places: frozenset[str] = frozenset()
    last: Mapping[str, str] = field(default_factory=dict)
    saved: dict[str, str] = field(default_factory=dict)
    saved_at_ms: int | None = None

    def unsaved(self) -> dict[str, str]:
        """Return what the draft must still take; an empty text takes an answer back."""
        wanted = self.session.drafted()
        changes = {place: text for place, text in wanted.items() if self.saved.get(place) != text}
        return changes | dict.fromkeys(self.saved.keys() - wanted.keys(), "")

    def begin_again(self, answers: Mapping[str, str]) -> None:
        """Put these answers in the place of all that stand, in the same version of the form."""
        self.session = FormSession(self.session.form, self.session.around, answers)
