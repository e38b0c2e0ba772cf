"""Owns the pages that lie on top of a place, the last one opened above the others."""

from field_app.ui.places import PlaceScreen


class Pages:
    """The pages of one navigator; `key` is by what a place opens a page again."""

    def __init__(self) -> None:
        """Begin without any."""
        self._pages: list[PlaceScreen] = []
        self._keys: list[str] = []

    def __bool__(self) -> bool:
        """Return whether a page lies on top of the place."""
        return bool(self._pages)

    @property
    def top(self) -> PlaceScreen | None:
        """Return the page on top, None when there is none."""
        return self._pages[-1] if self._pages else None

    @property
    def key(self) -> str:
        """Return by what the topmost page that has a key is opened again, empty for none."""
        return next((each for each in reversed(self._keys) if each), "")

    def open(self, page: PlaceScreen, key: str) -> None:
        """Put a page on top; what was typed below it is kept."""
        if self.top is not None:
            self.top.save()
        self._pages.append(page)
        self._keys.append(key)
        page.begin()

    def close(self) -> bool:
        """Leave the page on top; False when there is none."""
        if not self._pages:
            return False
        self._pages.pop().leave()
        self._keys.pop()
        return True

    def close_all(self) -> None:
        """Leave every page, the topmost first."""
        while self.close():
            pass

    def save(self) -> None:
        """Keep at once what was typed on any of them."""
        for page in self._pages:
            page.save()
