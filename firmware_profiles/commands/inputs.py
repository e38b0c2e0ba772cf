"""What a person gives a command: a profile by its name, and words in any form they copy from."""

import base64
import binascii
import json
import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path

from firmware_profiles.errors import WordsError
from firmware_profiles.library_io import (
    available_drafts,
    load_draft,
    load_profile,
    load_profile_file,
)
from firmware_profiles.profile import Profile
from firmware_profiles.words import (
    HIGHEST_ADDRESS,
    HIGHEST_UNIT_OFFSET,
    HIGHEST_WORD,
    Span,
    WordAddress,
    unpack_words,
)

PROFILE_HELP = "ID@REVISION, the id of a draft, or a file"

_WORD = re.compile(r"(?:0x)?([0-9A-Fa-f]{4})")
_SPACE = re.compile(r"([1-4])(?:\+([0-9]{1,3}))?")
_TABLES = {"coils": "1", "discrete": "2", "holding": "3", "input": "4"}
"""Names of the four tables of Modbus that people write instead of the function code."""

_REMEDY = 'give hex such as "C148 0000", a list, or {"3": {"1024": [49480, 0]}}'


def find_profile(name: str, directory: Path | None) -> Profile:
    """Return the profile that a person named; raise ProfileError when there is none."""
    if name.endswith(".toml"):
        return load_profile_file(Path(name), is_draft_allowed=True)
    if name in available_drafts():
        return load_draft(name)
    return load_profile(name, directory)


def read_image(options: Namespace) -> dict[WordAddress, int]:
    """Return the words of `--registers`, `--words` or `--raw`.

    Raises:
        WordsError: They are in none of the forms.
    """
    if options.raw is not None:
        try:
            return unpack_words(base64.b64decode(options.raw, validate=True))
        except binascii.Error as error:
            message = "--raw: is not base64; give the raw of a frame as it is"
            raise WordsError(message) from error
    if options.registers is None:
        return _words_at(options.words, "--words", options.fc, options.address)
    text = _read_text(options.registers)
    if text.strip() in {"", "[]", "{}"}:
        message = "--registers: holds no words; give hex, JSON or @FILE of these"
        raise WordsError(message)
    if text.lstrip().startswith(("{", "[")):
        return _parse_json(text, options.fc, options.address)
    return _words_at(text, "--registers", options.fc, options.address)


def _read_text(argument: str) -> str:
    if not argument.startswith("@"):
        return argument
    try:
        return Path(argument[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"--registers: {argument[1:]} cannot be read; name a text file after the @"
        raise WordsError(message) from error


def _words_at(text: str, option: str, function_code: int, address: int) -> dict[WordAddress, int]:
    """Return hexadecimal words, with or without blanks, commas and 0x, from an address on."""
    parts = text.replace(",", " ").split()
    if len(parts) == 1 and len(parts[0]) % 4 == 0 and not parts[0].startswith("0x"):
        parts = [parts[0][at : at + 4] for at in range(0, len(parts[0]), 4)]
    words = [_word(part, option) for part in parts]
    return _placed(words, Span(function_code=function_code, address=address, word_count=1))


def _word(text: str, option: str) -> int:
    found = _WORD.fullmatch(text)
    if found is not None:
        return int(found[1], 16)
    message = f"{option}: {text!r} is no word; write four hexadecimal digits per word"
    raise WordsError(message)


def _placed(words: list[int], first: Span) -> dict[WordAddress, int]:
    if not 0 <= first.address <= HIGHEST_ADDRESS + 1 - len(words):
        message = f"--address: {first.address} is outside 0..65535; it is zero-based"
        raise WordsError(message)
    return {(first.space, first.address + offset): word for offset, word in enumerate(words)}


def _parse_json(text: str, function_code: int, address: int) -> dict[WordAddress, int]:
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"--registers: is no JSON ({error}); {_REMEDY}"
        raise WordsError(message) from error
    start = Span(function_code=function_code, address=address, word_count=1)
    return {at: word for block in _blocks(document, start) for at, word in block.items()}


def _blocks(document: object, start: Span) -> Iterator[dict[WordAddress, int]]:
    """Yield the words of each address: a list at the start, or tables by function and address."""
    if isinstance(document, str):
        yield _words_at(document, "--registers", start.function_code, start.address)
    elif isinstance(document, int) and not isinstance(document, bool):
        yield _placed([_json_word(document)], start)
    elif isinstance(document, list):
        yield _placed([_json_word(item) for item in document], start)
    elif isinstance(document, Mapping):
        for key, value in document.items():
            is_space = isinstance(value, Mapping)
            yield from _blocks(value, _space(key, start) if is_space else _address(key, start))
    else:
        message = f"--registers: {document!r} is no list of words; {_REMEDY}"
        raise WordsError(message)


def _space(key: str, start: Span) -> Span:
    found = _SPACE.fullmatch(_TABLES.get(key, key))
    if found is None or int(found[2] or 0) > HIGHEST_UNIT_OFFSET:
        message = f"--registers: {key!r} is no function code; {_REMEDY}"
        raise WordsError(message)
    return Span(
        unit_offset=int(found[2] or 0),
        function_code=int(found[1]),
        address=start.address,
        word_count=1,
    )


def _address(key: str, start: Span) -> Span:
    if not key.isdecimal() or not key.isascii() or int(key[:6]) > HIGHEST_ADDRESS:
        message = f"--registers: {key!r} is no address; it is zero-based, 0..65535"
        raise WordsError(message)
    return Span(
        unit_offset=start.unit_offset,
        function_code=start.function_code,
        address=int(key),
        word_count=1,
    )


def _json_word(item: object) -> int:
    if isinstance(item, str):
        return _word(item, "--registers")
    if isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= HIGHEST_WORD:
        return item
    message = f"--registers: {item!r} is no word; write 0..65535, or hex in quotes"
    raise WordsError(message)
