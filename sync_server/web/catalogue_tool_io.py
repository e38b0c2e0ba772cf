"""Brings the catalogues up to date: extract from the source, merge, compile.

`python -m sync_server.web.catalogue_tool_io` after a text was changed; then translate what is new.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from sync_server.web.catalogue_io import DOMAIN, LOCALE

_WEB = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"trim_blocks": "true"}}
_KEYWORDS = {"_": None, "mark": None, "gettext": None, "ngettext": (1, 2)}


_UNDATED = datetime(2026, 1, 1, tzinfo=UTC)
"""The history knows when a text changed; a date in the file would change at every run."""


def extracted() -> Catalog:
    """Return every message that the source and the templates hold."""
    catalogue = Catalog(project="Lamplighter", version="1", charset="utf-8")
    found = extract_from_dir(
        str(_WEB), method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
    )
    for name, _line, message, _comments, context in found:
        catalogue.add(message, locations=[(name, 1)], context=context)
    return catalogue


def po_path(language: str) -> Path:
    """Return where the catalogue of a language lies."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def load_po(language: str) -> Catalog:
    """Return the catalogue as translators write it."""
    with po_path(language).open("rb") as file:
        return read_po(file, locale=language)


def po_text(catalogue: Catalog) -> bytes:
    """Return the catalogue as text, sorted, without line numbers that change every day."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, sort_output=True, include_lineno=False, no_location=True, width=100)
    return buffer.getvalue()


def mo_bytes(catalogue: Catalog) -> bytes:
    """Return the catalogue as gettext reads it."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def update(language: str) -> list[str]:
    """Merge the source's messages into a catalogue; return those that still lack a translation."""
    path = po_path(language)
    catalogue = load_po(language) if path.is_file() else Catalog(locale=language, charset="utf-8")
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    _set_header(catalogue)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(po_text(catalogue))
    path.with_suffix(".mo").write_bytes(mo_bytes(catalogue))
    return [str(message.id) for message in catalogue if message.id and not _is_done(message.string)]


def _set_header(catalogue: Catalog) -> None:
    catalogue.fuzzy = False
    catalogue.header_comment = "# The control room's texts; English is the message itself."
    catalogue.project, catalogue.version = "Lamplighter", "1"
    catalogue.creation_date = catalogue.revision_date = _UNDATED
    catalogue.last_translator = catalogue.language_team = "Lamplighter"
    catalogue.msgid_bugs_address = ""


def _is_done(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) if string is None or isinstance(string, str) else all(string)


if __name__ == "__main__":
    missing = update("zh")
    sys.stdout.write("".join(f"not translated: {each}\n" for each in missing))
    sys.exit(1 if missing else 0)
