"""Loads the gettext catalogues: English is in the source, Chinese in `sync_server/locale`."""

from gettext import GNUTranslations, NullTranslations
from pathlib import Path

LOCALE = Path(__file__).parent.parent / "locale"
DOMAIN = "control_room"


def load_catalogues() -> dict[str, NullTranslations]:
    """Return language -> catalogue; raise FileNotFoundError when the Chinese one is not there."""
    path = LOCALE / "zh" / "LC_MESSAGES" / f"{DOMAIN}.mo"
    with path.open("rb") as file:
        return {"en": NullTranslations(), "zh": GNUTranslations(file)}
