"""Decides how the place at which the screens stand is written down, and read again."""

from dataclasses import dataclass

_PARTS = "|"
"""Stands between place, order and tool; none of them holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlace:
    """Where the screens stand.

    Attributes:
        place: Key of the navigation, such as `orders`; empty: nowhere.
        order_id: The order that is open there, empty without one.
        tool: Tool or page on top of it, empty without one.
    """

    place: str = ""
    order_id: str = ""
    tool: str = ""

    def text(self) -> str:
        """Return the place as it is kept."""
        return _PARTS.join((self.place, self.order_id, self.tool))


def parse_kept(text: str) -> KeptPlace:
    """Return the place that was kept; nowhere for an empty text."""
    place, _, rest = text.partition(_PARTS)
    order_id, _, tool = rest.partition(_PARTS)
    return KeptPlace(place=place, order_id=order_id, tool=tool)
