"""Who is to be met at an order: personal data, sent apart from the order (RULINGS R19)."""

from dataclasses import dataclass
from datetime import datetime

from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import EARLIEST_MS, LATEST_MS, ms_from_utc, utc_from_ms

ENTITY = "order_person"
"""The entity type in sync messages; its id is the order's."""

_LONGEST_NAME = 200
_LONGEST_PHONE = 80
_LONGEST_NOTE = 4000
_LONGEST_SALT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPerson:
    """The person of one order, empty texts where nothing is known.

    Attributes:
        name: How to address them.
        phone: Their number, as told.
        note: How to get in, whom to ring first.
        appointment_at_utc: When they expect the crew, if that was agreed.
        salt: Random, made by the server and never shown. It goes into the row's hash, so that who
            knows name and number cannot find them again by the hash, which a tablet keeps in clear.
    """

    name: str
    phone: str = ""
    note: str = ""
    appointment_at_utc: datetime | None = None
    salt: str = ""


def order_person_json(person: OrderPerson) -> JsonObject:
    """Return the person as the document of a row."""
    at_utc = person.appointment_at_utc
    document: JsonObject = {
        "name": person.name,
        "phone": person.phone,
        "note": person.note,
        "appointment_at": None if at_utc is None else ms_from_utc(at_utc),
    }
    return {**document, "salt": person.salt} if person.salt else document


def parse_order_person(reader: FieldReader) -> OrderPerson:
    """Return the person; raise ContractError that names the field."""
    has_appointment = reader.has("appointment_at")
    return OrderPerson(
        name=_text(reader, "name", _LONGEST_NAME),
        phone=_text(reader, "phone", _LONGEST_PHONE),
        note=_text(reader, "note", _LONGEST_NOTE),
        appointment_at_utc=utc_from_ms(
            reader.integer("appointment_at", low=EARLIEST_MS, high=LATEST_MS)
        )
        if has_appointment
        else None,
        salt=_text(reader, "salt", _LONGEST_SALT),
    )


def _text(reader: FieldReader, key: str, longest: int) -> str:
    return reader.text(key, longest=longest) if reader.values.get(key) else ""
