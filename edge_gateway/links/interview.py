"""Asks a meter what it is: each identification question alone, a refusal is an answer too."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from edge_gateway.links.answers import Answer, Fault, FaultKind
from firmware_profiles.words import Span, WordAddress
from wire_contracts.quality import QualityCode

SILENT_QUESTIONS = 3
"""Questions without answer after which nobody is there; a meter that answers some and is silent
to others is asked them all."""


@dataclass(slots=True, kw_only=True)
class Interview:
    """What a meter said to the questions.

    Attributes:
        words: What was read.
        faults: Why other words were not.
        has_answered: Whether it said anything; an exception is an answer.
        ended_by: What ended the interview early: silence, or a line that is closed.
    """

    words: dict[WordAddress, int] = field(default_factory=dict)
    faults: dict[WordAddress, QualityCode] = field(default_factory=dict)
    has_answered: bool = False
    ended_by: Fault | None = None

    @property
    def image(self) -> Mapping[WordAddress, int]:
        """Return the words as the profiles take them."""
        return self.words


def interview(
    questions: Iterable[Span],
    transact: Callable[[Span], Answer],
    in_vain: int = SILENT_QUESTIONS,
) -> Interview:
    """Return what a meter answers to identification questions.

    Args:
        questions: What to read, each by a request of its own.
        transact: One transaction of the link with this meter.
        in_vain: Questions without answer after which nobody is there.
    """
    said = Interview()
    silent = 0
    for question in questions:
        answer = transact(question)
        if not isinstance(answer, Fault):
            said.words.update(zip(question.addresses(), answer, strict=True))
            said.has_answered = True
            continue
        said.faults.update(dict.fromkeys(question.addresses(), answer.quality))
        said.has_answered = said.has_answered or answer.kind is FaultKind.EXCEPTION
        silent += answer.is_silence
        is_nobody = not said.has_answered and silent >= in_vain
        if answer.kind is FaultKind.LINK_DOWN or is_nobody:
            said.ended_by = answer
            return said
    return said
