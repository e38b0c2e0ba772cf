"""Owns how a person wants the pages: language and theme."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from sync_server.db.page_tables import PERSON_PREFERENCE

LANGUAGES = ("zh", "en")
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A person's choice; `language` is `zh` or `en`, `theme` is `light` or `dark`."""

    language: str
    theme: str


def load_preference(connection: Connection, account_id: str, language: str) -> Preference:
    """Return the person's choice; until there is one, the account's language and light pages."""
    row = connection.execute(
        select(PERSON_PREFERENCE).where(PERSON_PREFERENCE.c.account_id == account_id)
    ).one_or_none()
    if row is None:
        return Preference(language="zh" if language.startswith("zh") else "en", theme="light")
    return Preference(language=row.language, theme=row.theme)


def save_preference(connection: Connection, account_id: str, preference: Preference) -> None:
    """Keep the person's choice in place of the former one.

    Raises:
        ValueError: Language or theme is not one of `LANGUAGES` and `THEMES`.
    """
    if preference.language not in LANGUAGES or preference.theme not in THEMES:
        message = f"preference: {preference}: is not offered; choose one of {LANGUAGES}, {THEMES}"
        raise ValueError(message)
    mine = PERSON_PREFERENCE.c.account_id == account_id
    connection.execute(delete(PERSON_PREFERENCE).where(mine))
    connection.execute(
        insert(PERSON_PREFERENCE).values(
            account_id=account_id, language=preference.language, theme=preference.theme
        )
    )
