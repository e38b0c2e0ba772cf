"""Every word of the tablet is in the Chinese catalogue, and the catalogue is compiled."""

import ast
import gettext
import re
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from field_app.i18n import CHINESE, DOMAIN, LOCALE_FOLDER, CatalogueWords, known_language

APP = LOCALE_FOLDER.parent
PO = LOCALE_FOLDER / CHINESE / "LC_MESSAGES" / f"{DOMAIN}.po"
CALLS = {"t", "_"}
IN_KV = re.compile(r"""\bt\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")


def catalogue() -> Catalog:
    with PO.open("rb") as stream:
        return read_po(stream)


def msgids_of_python(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if name in CALLS | {"words"} and is_text and isinstance(first, ast.Constant):
                found.add(str(first.value))
    return found - {""}


def msgids_of_kv(path: Path) -> set[str]:
    return {single or double for single, double in IN_KV.findall(path.read_text())}


@cache
def used_msgids() -> frozenset[str]:
    found: set[str] = set()
    for path in APP.rglob("*.py"):
        found |= msgids_of_python(path)
    for path in APP.rglob("*.kv"):
        found |= msgids_of_kv(path)
    return frozenset(found)


def test_every_word_is_translated() -> None:
    translated = {str(message.id) for message in catalogue() if message.id and message.string}

    assert used_msgids() - translated == set()


def test_no_translation_is_left_of_words_that_are_gone() -> None:
    known = {str(message.id) for message in catalogue() if message.id}

    assert known - used_msgids() == set()


def test_no_translation_is_a_guess() -> None:
    assert [message.id for message in catalogue() if message.id and message.fuzzy] == []


def test_the_compiled_catalogue_says_what_the_readable_one_says() -> None:
    compiled = gettext.translation(DOMAIN, LOCALE_FOLDER, languages=[CHINESE])

    differing = [
        message.id
        for message in catalogue()
        if message.id and compiled.gettext(str(message.id)) != message.string
    ]

    assert differing == []


def test_placeholders_survive_translation() -> None:
    slots = re.compile(r"\{[a-z]+\}")
    differing = [
        message.id
        for message in catalogue()
        if set(slots.findall(str(message.id))) != set(slots.findall(str(message.string)))
    ]

    assert differing == []


def test_any_code_of_chinese_is_chinese_and_all_else_english() -> None:
    codes = ["zh", "zh_CN", "zh-Hans-CN", "ZH", "en_GB", "", "de"]

    assert [known_language(code) for code in codes] == [*[CHINESE] * 4, *["en"] * 3]
    assert CatalogueWords("de")("New") == "New"
