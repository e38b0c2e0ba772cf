"""Writes the bill of materials and the list of licences, by what is pinned and installed here."""

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from sync_server.private_files_io import PUBLIC, write_whole
from sync_server.setting_up.answers import SetUpError
from sync_server.setting_up.materials import (
    Pin,
    bill_of_materials,
    licence_list,
    page_materials,
    pins_of,
    python_materials,
)

BILL, LICENCES = "lamplighter.cdx.json", "licences.txt"
_CLASSIFIER = "License :: "
_LONGEST = 80
"""Characters of a licence's name; some packages put the whole text there."""


def write_materials(lock: Path, pages: Path, folder: Path, version: str) -> tuple[Path, Path]:
    """Write both files into a folder and return them.

    Raises:
        SetUpError: A list of pins cannot be read, or a file not written.
        ContractError: `pages` is no package-lock.json.
    """
    try:
        pins, page_pins = lock.read_text(encoding="utf-8"), pages.read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise SetUpError(f"{lock}, {pages}: cannot be read ({error}); name both lists") from error
    found = [
        *python_materials(pins, _licences(pins_of(pins))),
        *page_materials(str(pages), page_pins),
    ]
    if not found:
        raise SetUpError(f"{lock}: pins nothing; name the product's requirements.lock")
    texts = {BILL: bill_of_materials(found, version), LICENCES: licence_list(found)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text.encode(), PUBLIC)
    except OSError as error:
        raise SetUpError(f"{folder}: cannot be written ({error.strerror})") from error
    return folder / BILL, folder / LICENCES


def _licences(pins: Iterable[Pin]) -> Mapping[Pin, str]:
    """Return the licence of each pin that is installed here and names one."""
    found = {pin: _licence(*pin) for pin in pins}
    return {pin: licence for pin, licence in found.items() if licence}


def _licence(name: str, version: str) -> str:
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    if told["Version"] != version:
        return ""
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier") or []
        if each.startswith(_CLASSIFIER)
    ]
    (expression, *_) = told.get_all("License-Expression") or [""]
    (text, *_) = told.get_all("License") or [""]
    line = str(text).strip().partition("\n")[0][:_LONGEST]
    return str(expression) or " AND ".join(classifiers) or line
