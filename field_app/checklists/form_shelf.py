"""Owns the forms of the office as this tablet has pulled them, each compiled once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from field_app.checklists.form_gas import gas_places
from field_app.store import base_store
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.forms.evaluation import UnknownFunctionError
from wire_contracts.forms.model import FORM_ENTITY, parse_model
from wire_contracts.forms.publication import FormHead, is_for, newest_valid, parse_head
from wire_contracts.forms.references import CircleError
from wire_contracts.forms.session import CompiledForm


class FormGoneError(LookupError):
    """The form is not on this tablet, or this version of the app cannot read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvedForm:
    """One version of a form, ready to be filled in."""

    head: FormHead
    form: CompiledForm
    gas_places: frozenset[str] = frozenset()


class FormShelf:
    """The published forms; used on the thread of the store."""

    def __init__(self) -> None:
        """Begin with nothing compiled."""
        self._compiled: dict[str, ShelvedForm] = {}
        self._heads: dict[str, FormHead | None] = {}

    def offers(
        self, connection: Connection, about: str, purposes: Iterable[str], now_utc: datetime
    ) -> list[FormHead]:
        """Return the forms to begin with now that are meant for a kind of thing, by their id."""
        wanted = frozenset(purposes)
        found = newest_valid(self._current(connection), now_utc)
        return [found[each] for each in sorted(found) if is_for(found[each], about, wanted)]

    def newest(self, connection: Connection, form_id: str, now_utc: datetime) -> ShelvedForm:
        """Return the version to begin with now; raise FormGoneError when there is none."""
        found = newest_valid(self._current(connection), now_utc).get(form_id)
        if found is None:
            message = (
                f"form {form_id}: is not on this tablet; sync, or ask the office to publish it"
            )
            raise FormGoneError(message)
        return self.version(connection, found.key)

    def version(self, connection: Connection, key: str) -> ShelvedForm:
        """Return one version by `FORM@VERSION`, a withdrawn one too; raise FormGoneError."""
        row = base_store.load_row(connection, FORM_ENTITY, key)
        if row is None:
            message = f"form {key}: is not on this tablet; sync and open it again"
            raise FormGoneError(message)
        reader = FieldReader(place=f"form {key}", values=row.document)
        try:
            head = parse_head(reader)
            known = self._compiled.get(head.sha256)
            if known is None or known.head != head:
                model = parse_model(reader.object("model"))
                known = ShelvedForm(
                    head=head, form=CompiledForm(model), gas_places=gas_places(model)
                )
                self._compiled[head.sha256] = known
        except (ContractError, UnknownFunctionError, CircleError) as error:
            message = f"form {key}: cannot be read by this app: {error}"
            raise FormGoneError(message) from error
        return known

    def find(self, connection: Connection, key: str) -> ShelvedForm | None:
        """Return one version by `FORM@VERSION`; None of one that has left or cannot be read."""
        try:
            return self.version(connection, key)
        except FormGoneError:
            return None

    def gas_places(self, connection: Connection, key: str) -> frozenset[str]:
        """Return which places of one version measure gas; none of a version that has left."""
        found = self.find(connection, key)
        return frozenset() if found is None else found.gas_places

    def _current(self, connection: Connection) -> list[FormHead]:
        """Return the heads that this app can read; a document is taken apart once."""
        texts = base_store.load_documents(connection, FORM_ENTITY)
        self._heads = {
            text: self._heads[text] if text in self._heads else _head(text) for text in texts
        }
        return [head for head in self._heads.values() if head is not None]


def _head(text: str) -> FormHead | None:
    """Return the head of a published form, None for one of a later app."""
    document: JsonValue = json.loads(text)
    if not isinstance(document, dict):
        return None
    try:
        return parse_head(FieldReader(place=FORM_ENTITY, values=document))
    except ContractError:
        return None
