"""Values that are worked out when somebody looks at the first of them, which seldom happens."""

from collections.abc import Callable, Iterator, Mapping


class LaterValues(Mapping[str, object]):
    """A mapping that is made when it is read."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Mapping[str, object]]) -> None:
        """Keep how it is made."""
        self._make = make
        self._made: Mapping[str, object] | None = None

    def __getitem__(self, name: str) -> object:  # type: ignore[explicit-override]  # Python 3.12
        """Return one value."""
        return self._values()[name]

    def __iter__(self) -> Iterator[str]:  # type: ignore[explicit-override]  # Python 3.12
        """Return the names."""
        return iter(self._values())

    def __len__(self) -> int:  # type: ignore[explicit-override]  # Python 3.12
        """Return how many there are."""
        return len(self._values())

    def _values(self) -> Mapping[str, object]:
        if self._made is None:
            self._made = self._make()
        return self._made
