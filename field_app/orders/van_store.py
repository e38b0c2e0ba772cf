"""Reads what the crew has with it: the office's list, less what this tablet took since."""

import json
from collections import defaultdict
from dataclasses import replace

from sqlalchemy import Connection

from field_app.store import base_store
from field_app.store.outbox_store import load_entries
from field_app.store.record_states import OVERLAY
from field_app.store.tables import outbox_op
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.orders import FactType
from wire_contracts.site_facts import parse_part
from wire_contracts.van import ENTITY, Van, parse_van


def load_van(connection: Connection) -> Van:
    """Return the van with what is left now; empty while the office has sent none."""
    van = _as_the_office_knows(connection)
    if not van.parts:
        return van
    taken = _taken(connection)
    parts = tuple(
        replace(part, quantity=part.quantity - taken[part.part_id])
        if part.part_id in taken
        else part
        for part in van.parts
    )
    return replace(van, parts=parts)


def _as_the_office_knows(connection: Connection) -> Van:
    for text in base_store.load_documents(connection, ENTITY):
        try:
            return parse_van(FieldReader(place=ENTITY, values=json.loads(text)))
        except ContractError:
            continue  # of a newer office: the crew types what it uses
    return Van()


def _taken(connection: Connection) -> defaultdict[str, float]:
    """Return how much was taken of each part that the office's list does not show yet."""
    is_new = outbox_op.c.status.in_(sorted(OVERLAY)) & (outbox_op.c.is_repeat == 0)
    of_parts = outbox_op.c.entity == str(FactType.PART_USED)
    taken: defaultdict[str, float] = defaultdict(float)
    for entry in load_entries(connection, of_parts & is_new):
        payload = entry.operation.payload or {}
        try:
            part = parse_part(FieldReader(place="own part", values=payload))
        except ContractError:
            continue
        taken[part.part_id] += part.quantity
    return taken
