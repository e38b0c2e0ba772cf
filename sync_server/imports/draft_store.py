"""Owns files that were looked at and wait for a yes: an hour, for whoever brought them."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from sync_server.access.refusals import not_found
from sync_server.db.import_tables import IMPORT_DRAFT
from sync_server.imports.preview import ImportKind
from wire_contracts.frames import ms_from_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A file as it came."""

    kind: ImportKind
    file_name: str
    content: bytes


def keep_draft(connection: Connection, draft: Draft, actor: str, now_utc: datetime) -> str:
    """Return the id under which the file waits; a person has one file waiting, the newest."""
    connection.execute(delete(IMPORT_DRAFT).where(IMPORT_DRAFT.c.made_by == actor))
    draft_id = str(uuid.uuid4())
    connection.execute(
        insert(IMPORT_DRAFT).values(
            draft_id=draft_id,
            kind=str(draft.kind),
            file_name=draft.file_name[:200],
            content=draft.content,
            made_by=actor,
            made_at_ms=ms_from_utc(now_utc),
        )
    )
    return draft_id


def load_draft(connection: Connection, draft_id: str, actor: str) -> Draft:
    """Return one's own file; raise ContractError when it is gone or of somebody else."""
    query = select(IMPORT_DRAFT).where(
        IMPORT_DRAFT.c.draft_id == draft_id, IMPORT_DRAFT.c.made_by == actor
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise not_found("import", "file")
    return Draft(kind=ImportKind(row.kind), file_name=row.file_name, content=row.content)


def drop_draft(connection: Connection, draft_id: str) -> None:
    """Forget a file: it was taken, or is not wanted."""
    connection.execute(delete(IMPORT_DRAFT).where(IMPORT_DRAFT.c.draft_id == draft_id))
