"""Which questions an expression looks at, and in which order questions can be computed."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wire_contracts.forms.model import FormModel, FormNode, FormText, walk
from wire_contracts.forms.trees import Path, Step, Tree, inner_trees

ROOT_DEPTH: Final = 1


class CircleError(ValueError):
    """Questions wait for each other; `paths` names them."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Keep the paths."""
        super().__init__(f"these depend on each other: {', '.join(paths)}")
        self.paths = tuple(paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Who looks at whom.

    Attributes:
        order: Paths in an order in which every one comes behind what it looks at.
        computing: Path -> paths whose relevance, value or count looks at it, ascending in `order`.
        showing: Path -> paths of which anything else looks at it: limits, texts, choices.
    """

    order: Sequence[str]
    computing: Mapping[str, Sequence[str]]
    showing: Mapping[str, frozenset[str]]


def root_of(model: FormModel) -> str:
    """Return the name of the form's root; `data` for a form without questions."""
    return model.nodes[0].path.split("/")[1] if model.nodes else "data"


def children_by_path(model: FormModel) -> dict[str, tuple[str, ...]]:
    """Return path -> paths of what it holds, for the root and every group."""
    found = {f"/{root_of(model)}": tuple(node.path for node in model.nodes)}
    for node in walk(model.nodes):
        found[node.path] = tuple(child.path for child in node.children)
    return found


def references(tree: Tree, at: str, children: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the paths that an expression of the node `at` looks at."""
    return frozenset(_references(tree, at, at, children))


def _references(
    tree: Tree, at: str | None, rule: str, children: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield the paths; `at` is None inside the rows of a choice list."""
    if not isinstance(tree, Path):
        for inner in inner_trees(tree):
            yield from _references(inner, at, rule, children)
        return
    if tree.origin is not None:
        yield from _references(tree.origin, at, rule, children)
    places: list[str] = _start(tree, at, rule)
    for step in tree.steps:
        places = [each for place in places for each in _steps(place, step, children)]
        inside: Sequence[str | None] = places or [None]
        for predicate in step.predicates:
            for place in inside:
                yield from _references(predicate, place, rule, children)
    yield from (place for place in places if place)


def _start(tree: Path, at: str | None, rule: str) -> list[str]:
    if tree.is_absolute:
        return [""]
    if tree.origin is not None:
        return [rule] if tree.origin.name == "current" else []
    return [] if at is None else [at]


def _steps(place: str, step: Step, children: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if step.name == ".":
        return [place]
    if step.name == "..":
        return [place.rpartition("/")[0]]
    return children.get(place, ()) if step.name == "*" else [f"{place}/{step.name}"]


def computing_trees(node: FormNode) -> list[Tree]:
    """Return the expressions that decide whether a node is asked, what it is, and how often."""
    rules = node.rules
    return [each for each in (rules.relevant, rules.calculate, rules.count) if each is not None]


def showing_trees(node: FormNode) -> list[Tree]:
    """Return the expressions that decide how a node is shown and whether its answer is right."""
    rules = node.rules
    trees = [rules.required, rules.constraint]
    return [each for each in (*trees, *_in_texts(node)) if each is not None]


def seen_by(node: FormNode, children: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the paths that a node's showing, choices included, looks at.

    A choice filter stands at the rows of a list: only `current()` and full paths lead out of it.
    """
    found = {path for tree in showing_trees(node) for path in references(tree, node.path, children)}
    choice_filter = node.rules.choice_filter
    if choice_filter is not None:
        found |= set(_references(choice_filter, None, node.path, children))
    return frozenset(found)


def needed_by(node: FormNode, children: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the paths that a node's relevance, value and count look at."""
    return frozenset(
        path for tree in computing_trees(node) for path in references(tree, node.path, children)
    )


def _in_texts(node: FormNode) -> Iterator[Tree]:
    texts: tuple[FormText, ...] = (
        node.label,
        node.hint,
        node.constraint_text,
        node.required_text,
    )
    for text in texts:
        for parts in text.by_language.values():
            yield from parts


def find_dependence(model: FormModel) -> Dependence:
    """Return who looks at whom; raise CircleError when questions wait for each other."""
    children = children_by_path(model)
    needs: dict[str, set[str]] = {}
    showing: dict[str, set[str]] = {}
    for node in walk(model.nodes):
        parent = node.path.rpartition("/")[0]
        needs[node.path] = {*needed_by(node, children), parent} - {node.path}
        for path in seen_by(node, children):
            showing.setdefault(path, set()).add(node.path)
    order = _order(needs)
    rank = {path: index for index, path in enumerate(order)}
    return Dependence(
        order=order,
        computing=_turned(needs, rank),
        showing={path: frozenset(paths) for path, paths in showing.items()},
    )


def _turned(
    needs: Mapping[str, Iterable[str]], rank: Mapping[str, int]
) -> dict[str, Sequence[str]]:
    turned: dict[str, list[str]] = {}
    for path, needed in needs.items():
        for each in needed:
            turned.setdefault(each, []).append(path)
    return {path: sorted(paths, key=rank.__getitem__) for path, paths in turned.items()}


def _order(needs: Mapping[str, set[str]]) -> list[str]:
    """Return the paths so that what is needed comes first, else in the order of the form."""
    paths = list(needs)
    place = {path: index for index, path in enumerate(paths)}
    waiting = {path: len(needed & needs.keys()) for path, needed in needs.items()}
    users: dict[str, list[str]] = {}
    for path, needed in needs.items():
        for each in needed & needs.keys():
            users.setdefault(each, []).append(path)
    ready = [place[path] for path, count in waiting.items() if not count]
    order: list[str] = []
    while ready:
        path = paths[heapq.heappop(ready)]
        order.append(path)
        for user in users.get(path, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, place[user])
    if len(order) < len(paths):
        raise CircleError(sorted(needs.keys() - set(order)))
    return order
