"""Decides what a request from outside means and what of it is told: Open311 GeoReport v2.

Specification: https://wiki.open311.org/GeoReport_v2/ . Nothing personal is ever told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sync_server.service_desk.catalogue import RULES
from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.request import (
    Caller,
    Channel,
    NewRequest,
    RequestClass,
    RequestKind,
    RequestRecord,
)
from wire_contracts.orders import SafetyClass
from wire_contracts.request_states import RequestState

_LONGEST: Mapping[str, int] = {
    "address_string": 400,
    "description": 4000,
    "first_name": 100,
    "last_name": 100,
    "phone": 80,
    "media_url": 500,
    "email": 200,
}
CLOSED: Final = ENDED | {RequestState.REPLIED, RequestState.CONFIRMED, RequestState.DONE}
"""States that are `closed` outside; everything else is `open`."""

NOT_OUTSIDE: Final = frozenset({RequestKind.WHISTLE_BLOW})
"""Kinds that are not taken from outside: whoever reports somebody is heard in person."""

MOST_PER_HOUR: Final = 200
"""Requests of one key; more is a mistake or an attack."""


class GeoReportError(ValueError):
    """A request is refused; `status` is that of HTTP, the text says why and what to do."""

    def __init__(self, status: int, text: str) -> None:
        """Keep both for the answer."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service of the list."""

    service_code: str
    service_name: str
    description: str
    keywords: Sequence[str]
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What of a request is told to whoever asks with its id."""

    service_request_id: str
    status: str
    status_notes: str
    service_name: str
    service_code: str
    requested_datetime: str
    updated_datetime: str
    expected_datetime: str


def services(names: Mapping[str, str], kinds: Mapping[str, str]) -> list[Service]:
    """Return what can be asked for, in the order of the catalogue; `names` are of one language."""
    return [
        Service(
            service_code=str(each),
            service_name=names[each],
            description=f"{kinds[rule.kind]}: {names[each]}",
            keywords=rule.codes,
            group=kinds[rule.kind],
        )
        for each, rule in RULES.items()
        if rule.kind not in NOT_OUTSIDE
    ]


def parse_request(fields: Mapping[str, str], received_at_utc: datetime) -> NewRequest:
    """Return the request that the fields of a form mean.

    Raises:
        GeoReportError: No such service, no place, or a field is too long.
    """
    code = fields.get("service_code", "")
    if code not in set(RequestClass) or RULES[RequestClass(code)].kind in NOT_OUTSIDE:
        raise GeoReportError(404 if code else 400, f"service_code: {code!r} is not offered")
    for name, longest in _LONGEST.items():
        if len(fields.get(name, "")) > longest:
            raise GeoReportError(400, f"{name}: use at most {longest} characters")
    rule = RULES[RequestClass(code)]
    address = fields.get("address_string", "").strip() or _position(fields)
    if rule.order_type is not None and not address:
        raise GeoReportError(400, "address_string: is missing; send it, or lat and long")
    parts = [fields.get(name, "").strip() for name in ("description", "media_url", "email")]
    name = f"{fields.get('first_name', '').strip()} {fields.get('last_name', '').strip()}"
    return NewRequest(
        kind=rule.kind,
        request_class=RequestClass(code),
        medium=rule.medium,
        safety_class=rule.safety_class,
        priority=rule.priority,
        channel=Channel.WEB,
        address=address,
        received_at_utc=received_at_utc,
        caller=Caller(
            name=name.strip(),
            phone=fields.get("phone", "").strip(),
            words="\n".join(each for each in parts if each),
        ),
    )


def _position(fields: Mapping[str, str]) -> str:
    """Return latitude and longitude as an address, empty when there is none."""
    texts = fields.get("lat", "").strip(), fields.get("long", "").strip()
    if not any(texts):
        return ""
    try:
        latitude_deg, longitude_deg = (float(each) for each in texts)
    except ValueError:
        raise GeoReportError(400, "lat, long: send both as degrees such as 38.04") from None
    if not (-90 <= latitude_deg <= 90 and -180 <= longitude_deg <= 180):  # noqa: PLR2004  # degrees
        raise GeoReportError(400, "lat, long: lie outside the earth")
    return f"{latitude_deg:.6f}, {longitude_deg:.6f}"


def notice_for(request: NewRequest) -> str:
    """Return what whoever asked should know at once."""
    if request.safety_class is SafetyClass.A:
        return "Danger: leave the place and call the hotline now; a form is not watched like a call"
    return ""


def told(record: RequestRecord, names: Mapping[str, str], status_notes: str) -> Told:
    """Return what of a request is told outside: no address, no words, no person."""
    due = record.due_at_utc
    return Told(
        service_request_id=record.request_id,
        status="closed" if record.state in CLOSED else "open",
        status_notes=status_notes,
        service_name=names[record.request_class],
        service_code=str(record.request_class),
        requested_datetime=moment(record.received_at_utc),
        updated_datetime=moment(record.changed_at_utc),
        expected_datetime="" if due is None or record.state in CLOSED else moment(due),
    )


def moment(at_utc: datetime) -> str:
    """Return a time as W3C-DTF, such as `2026-11-02T04:00:00Z`."""
    return at_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
