"""A life cycle as a table: what is not listed is refused, and the refusal says what is possible."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class RefusedTransition(ValueError):  # noqa: N818  # the domain's word for it
    """An event that is not possible in the present state; the text lists what is."""


@dataclass(frozen=True, slots=True)
class LifeCycle(Generic[S, E]):
    """States and events of one thing.

    Attributes:
        noun: What it is called in a refusal, such as `a work order`.
        table: (state, event) -> next state; everything else is refused.
    """

    noun: str
    table: Mapping[tuple[S, E], S]

    def next_state(self, state: S, event: E) -> S:
        """Return the next state, or raise RefusedTransition naming the possible events."""
        following = self.table.get((state, event))
        if following is None:
            possible = ", ".join(self.possible_events(state)) or "nothing"
            message = f"cannot {event} {self.noun} that is {state}; possible now: {possible}"
            raise RefusedTransition(message)
        return following

    def possible_events(self, state: S) -> list[E]:
        """Return the events that the table lists for a state, in table order."""
        return [event for (source, event) in self.table if source == state]
