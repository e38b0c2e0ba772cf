"""How the server turns a tablet's request away: a code, words for people, and whether to wipe."""

from dataclasses import dataclass

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject, JsonValue

LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The body of every answer that is not a success.

    Attributes:
        code: The stable reason; None for one that is newer than this reader.
        text: `place: field: problem; remedy`, for people.
        must_wipe: The tablet was revoked: received data is forgotten now. What is unsent is never
            touched by it: it goes in sealed first (RULINGS R4).
    """

    code: Code | None
    text: str
    must_wipe: bool = False


def refusal_json(refusal: Refusal) -> JsonObject:
    """Return the body as JSON; `wipe` is there only when it is true."""
    body: dict[str, JsonValue] = {
        "code": None if refusal.code is None else str(refusal.code),
        "text": refusal.text,
    }
    return body | {"wipe": True} if refusal.must_wipe else body


def parse_refusal(root: FieldReader) -> Refusal:
    """Return the refusal; whatever cannot be read counts as not said, so that nothing is raised."""
    code, text = root.values.get("code"), root.values.get("text")
    return Refusal(
        code=Code(code) if isinstance(code, str) and code in set(Code) else None,
        text=text[:LONGEST_TEXT] if isinstance(text, str) else "",
        must_wipe=root.values.get("wipe") is True,
    )
