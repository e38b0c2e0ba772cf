"""Forms of the office as rows that a tablet pulls."""

from functools import cache

from sync_server.forms.builtin_io import CHECKLISTS
from sync_server.forms.intake_io import read_form
from tests.field_app_ui.town_office import NOW_UTC
from wire_contracts.fields import JsonObject
from wire_contracts.forms.model import FORM_ENTITY, FormModel, hash_model
from wire_contracts.forms.publication import FormState, publication_json


@cache
def builtin(form_id: str) -> FormModel:
    """Return a checklist that comes with the product, as the server compiles it."""
    return read_form((CHECKLISTS / f"{form_id}.xlsx").read_bytes()).model


def published(
    model: FormModel, state: FormState = FormState.PUBLISHED
) -> tuple[str, str, JsonObject]:
    """Return the row that tablets are given of a form."""
    document = publication_json(model, state, NOW_UTC, hash_model(model))
    return FORM_ENTITY, model.key, document
