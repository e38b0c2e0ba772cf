"""The answers of a form as a tree of elements, which paths lead through."""

from collections.abc import Iterator, Sequence

from wire_contracts.forms.model import FormNode


class Element:
    """One question, group or repeat as it stands, or one row of a choice list.

    Attributes:
        name: Its name.
        parent: What holds it; None for a root.
        node: What the form says of it; None for a row of a list.
        text: Its answer, empty when there is none.
        is_relevant: Whether it is asked now; what is not asked is not seen by any path.
    """

    __slots__ = ("_by_name", "is_relevant", "name", "node", "parent", "text")

    def __init__(
        self, name: str, parent: "Element | None" = None, node: FormNode | None = None
    ) -> None:
        """Make an element without an answer; `add` puts it into its parent."""
        self.name = name
        self.parent = parent
        self.node = node
        self.text = ""
        self.is_relevant = True
        self._by_name: dict[str, list[Element]] = {}

    def add(self, child: "Element") -> None:
        """Put a child behind those of its name."""
        self._by_name.setdefault(child.name, []).append(child)

    def remove(self, child: "Element") -> None:
        """Take a child away."""
        self._by_name[child.name].remove(child)

    def named(self, name: str) -> Sequence["Element"]:
        """Return the children of a name, asked or not."""
        return self._by_name.get(name, ())

    def children(self) -> Iterator["Element"]:
        """Yield the children in the order of the form."""
        for same in self._by_name.values():
            yield from same

    def position(self) -> int:
        """Return which one of its name it is, from 1."""
        return 1 if self.parent is None else self.parent.named(self.name).index(self) + 1

    def walk(self) -> Iterator["Element"]:
        """Yield this element and everything below it, in the order of the form."""
        yield self
        for child in self.children():
            yield from child.walk()

    def string_value(self) -> str:
        """Return the answer, of a group the answers of all that is asked in it."""
        if not self._by_name:
            return self.text
        return "".join(each.string_value() for each in self.children() if each.is_relevant)
