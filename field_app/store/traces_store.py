"""Maps what stands beside the operations of a record: a draft, photos; asked with one statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Integer, literal, null, select, union_all

from field_app.store.draft_store import WITH_DRAFT
from field_app.store.fixed_statement import FixedStatement
from field_app.store.photo_store import COUNTS, PhotoCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """The records that have a draft, and the photos by record; a record without any is left out."""

    drafts: frozenset[str]
    photos: Mapping[str, PhotoCount]


_drafts = WITH_DRAFT.subquery()
_photos = COUNTS.subquery()
_TRACES: Final = FixedStatement(
    union_all(
        select(
            _drafts.c.order_id,
            literal(1, Integer).label("is_draft"),
            *(null().label(name) for name in ("total", "done", "waiting_bytes", "held")),
        ),
        select(_photos.c.order_id, literal(0, Integer), *list(_photos.c)[1:]),
    )
)
"""Built once: every line of the list that is made anew asks it."""


def load_traces(connection: Connection, order_ids: Sequence[str]) -> Traces:
    """Return what there is of these records."""
    drafts: set[str] = set()
    photos: dict[str, PhotoCount] = {}
    for row in _TRACES.run(connection, order_ids=json.dumps(order_ids)):
        if row.is_draft:
            drafts.add(row.order_id)
        else:
            photos[row.order_id] = PhotoCount(
                total=row.total, done=row.done, waiting_bytes=row.waiting_bytes, held=row.held
            )
    return Traces(drafts=frozenset(drafts), photos=photos)
