"""Decides whether a pulled row is what the server hashed, and gives the text that is kept of it."""

from collections.abc import Callable, Sequence

from field_app.store.quick_json import quick_dumps
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import EntityRow, hash_row_text


def checked_texts(bucket: str, rows: Sequence[EntityRow]) -> list[bytes]:
    """Return each row's content as canonical JSON; raise ContractError when a hash differs.

    The quick writer's text is taken when its hash is the server's: then it is the server's text.
    """
    quick = quick_dumps()
    if quick is None:
        return [_careful_text(bucket, row) for row in rows]
    texts: list[bytes] = []
    for row in rows:
        entity, entity_id, _, row_hash, document = row
        text = _quick_text(quick, document)
        if hash_row_text(entity, entity_id, text) != row_hash:
            text = _careful_text(bucket, row)
        texts.append(text)
    return texts


def _quick_text(quick: Callable[[JsonObject], bytes], document: JsonObject) -> bytes:
    try:
        return quick(document)
    except TypeError:
        return b""


def _careful_text(bucket: str, row: EntityRow) -> bytes:
    text = dump_json(row.document)
    if hash_row_text(row.entity, row.entity_id, text) != row.row_hash:
        raise ContractError(
            place=f"pull of bucket {bucket!r}",
            field=f"{row.entity} {row.entity_id}",
            problem="the content does not match its hash",
            remedy="ask again; if it stays, the server's change index is wrong",
            code=Code.CONFLICT,
        )
    return text
