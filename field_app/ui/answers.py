"""Decides what undo takes back in the finding form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from field_app.presenters.views import ChoiceView, FindingView

MOST_STEPS = 50
"""Answers that can be taken back one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything the crew has answered; empty text is no answer."""

    result: str = ""
    cause: str = ""
    measured: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def answers_of(view: FindingView) -> Answers:
    """Return the answers that a view shows."""
    return Answers(
        result=_chosen(view.results),
        cause=_chosen(view.causes),
        measured={value.key: value.text for value in view.measured},
        note=view.note,
    )


def _chosen(choices: tuple[ChoiceView, ...]) -> str:
    return next((choice.key for choice in choices if choice.is_selected), "")


@dataclass(slots=True)
class UndoSteps:
    """The answers before each change; typing on in one field is one step."""

    _before: list[Answers] = field(default_factory=list)
    _last_place: str = ""

    def __len__(self) -> int:
        """Return how many steps can be taken back."""
        return len(self._before)

    def note_change(self, place: str, before: Answers) -> None:
        """Keep the answers before a change of `place`, such as `note` or `measured:flow_m3h`."""
        if place == self._last_place and place.startswith(("note", "measured:")):
            return
        self._last_place = place
        self._before = [*self._before[-(MOST_STEPS - 1) :], before]

    def take_back(self) -> Answers | None:
        """Return the answers before the last change and forget it; None without one."""
        self._last_place = ""
        return self._before.pop() if self._before else None
