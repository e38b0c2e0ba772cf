"""The document for a person with a manual does what it says: its commands run, and print that."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "add-a-meter.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- (file|append): (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A file to write, a text to append, or a command and what it prints."""

    action: str
    target: str
    content: str


def steps() -> list[Step]:
    """Return the files and commands of the document in their order."""
    found: list[Step] = []
    for action, target, language, content in BLOCK.findall(TEXT):
        if action:
            found.append(Step(action=action, target=target, content=content))
        elif language == "console":
            commands = re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]
            parts = [command.partition("\n") for command in commands]
            found += [Step(action="run", target=line, content=shown) for line, _, shown in parts]
    return found


def run(command: str, folder: Path) -> str:
    """Return what a command prints, both streams, as a person sees it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


def test_every_command_of_the_document_prints_what_it_shows(tmp_path: Path) -> None:
    for step in steps():
        if step.action == "file":
            (tmp_path / step.target).write_text(step.content, encoding="utf-8")
        elif step.action == "append":
            with (tmp_path / step.target).open("a", encoding="utf-8") as file:
                file.write(step.content)
        else:
            assert run(step.target, tmp_path) == step.content, step.target


@pytest.mark.parametrize("mistake", ["Off by one", "Word order", "Scale", "Gauge or absolute"])
def test_the_usual_mistakes_are_named(mistake: str) -> None:
    assert f"**{mistake}.**" in TEXT


def test_the_document_is_more_than_words() -> None:
    actions = [step.action for step in steps()]

    assert actions.count("run") >= 12
    assert actions.count("file") >= 2
