"""Says what servers have told of a tap: when they took it, no effect, nothing yet."""

from typing import Final

from sqlalchemy import case

from field_app.store.record_states import WITHOUT_EFFECT
from field_app.store.tables import outbox_op
from wire_contracts.codes import Code
from wire_contracts.operations import NO_EFFECT

NEVER_TAKEN: Final = -1
"""In `taken_at_ms`: a server said that it has no effect, and none has taken it."""

BY_ITS_WORDS: Final = -2
"""In `taken_at_ms` and `told_ms`: no server had taken or refused it when one was restored. The
restored one takes it by its words, later maybe than what are later words: that proves nothing to
the next.
"""

WAITS_FOR_KEY: Final = -3
"""In `told_ms`: the server holds it and cannot open it; what becomes of it is asked for."""

SAYS_NOTHING: Final = outbox_op.c.outcome.is_(None) | ~(
    outbox_op.c.outcome.in_(sorted(WITHOUT_EFFECT))
    & outbox_op.c.code.is_distinct_from(str(Code.GONE))
)
"""No answer, or one that says not whose the order was (`wire_contracts.operations.told_of`)."""

_TAKEN: Final = outbox_op.c.taken_at_ms
TOLD_MS: Final = case(
    (_TAKEN > 0, _TAKEN),
    (_TAKEN == NEVER_TAKEN, NO_EFFECT),
    (_TAKEN == BY_ITS_WORDS, None),
    (
        outbox_op.c.outcome.in_(sorted(WITHOUT_EFFECT))
        & outbox_op.c.code.is_distinct_from(str(Code.GONE)),
        NO_EFFECT,
    ),
).label("told_ms")
"""What servers have told of an operation (`wire_contracts.operations.told_of`).

Once one has taken it, that is said ever after: a restored server may refuse it, because of what it
learnt first, and be restored in its turn. So is a refusal, which a server that does not know the
order (`gone`) says nothing of.
"""

TOLD_TO_KEEP: Final = case((_TAKEN == BY_ITS_WORDS, BY_ITS_WORDS), else_=TOLD_MS.element).label(
    "told_ms"
)
"""What an envelope keeps of it."""


def taken_at_ms(known: int, told: int | None) -> int:
    """Return what is kept as `taken_at_ms` after an answer, from what was known before it."""
    if told is None or known > 0:
        return known
    if told == NO_EFFECT:
        return NEVER_TAKEN
    return known if known == BY_ITS_WORDS else told
