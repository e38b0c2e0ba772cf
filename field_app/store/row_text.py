"""Decides whether a pulled row is what the server hashed, and gives the text that is kept of it."""

from field_app.store.quick_json import quick_dumps
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import EntityRow, hash_row_text


def checked_text(bucket: str, row: EntityRow) -> str:
    """Return the row's content as canonical JSON; raise ContractError when the hash differs.

    The quick writer's text is taken when its hash is the server's: then it is the server's text.
    """
    quick = quick_dumps()
    if quick is not None:
        try:
            text = quick(row.document)
        except TypeError:
            text = b""
        if hash_row_text(row.entity, row.entity_id, text) == row.row_hash:
            return text.decode()
    text = dump_json(row.document)
    if hash_row_text(row.entity, row.entity_id, text) != row.row_hash:
        raise ContractError(
            place=f"pull of bucket {bucket!r}",
            field=f"{row.entity} {row.entity_id}",
            problem="the content does not match its hash",
            remedy="ask again; if it stays, the server's change index is wrong",
            code=Code.CONFLICT,
        )
    return text.decode()
