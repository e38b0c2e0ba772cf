"""Packs the answers of a form as a file to be downloaded or written."""

import io
import zipfile
from typing import Final

from sqlalchemy import Connection

from sync_server.forms.answer_table import answers_csv
from sync_server.forms.answer_xml import answers_xml
from sync_server.forms.answers_store import answers_of
from sync_server.forms.form_store import known_keys, list_forms, load_model
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.forms.model import FormModel

_UNDATED: Final = (2026, 1, 1, 0, 0, 0)


def export_csv(connection: Connection, form_id: str) -> bytes:
    """Return the answers to every version of a form as CSV; raise ContractError without one."""
    model = _newest_model(connection, form_id)
    return answers_csv(model, answers_of(connection, form_id)).encode()


def export_openrosa(connection: Connection, form_id: str) -> bytes:
    """Return a ZIP with one OpenRosa submission per answer set; raise ContractError without a form.

    Each is written in the order of the version it was answered in.
    """
    newest = _newest_model(connection, form_id)
    known = known_keys(connection)
    models: dict[str, FormModel] = {}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for kept in answers_of(connection, form_id):
            key = kept.answers.form
            if key not in models:
                models[key] = load_model(connection, key) if key in known else newest
            name = zipfile.ZipInfo(f"{kept.fact_id}.xml", _UNDATED)
            name.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(name, answers_xml(models[key], kept))
    return packed.getvalue()


def _newest_model(connection: Connection, form_id: str) -> FormModel:
    keys = [each.key for each in list_forms(connection) if each.form_id == form_id]
    if not keys:
        raise ContractError(
            place="forms",
            field="form",
            problem=f"{form_id[:64]!r} is not kept here",
            remedy="`sync-server forms` lists them",
            code=Code.NOT_FOUND,
        )
    return load_model(connection, keys[0])
