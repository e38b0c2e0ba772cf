"""What the office decided about an operation, as the tablets of its crew are told of it."""

from dataclasses import dataclass
from enum import StrEnum

from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.frames import LATEST_MS

OUTCOME_ENTITY = "review_outcome"
"""Row in the bucket of the crew whose tablet sent the operation; its id is the review item's."""

COUNTS_NOW = "counts_now"
"""The reason of the server itself, which each tablet words in its own language: the order is here
again, and what had been refused counts."""

_LONGEST_REASON = 20_000


class Choice(StrEnum):
    """What was decided."""

    OFFICE = "office"
    CREW = "crew"
    OTHER = "other"
    NOTED = "noted"
    """Nothing is written: what there was to do was done elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOutcome:
    """A decision.

    Attributes:
        op_id: The operation that it is about; None of an item that is about none.
        entity: Type of the thing that the operation was about.
        entity_id: Its id.
        kind: Why a person had to look.
        choice: Whose value stands.
        value: The value that stands; None with NOTED.
        reason: Why, in the words of who decided.
        at_ms: When, ms since 1970 UTC.
    """

    op_id: str | None
    entity: str
    entity_id: str
    kind: str
    choice: Choice
    value: JsonValue
    reason: str
    at_ms: int


def review_outcome_json(outcome: ReviewOutcome) -> JsonObject:
    """Return the document of the row."""
    return {
        "op_id": outcome.op_id,
        "entity": outcome.entity,
        "id": outcome.entity_id,
        "kind": outcome.kind,
        "choice": str(outcome.choice),
        "value": outcome.value,
        "reason": outcome.reason,
        "at": outcome.at_ms,
    }


def parse_review_outcome(reader: FieldReader) -> ReviewOutcome:
    """Return the decision; raise ContractError that names the field."""
    return ReviewOutcome(
        op_id=reader.text_or_none("op_id"),
        entity=reader.text("entity", longest=64),
        entity_id=reader.text("id", longest=64),
        kind=reader.text("kind", longest=64),
        choice=reader.choice("choice", Choice),
        value=reader.values.get("value"),
        reason=str(reader.values.get("reason") or "")[:_LONGEST_REASON],
        at_ms=reader.integer("at", low=0, high=LATEST_MS),
    )
