"""Decides what a certificate is for, whose it may be, and how long it is good."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms

AUTHORITY_LIFE: Final = timedelta(days=3653)
"""Ten years: longer than the boxes at the meters stay (judgement); docs/operation.md has the drill
for its end."""

SERVER_LIFE: Final = timedelta(days=825)
"""What browsers accept of a private authority at the most (Apple's rule for certificates issued
from July 2019 on)."""

CLIENT_LIFE: Final = timedelta(days=1096)
"""Three years: a gateway says 30 days ahead that its certificate ends (judgement)."""

CLOCK_DOUBT: Final = timedelta(hours=1)
"""A certificate is good from this long before it was made: the clock of a box may be behind."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


class AuthorityError(RuntimeError):
    """What the authority cannot do; the text reads `place: field: problem; remedy`."""


class Purpose(StrEnum):
    """What a certificate proves."""

    SERVER = "server"
    """That a broker or a web server is the one whose name was asked for."""

    CLIENT = "client"
    """Which gateway (or which server) speaks to the broker: its common name is the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that was made.

    Attributes:
        serial: Its number, hexadecimal.
        name: The common name.
        purpose: What it proves.
        made_at_utc: When it was made.
        until_utc: Until when it is good.
        revoked_at_utc: When it was revoked; None: it was not.
    """

    serial: str
    name: str
    purpose: Purpose
    made_at_utc: datetime
    until_utc: datetime
    revoked_at_utc: datetime | None = None


def check_name(name: str) -> str:
    """Return a common name that is safe as a file's name and as a broker's account.

    Raises:
        AuthorityError: It is not: letters, digits, dot, dash and underscore, 64 at the most, begun
            and ended by a letter or digit.
    """
    if _NAME.fullmatch(name) is None or ".." in name:
        raise AuthorityError(
            f"{name!r}: name: is no name of a gateway or host; use at most 64 letters, digits,"
            " dots, dashes and underscores"
        )
    return name


def life_of(purpose: Purpose) -> timedelta:
    """Return how long a certificate is good."""
    return SERVER_LIFE if purpose is Purpose.SERVER else CLIENT_LIFE


def issued_json(issued: Issued) -> JsonObject:
    """Return a line of the authority's record."""
    revoked = issued.revoked_at_utc
    return {
        "serial": issued.serial,
        "name": issued.name,
        "purpose": issued.purpose.value,
        "made_at_ms": ms_from_utc(issued.made_at_utc),
        "until_ms": ms_from_utc(issued.until_utc),
        "revoked_at_ms": None if revoked is None else ms_from_utc(revoked),
    }


_LATEST_MS: Final = 253_402_300_799_000
"""The end of the year 9999."""


def parse_issued(reader: FieldReader) -> Issued:
    """Return a line of the authority's record; raise ContractError for another."""
    revoked = (
        reader.integer("revoked_at_ms", low=0, high=_LATEST_MS)
        if reader.has("revoked_at_ms")
        else None
    )
    return Issued(
        serial=reader.text("serial", longest=64),
        name=reader.text("name", longest=64),
        purpose=reader.choice("purpose", Purpose),
        made_at_utc=utc_from_ms(reader.integer("made_at_ms", low=0, high=_LATEST_MS)),
        until_utc=utc_from_ms(reader.integer("until_ms", low=0, high=_LATEST_MS)),
        revoked_at_utc=None if revoked is None else utc_from_ms(revoked),
    )
