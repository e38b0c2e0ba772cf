"""Owns the checklists that come with the product, and puts them into a fresh server."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from sync_server.db.engine_io import reading
from sync_server.forms.form_store import TakenForm, known_keys, publish_form, take_form

CHECKLISTS: Final = Path(__file__).parent / "checklists"
"""Each as a table to be read (`.md`) and as the XLSX made of it."""

BY_PRODUCT: Final = "product default"


def builtin_files() -> list[Path]:
    """Return the XLSX files, by their names."""
    return sorted(CHECKLISTS.glob("*.xlsx"))


def read_builtin_forms() -> Iterator[TakenForm]:
    """Yield every built-in checklist; takes about 0.1 s each."""
    from sync_server.forms.intake_io import read_form  # noqa: PLC0415  # only where it is needed

    for path in builtin_files():
        yield read_form(path.read_bytes())


def install_builtin_forms(engine: Engine, now_utc: datetime) -> list[str]:
    """Take and publish the checklists that no version of is kept; return their keys.

    A form that the office has taken under the same name stays as the office wants it.
    """
    with reading(engine) as connection:
        known = {key.rpartition("@")[0] for key in known_keys(connection)}
    if all(path.stem in known for path in builtin_files()):
        return []
    fresh = [form for form in read_builtin_forms() if form.model.form_id not in known]
    with engine.begin() as connection:
        for form in fresh:
            take_form(connection, form, BY_PRODUCT, now_utc)
            publish_form(connection, form.model.key, now_utc, BY_PRODUCT, now_utc)
    return [form.model.key for form in fresh]
