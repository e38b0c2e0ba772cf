"""Decides what is asked of whoever sets up a site, and which answers cannot be used."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class SetUpError(ValueError):
    """An answer that cannot be used; the text reads `place: field: problem; remedy`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: the flag that answers it, and what holds when it is left empty."""

    flag: str
    text: str
    usual: str


QUESTIONS: Sequence[Question] = (
    Question(flag="host", text="Name of this machine, as gateways and people reach it", usual=""),
    Question(flag="site", text="Name of the utility", usual="Lamplighter"),
    Question(flag="time-zone", text="Time zone of the site", usual="Asia/Shanghai"),
    Question(flag="language", text="Language of the pages, zh or en", usual="zh"),
    Question(
        flag="database",
        text="PostgreSQL (postgresql+psycopg://USER@HOST/NAME), or empty for a file",
        usual="",
    ),
)
"""Asked in this order; each can be given as a flag instead."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a site is set up from."""

    host: str
    site: str
    time_zone: str
    language: str
    database: str


def answers_of(given: Mapping[str, str]) -> Answers:
    """Return the answers by flag, what is left empty as usual.

    Raises:
        SetUpError: One of them cannot be used.
    """
    said = {each.flag: given.get(each.flag, "").strip() or each.usual for each in QUESTIONS}
    if not _HOST.fullmatch(said["host"]):
        raise SetUpError(
            f"setup: host: {said['host']!r} is no host name; give a name such as lamp.example.com"
        )
    for flag, text in said.items():
        if not text.isprintable() or '"' in text or "\\" in text:
            raise SetUpError(f"setup: {flag}: {text!r} cannot be written; leave out quotes")
    return Answers(
        host=said["host"],
        site=said["site"],
        time_zone=said["time-zone"],
        language=said["language"],
        database=said["database"],
    )
