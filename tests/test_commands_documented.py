"""Every command and every option that a person can type stands in the document of its part."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

import edge_gateway.__main__
import field_app.__main__
import firmware_profiles.__main__
import meter_telegrams.__main__
import sync_server.__main__
import sync_server.setting_up.__main__

DOCS = Path(__file__).resolve().parent.parent / "docs"
PARTS = {
    "edge-gateway": (edge_gateway.__main__._parser, "gateway.md"),
    "field-app": (field_app.__main__._parser, "tablet.md"),
    "firmware-profiles": (firmware_profiles.__main__._parser, "profiles.md"),
    "lamplighter": (sync_server.setting_up.__main__._parser, "operate.md"),
    "meter-telegrams": (meter_telegrams.__main__._parser, "telegrams.md"),
    "sync-server": (sync_server.__main__._parser, "server.md"),
}


def typed(parser: argparse.ArgumentParser, command: str) -> Iterator[str]:
    """Yield each command as it is typed, and each long option and fixed choice."""
    inner = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not inner:
        yield command
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            yield from (name for name in action.option_strings if name.startswith("--"))
    for group in inner:
        for name, below in group.choices.items():
            yield from typed(below, f"{command} {name}")


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_command_and_option_is_documented(part: str) -> None:
    parser_of, document = PARTS[part]
    text = (DOCS / document).read_text(encoding="utf-8")
    words = set(typed(parser_of(), part))

    assert words
    assert sorted(word for word in words if word not in text) == []


def shown(part: str) -> Iterator[list[str]]:
    """Yield the words behind the part's name, for every line of a document that begins with it."""
    for path in sorted(DOCS.glob("*.md")):
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split("#")[0].split()
            if words[:1] == [part] and len(words) > 1:
                yield words[1:]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_command_line_in_the_documents_is_understood(part: str) -> None:
    known = {word.removeprefix(part).strip() for word in typed(PARTS[part][0](), part)}
    commands = [word.split() for word in known if word and not word.startswith("-")]
    strange = [
        words
        for words in shown(part)
        if not words[0].startswith("-")
        and not any(words[: len(command)] == command for command in commands)
    ]

    assert strange == []
