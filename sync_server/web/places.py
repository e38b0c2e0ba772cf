"""Where something is, in one reader's language: the community's name, then the street address."""

from dataclasses import dataclass

from sync_server.web.words import Words

_HAN_FIRST, _HAN_LAST = "\u4e00", "\u9fff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in two parts that a page sets apart.

    Attributes:
        community: Its name in the reader's language; empty when the address says it.
        address: The street address as it was registered, without the community's name.
        language: `zh-CN` where the address is Chinese on another language's page, else empty.
    """

    community: str
    address: str
    language: str

    @property
    def text(self) -> str:
        """Return both parts in one line."""
        return " ".join(part for part in (self.community, self.address) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceNames:
    """A community's name in both languages."""

    en: str
    zh: str


def place_for(words: Words, name_en: str, name_zh: str, address: str) -> Place:
    """Return the place for a reader; no name is said twice, in whatever language.

    A Chinese reader gets the address as registered when it names the community. An English reader
    gets the English name in its stead.
    """
    own, other = (name_zh, "") if words.language == "zh" else (name_en, name_zh)
    community = "" if own in address else own
    rest = _without(address, other) if community else address
    is_foreign = words.language != "zh" and any(
        _HAN_FIRST <= letter <= _HAN_LAST for letter in rest
    )
    return Place(community=community, address=rest, language="zh-CN" if is_foreign else "")


def _without(address: str, name: str) -> str:
    if not name:
        return address
    for said in (f"（{name}）", f"({name})", name):
        if said in address:
            before, _, after = address.partition(said)
            return " ".join(f"{before.rstrip()} {after.lstrip()}".split())
    return address
