"""Writes answers of Open311 GeoReport v2 as JSON and as XML with the names of the specification."""

import json
from collections.abc import Sequence
from enum import StrEnum
from xml.sax.saxutils import escape

from sync_server.outside.geo_report import Service, Told
from wire_contracts.fields import JsonObject, JsonValue

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


class GeoFormat(StrEnum):
    """How an answer is written."""

    JSON = "json"
    XML = "xml"


MEDIA_TYPES = {GeoFormat.JSON: "application/json", GeoFormat.XML: "text/xml; charset=utf-8"}


def services_text(found: Sequence[Service], form: GeoFormat) -> bytes:
    """Return the list of services."""
    rows: list[JsonObject] = [
        {
            "service_code": each.service_code,
            "service_name": each.service_name,
            "description": each.description,
            "metadata": False,
            "type": "realtime",
            "keywords": ",".join(each.keywords),
            "group": each.group,
        }
        for each in found
    ]
    return _text("services", "service", rows, form)


def requests_text(found: Sequence[Told], form: GeoFormat) -> bytes:
    """Return requests with what is told of them; absent values are null, or empty elements."""
    rows: list[JsonObject] = [
        {
            "service_request_id": each.service_request_id,
            "status": each.status,
            "status_notes": each.status_notes or None,
            "service_name": each.service_name,
            "service_code": each.service_code,
            "description": None,
            "agency_responsible": None,
            "service_notice": None,
            "requested_datetime": each.requested_datetime,
            "updated_datetime": each.updated_datetime,
            "expected_datetime": each.expected_datetime or None,
            "address": None,
            "lat": None,
            "long": None,
            "media_url": None,
        }
        for each in found
    ]
    return _text("service_requests", "request", rows, form)


def taken_text(request_id: str, notice: str, form: GeoFormat) -> bytes:
    """Return the answer to a request that was taken."""
    row: JsonObject = {
        "service_request_id": request_id,
        "service_notice": notice or None,
        "account_id": None,
    }
    return _text("service_requests", "request", [row], form)


def error_text(status: int, text: str, form: GeoFormat) -> bytes:
    """Return why a request is refused."""
    return _text("errors", "error", [{"code": str(status), "description": text}], form)


def _text(root: str, one: str, rows: Sequence[JsonObject], form: GeoFormat) -> bytes:
    if form is GeoFormat.JSON:
        return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    inner = "".join(
        f"<{one}>{''.join(_element(name, value) for name, value in row.items())}</{one}>"
        for row in rows
    )
    return f"{_HEAD}<{root}>{inner}</{root}>".encode()


def _element(name: str, value: JsonValue) -> str:
    if value is None:
        return f"<{name}/>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    plain = "".join(each for each in text if each >= " " or each in "\n\t")
    return f"<{name}>{escape(plain)}</{name}>"
