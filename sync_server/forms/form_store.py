"""Maps the versions of forms: taken once and never changed, published, withdrawn."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.change_store import ORG_BUCKET, Publication, publish
from sync_server.db.form_tables import FORM_VERSION
from sync_server.work_orders.fact_store import link_known_forms
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.forms.model import (
    FORM_ENTITY,
    FormModel,
    FormText,
    hash_model,
    model_json,
    parse_model,
    parse_title,
)
from wire_contracts.forms.publication import FormState, publication_json
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.payloads import dump_json


class VersionState(StrEnum):
    """What a version may be used for."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenForm:
    """A form that was compiled, with the file that it came from."""

    model: FormModel
    source: bytes
    advice: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormVersion:
    """What a list says of a version, without its questions.

    Attributes:
        advice: What pyxform advises its author.
        valid_from_utc: From when on tablets begin with it; None: it was never published.
    """

    form_id: str
    version: str
    title: FormText
    about: str
    state: VersionState
    sha256: str
    advice: Sequence[str]
    taken_by: str
    taken_at_utc: datetime
    valid_from_utc: datetime | None
    changed_by: str | None

    @property
    def key(self) -> str:
        """Return `FORM@VERSION`."""
        return f"{self.form_id}@{self.version}"


def take_form(connection: Connection, form: TakenForm, actor: str, now_utc: datetime) -> bool:
    """Keep a version as a draft; return False when the very same one is kept already.

    Answers that waited for it are linked.

    Raises:
        ContractError: Another content is kept under this version: a version never changes.
    """
    model, sha256 = form.model, hash_model(form.model)
    known = connection.execute(
        select(FORM_VERSION.c.sha256).where(FORM_VERSION.c.form_key == model.key)
    ).scalar_one_or_none()
    if known == sha256:
        return False
    if known is not None:
        raise _refusal(
            model.key,
            "is kept with another content",
            "give the sheet settings a new version: answers are pinned to it",
        )
    connection.execute(
        insert(FORM_VERSION).values(
            form_id=model.form_id,
            version=model.version,
            form_key=model.key,
            state=str(VersionState.DRAFT),
            sha256=sha256,
            source_sha256=hashlib.sha256(form.source).hexdigest(),
            source=form.source,
            model=dump_json(model_json(model)).decode(),
            advice=orjson.dumps(list(form.advice)).decode(),
            taken_by=actor,
            taken_at_ms=ms_from_utc(now_utc),
        )
    )
    link_known_forms(connection, [model.key])
    event = AuditEvent(
        actor=actor, action="form.take", subject=model.key, detail={"sha256": sha256}
    )
    append_audit(connection, event, now_utc)
    return True


def publish_form(
    connection: Connection, key: str, valid_from_utc: datetime, actor: str, now_utc: datetime
) -> None:
    """Give a version to every tablet; new answers are begun in it from `valid_from_utc` on.

    Raises:
        ContractError: There is no such version.
    """
    change = _Change(VersionState.PUBLISHED, valid_from_utc, actor, now_utc)
    _move(connection, _row(connection, key), change)


def withdraw_form(connection: Connection, key: str, actor: str, now_utc: datetime) -> None:
    """Let nobody begin with a version any more; what was begun with it can be finished.

    Raises:
        ContractError: There is no such version, or it was never published.
    """
    row = _row(connection, key)
    if row.valid_from_ms is None:
        raise _refusal(key, "was never published", "there is nothing to withdraw")
    valid_from_utc = utc_from_ms(int(row.valid_from_ms))
    change = _Change(VersionState.WITHDRAWN, valid_from_utc, actor, now_utc)
    _move(connection, row, change)


@dataclass(frozen=True, slots=True)
class _Change:
    state: VersionState
    valid_from_utc: datetime
    actor: str
    now_utc: datetime


def _move(connection: Connection, row: Row[str], change: _Change) -> None:
    connection.execute(
        update(FORM_VERSION)
        .where(FORM_VERSION.c.form_key == row.form_key)
        .values(
            state=str(change.state),
            valid_from_ms=ms_from_utc(change.valid_from_utc),
            changed_by=change.actor,
            changed_at_ms=ms_from_utc(change.now_utc),
        )
    )
    event = AuditEvent(
        actor=change.actor,
        action=f"form.{change.state}",
        subject=row.form_key,
        detail={"sha256": row.sha256, "valid_from": ms_from_utc(change.valid_from_utc)},
    )
    append_audit(connection, event, change.now_utc)
    publication = Publication(
        entity=FORM_ENTITY,
        entity_id=row.form_key,
        document=publication_json(
            _model(row), FormState(str(change.state)), change.valid_from_utc, str(row.sha256)
        ),
        buckets=frozenset({ORG_BUCKET}),
    )
    publish(connection, publication, change.now_utc)


def list_forms(connection: Connection) -> list[FormVersion]:
    """Return every version, the forms by their id, of each the newest first."""
    rows = connection.execute(
        select(FORM_VERSION).order_by(
            FORM_VERSION.c.form_id, FORM_VERSION.c.taken_at_ms.desc(), FORM_VERSION.c.version.desc()
        )
    )
    return [_version(row) for row in rows]


def find_form(connection: Connection, key: str) -> FormVersion:
    """Return one version; raise ContractError when there is none."""
    return _version(_row(connection, key))


def load_model(connection: Connection, key: str) -> FormModel:
    """Return the questions of a version; raise ContractError when there is none."""
    return _model(_row(connection, key))


def load_source(connection: Connection, key: str) -> bytes:
    """Return the file that a version came from; raise ContractError when there is none."""
    return bytes(_row(connection, key).source)


def is_known_form(connection: Connection, key: str) -> bool:
    """Return whether answers to this form and version can be read here."""
    query = select(FORM_VERSION.c.form_key).where(FORM_VERSION.c.form_key == key)
    return connection.execute(query).first() is not None


def known_keys(connection: Connection) -> frozenset[str]:
    """Return every form and version that can be read here."""
    return frozenset(connection.execute(select(FORM_VERSION.c.form_key)).scalars())


def _row(connection: Connection, key: str) -> Row[str]:
    row = connection.execute(
        select(FORM_VERSION).where(FORM_VERSION.c.form_key == key)
    ).one_or_none()
    if row is None:
        raise ContractError(
            place=f"form {key[:64]}",
            field="version",
            problem="is not kept here",
            remedy="look at the list of forms",
            code=Code.NOT_FOUND,
        )
    return row


def _model(row: Row[str]) -> FormModel:
    return parse_model(FieldReader(place=f"form {row.form_key}", values=orjson.loads(row.model)))


def _version(row: Row[str]) -> FormVersion:
    reader = FieldReader(place=f"form {row.form_key}", values=orjson.loads(row.model))
    return FormVersion(
        form_id=row.form_id,
        version=row.version,
        title=parse_title(reader),
        about=reader.text_or_empty("about", longest=64),
        state=VersionState(row.state),
        sha256=row.sha256,
        advice=tuple(orjson.loads(row.advice)),
        taken_by=row.taken_by,
        taken_at_utc=utc_from_ms(int(row.taken_at_ms)),
        valid_from_utc=None if row.valid_from_ms is None else utc_from_ms(int(row.valid_from_ms)),
        changed_by=row.changed_by,
    )


def _refusal(key: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place=f"form {key[:64]}",
        field="version",
        problem=problem,
        remedy=remedy,
        code=Code.CONFLICT,
    )
