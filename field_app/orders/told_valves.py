"""Decides which valves stay closed though a restored server knows nothing of them any more."""

from dataclasses import replace

from field_app.forms.names import plain_name
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.orders import WorkOrderDocument
from wire_contracts.site_facts import SO_FAR_MS, Handover, parse_handover


def as_told(document: WorkOrderDocument, copy: JsonObject) -> WorkOrderDocument:
    """Return an order with the valves that were closed when the former server showed it last.

    One of which this server has heard since that it is open stays out; a copy that cannot be read
    adds none.
    """
    told = _handover(copy)
    known = document.handover or Handover(note="", by="", at_ms=SO_FAR_MS)
    if told is None:
        return document
    closed = {plain_name(each.valve_id) for each in known.valves}
    opened = {plain_name(each.valve_id): each.at_ms for each in known.opened}
    lost = [
        each
        for each in told.valves
        if (key := plain_name(each.valve_id)) not in closed and opened.get(key, 0) <= each.at_ms
    ]
    if not lost:
        return document
    return replace(document, handover=replace(known, valves=(*known.valves, *lost)))


def _handover(copy: JsonObject) -> Handover | None:
    try:
        reader = FieldReader(place="copy of an order", values=copy)
        return parse_handover(reader.object("handover"))
    except ContractError:
        return None
