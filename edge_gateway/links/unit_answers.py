"""Asks an unknown Modbus unit what the profiles want to know, and says when nobody is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge_gateway.links.answers import Answer, Fault, FaultKind
from firmware_profiles.identify import Answers, Questions
from firmware_profiles.words import Span, WordAddress
from wire_contracts.quality import QualityCode

SILENCES_BEFORE_NOBODY = 3
"""Requests in a row without any answer, at the start, after which nobody is there (judgement):
meters that do not know an address refuse it, and few stay silent instead."""


@dataclass(slots=True, kw_only=True)
class UnitAnswers:
    """What a unit said.

    Attributes:
        words: What was read.
        faults: Why other words were not.
        last_fault: The last thing that went wrong; None: nothing.
        has_answered: Whether it said anything; an exception is an answer.
    """

    words: dict[WordAddress, int] = field(default_factory=dict)
    faults: dict[WordAddress, QualityCode] = field(default_factory=dict)
    last_fault: Fault | None = None
    has_answered: bool = False

    def add(self, span: Span, answer: Answer) -> None:
        """Take the answer to one request."""
        if not isinstance(answer, Fault):
            self.has_answered = True
            self.words.update(zip(span.addresses(), answer, strict=True))
            return
        self.last_fault = answer
        self.has_answered = self.has_answered or (
            answer.kind is FaultKind.EXCEPTION and not answer.is_silence
        )
        self.faults.update(dict.fromkeys(span.addresses(), answer.quality))


def ask_unit(
    questions: Questions,
    transact: Callable[[Span], Answer],
    step: Callable[[int, int], None] = lambda _number, _count: None,
) -> UnitAnswers:
    """Return what a unit says to the questions; gives up early where nobody is.

    Args:
        questions: What the profiles want to know.
        transact: One transaction of the link with this unit.
        step: Told the number of each question and how many there are.
    """
    found = UnitAnswers()
    silences = 0
    for number, span in enumerate(questions.spans, start=1):
        step(number, len(questions.spans))
        answer = transact(span)
        found.add(span, answer)
        if isinstance(answer, Fault) and answer.kind is FaultKind.LINK_DOWN:
            break
        is_silent = isinstance(answer, Fault) and answer.is_silence
        silences = silences + 1 if is_silent else 0
        if not found.has_answered and silences >= SILENCES_BEFORE_NOBODY:
            break
    return found


def as_answers(
    unit: str,
    found: UnitAnswers,
    *,
    objects: Mapping[int, str] | None = None,
    is_denied: bool = False,
    serial: str | None = None,
) -> Answers:
    """Return what was said in the form that profiles are held against."""
    return Answers(
        device_address=unit,
        words=found.words,
        faults=found.faults,
        objects=objects,
        is_identification_denied=is_denied,
        serial=serial,
    )
