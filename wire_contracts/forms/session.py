"""One form being filled in: after an answer only what depends on it is computed anew."""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from wire_contracts.forms.elements import Element
from wire_contracts.forms.evaluation import Evaluate, build
from wire_contracts.forms.functions import Context, Surroundings
from wire_contracts.forms.model import (
    UNANSWERED,
    ChoiceRow,
    FormModel,
    FormNode,
    FormText,
    NodeKind,
    walk,
)
from wire_contracts.forms.references import Dependence, find_dependence, root_of
from wire_contracts.forms.trees import Call, Tree, inner_trees
from wire_contracts.forms.values import as_number, as_text, as_truth

MAX_REPEATS: Final = 200
"""How often one repeat may stand there: no list on a round is longer."""

COUNT_MARK: Final = "#"
"""A draft keeps how often a repeat stands there under its place and this mark."""

_CHANGING: Final = frozenset({"once", "uuid", "random", "now", "today"})
"""Calls whose value differs from one day to the next: what they gave is kept with the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRules:
    """The rules of a node as functions."""

    relevant: Evaluate | None
    required: Evaluate | None
    constraint: Evaluate | None
    calculate: Evaluate | None
    default: Evaluate | None
    choice_filter: Evaluate | None
    count: Evaluate | None


class CompiledForm:
    """A form made ready to be filled in many times."""

    def __init__(self, model: FormModel) -> None:
        """Build every expression; raise UnknownFunctionError or CircleError when one cannot be."""
        self.model = model
        self.nodes: Mapping[str, FormNode] = {node.path: node for node in walk(model.nodes)}
        self.rules: Mapping[str, NodeRules] = {
            path: _built(node) for path, node in self.nodes.items()
        }
        self.dependence: Dependence = find_dependence(model)
        self.rank = {path: index for index, path in enumerate(self.dependence.order)}
        self.kept = frozenset(path for path, node in self.nodes.items() if _is_kept(node))
        self._texts: dict[int, tuple[Evaluate, ...]] = {}
        self.lists = {name: _list_root(rows) for name, rows in model.lists.items()}

    def choice_label(self, language: str, path: str, name: str) -> str:
        """Return the words for a choice of the select at a path, its name when there are none."""
        node = self.nodes.get(path)
        rows = () if node is None else self.model.lists.get(node.choices, ())
        return next((row.label.plain(language) for row in rows if row.name == name), name)

    def text_parts(self, text: FormText, language: str) -> tuple[Evaluate, ...]:
        """Return the parts of a text as functions."""
        parts = text.parts(language)
        found = self._texts.get(id(parts))
        if found is None:
            found = self._texts[id(parts)] = tuple(build(part) for part in parts)
        return found


def _built(node: FormNode) -> NodeRules:
    def rule(tree: Tree | None) -> Evaluate | None:
        return None if tree is None else build(tree)

    rules = node.rules
    return NodeRules(
        relevant=rule(rules.relevant),
        required=rule(rules.required),
        constraint=rule(rules.constraint),
        calculate=rule(rules.calculate),
        default=rule(rules.default),
        choice_filter=rule(rules.choice_filter),
        count=rule(rules.count),
    )


def _is_kept(node: FormNode) -> bool:
    """Return whether a draft holds the node's text: what is computed the same again is not kept."""
    if node.rules.calculate is not None:
        return _calls(node.rules.calculate, _CHANGING)
    return node.kind not in UNANSWERED


def _calls(tree: Tree, names: frozenset[str]) -> bool:
    is_call = isinstance(tree, Call) and tree.name in names
    return is_call or any(_calls(each, names) for each in inner_trees(tree))


def _list_root(rows: Sequence[ChoiceRow]) -> Element:
    """Return the rows as `instance('list')` sees them: `root/item` with a child per column."""
    top = Element("")
    root = Element("root", top)
    top.add(root)
    for row in rows:
        item = Element("item", root)
        root.add(item)
        for name, text in {**row.columns, "name": row.name}.items():
            cell = Element(name, item)
            cell.text = text
            item.add(cell)
    return top


class FormSession:
    """The answers of one form as they stand; every change is reported by its place.

    A place is the way below the root, with the number of every repeat: `rooms[2]/temp`.
    """

    def __init__(
        self, form: CompiledForm, around: Surroundings, answers: Mapping[str, str] | None = None
    ) -> None:
        """Begin with kept answers, or with none; defaults are put in where nothing was kept."""
        self.form = form
        self.around = replace(
            around, lists=form.lists, choice_label=partial(form.choice_label, "en")
        )
        self.root = Element(root_of(form.model))
        self.changed: Callable[[str], None] = _nobody
        self._kept = dict(answers or {})
        self._cut: set[Element] = set()
        self._at: dict[str, list[Element]] = {}
        for node in form.model.nodes:
            self._grow(node, self.root, "")
        self._index()
        self._compute(form.dependence.order)
        self._put_defaults(list(self.root.walk()))

    def speak(self, language: str) -> None:
        """Name choices in a language from now on, where rules ask for their words."""
        choice_label = partial(self.form.choice_label, language)
        self.around = replace(self.around, choice_label=choice_label)
        self._compute(self.form.dependence.order)

    # --- reading

    def elements_at(self, path: str) -> Sequence[Element]:
        """Return the elements of a node, one for each repeat around it."""
        return self._at.get(path, ())

    def element(self, place: str) -> Element | None:
        """Return the element at a place, None when there is none."""
        at = self.root
        for part in place.split("/"):
            name, _, index = part.partition("[")
            same = at.named(name)
            number = int(index[:-1]) if index else 1
            if not 1 <= number <= len(same):
                return None
            at = same[number - 1]
        return at

    def place_of(self, element: Element) -> str:
        """Return where an element stands, below the root."""
        parts: list[str] = []
        at = element
        while at.parent is not None:
            is_repeat = at.node is not None and at.node.kind is NodeKind.REPEAT
            parts.append(f"{at.name}[{at.position()}]" if is_repeat else at.name)
            at = at.parent
        return "/".join(reversed(parts))

    def context(self, element: Element) -> Context:
        """Return the context of the rules of an element."""
        return Context(element, 1, 1, element, self.around)

    def drafted(self) -> dict[str, str]:
        """Return what a draft must hold to begin again here: answers, and how often repeats are."""
        kept: dict[str, str] = {}
        for element in self.root.walk():
            node = element.node
            if node is None:
                continue
            if node.path in self.form.kept and (element.text or self._was_kept(element)):
                kept[self.place_of(element)] = element.text
        return kept | self._counts()

    def final_answers(self) -> dict[str, str]:
        """Return what was asked and answered in the end, calculated values included."""
        return {
            self.place_of(element): element.text
            for element in self.root.walk()
            if element.text and element.node is not None and self._is_asked(element)
        }

    def measured(self) -> dict[str, float]:
        """Return the numbers that measure a quantity, by its wire name; the last one stands."""
        found: dict[str, float] = {}
        for element in self.root.walk():
            node = element.node
            if node is not None and node.quantity and element.text and self._is_asked(element):
                number = as_number(element.text)
                if number == number:  # noqa: PLR0124  # not NaN
                    found[node.quantity] = number
        return found

    def _is_asked(self, element: Element) -> bool:
        at: Element | None = element
        while at is not None and at.is_relevant:
            at = at.parent
        return at is None

    def _was_kept(self, element: Element) -> bool:
        return self.place_of(element) in self._kept

    def _counts(self) -> dict[str, str]:
        counts: dict[str, str] = {}
        for path, node in self.form.nodes.items():
            if node.kind is NodeKind.REPEAT and node.rules.count is None:
                for holder in self._holders(path):
                    place = self._repeat_place(holder, node)
                    counts[f"{place}{COUNT_MARK}"] = str(len(holder.named(node.name)))
        return counts

    @property
    def is_cut(self) -> bool:
        """Return whether more of a repeat is asked for than `MAX_REPEATS`."""
        return bool(self._cut)

    # --- changing

    def answer(self, place: str, text: str) -> bool:
        """Take an answer; return False when there is no such place to answer at."""
        element = self.element(place)
        if element is None or element.node is None or element.node.kind in UNANSWERED:
            return False
        self._kept[place] = text
        if element.text != text:
            element.text = text
            self._compute_after([element.node.path])
        return True

    def add_repeat(self, place: str) -> bool:
        """Put one more at the end of a repeat, named without its number; False when not allowed."""
        found = self._find_repeat(place)
        if found is None or len(found[0].named(found[1].name)) >= MAX_REPEATS:
            return False
        holder, node = found
        self._forget_kept(f"{place}[{len(holder.named(node.name)) + 1}]")
        added = self._grow_one(node, holder, place)
        self._index()
        self._compute_after(_paths_in(node), is_all=True)
        self._put_defaults(list(added.walk()))
        return True

    def remove_repeat(self, place: str) -> bool:
        """Take one of a repeat away, named with its number; those behind it move up."""
        element = self.element(place)
        if element is None or element.parent is None or not place.endswith("]"):
            return False
        node = element.node
        if node is None or node.rules.count is not None:
            return False
        element.parent.remove(element)
        self._index()
        self._forget_kept(f"{place.rpartition('[')[0]}[")
        self._kept |= self.drafted()
        self._compute_after(_paths_in(node), is_all=True)
        return True

    def _forget_kept(self, beginning: str) -> None:
        self._kept = {
            place: text for place, text in self._kept.items() if not place.startswith(beginning)
        }

    def _find_repeat(self, place: str) -> tuple[Element, FormNode] | None:
        before, _, name = place.rpartition("/")
        holder = self.element(before) if before else self.root
        if holder is None:
            return None
        above = f"/{self.root.name}" if holder.node is None else holder.node.path
        node = self.form.nodes.get(f"{above}/{name}")
        is_free = node is not None and node.kind is NodeKind.REPEAT and node.rules.count is None
        return (holder, node) if is_free and node is not None else None

    # --- growing

    def _grow(self, node: FormNode, holder: Element, place: str) -> None:
        here = f"{place}/{node.name}" if place else node.name
        if node.kind is not NodeKind.REPEAT:
            self._put(node, holder, here)
            return
        wanted = 0 if node.rules.count is not None else self._kept_count(here)
        for _ in range(wanted):
            self._grow_one(node, holder, here)

    def _kept_count(self, place: str) -> int:
        kept = self._kept.get(f"{place}{COUNT_MARK}", "1")
        return min(int(kept), MAX_REPEATS) if kept.isdecimal() else 1

    def _grow_one(self, node: FormNode, holder: Element, place: str) -> Element:
        number = len(holder.named(node.name)) + 1
        return self._put(node, holder, f"{place}[{number}]")

    def _put(self, node: FormNode, holder: Element, place: str) -> Element:
        element = Element(node.name, holder, node)
        element.text = self._kept.get(place, "") if node.path in self.form.kept else ""
        holder.add(element)
        for child in node.children:
            self._grow(child, element, place)
        return element

    def _put_defaults(self, elements: Iterable[Element]) -> None:
        for element in elements:
            node = element.node
            rule = None if node is None else self.form.rules[node.path].default
            if node is None or rule is None or element.text or self._was_kept(element):
                continue
            element.text = as_text(rule(self.context(element)))
            if element.text:
                self._compute_after([node.path])

    def _index(self) -> None:
        self._at = {}
        for element in self.root.walk():
            if element.node is not None:
                self._at.setdefault(element.node.path, []).append(element)

    def _holders(self, path: str) -> Sequence[Element]:
        above = path.rpartition("/")[0]
        return [self.root] if above == f"/{self.root.name}" else self._at.get(above, ())

    def _repeat_place(self, holder: Element, node: FormNode) -> str:
        before = self.place_of(holder)
        return f"{before}/{node.name}" if before else node.name

    # --- computing

    def _compute_after(self, paths: Sequence[str], *, is_all: bool = False) -> None:
        """Compute what looks at changed nodes, and what looks at that, each once."""
        self._tell(paths)
        rank, computing = self.form.rank, self.form.dependence.computing
        waiting = {rank[each] for path in paths for each in computing.get(path, ())}
        if is_all:
            waiting |= {rank[path] for path in paths}
        heap = sorted(waiting)
        while heap:
            path = self.form.dependence.order[heapq.heappop(heap)]
            if not self._compute_node(path):
                continue
            self._tell([path])
            node = self.form.nodes[path]
            grown = () if node.rules.count is None else _paths_in(node)[1:]
            for each in (*computing.get(path, ()), *grown):
                if rank[each] not in waiting:
                    waiting.add(rank[each])
                    heapq.heappush(heap, rank[each])

    def _compute(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._compute_node(path)

    def _compute_node(self, path: str) -> bool:
        """Compute a node at each of its places; return whether anything became different."""
        rules = self.form.rules[path]
        is_changed = rules.count is not None and self._recount(path, rules.count)
        for element in self._at.get(path, ()):
            is_changed |= self._compute_element(element, rules)
        return is_changed

    def _compute_element(self, element: Element, rules: NodeRules) -> bool:
        context = self.context(element)
        is_relevant = element.parent is None or element.parent.is_relevant
        if is_relevant and rules.relevant is not None:
            is_relevant = as_truth(rules.relevant(context))
        is_changed = is_relevant is not element.is_relevant
        element.is_relevant = is_relevant
        if is_relevant and rules.calculate is not None:
            text = as_text(rules.calculate(context))
            is_changed |= text != element.text
            element.text = text
        return is_changed

    def _recount(self, path: str, count: Evaluate) -> bool:
        node = self.form.nodes[path]
        is_changed = False
        for holder in self._holders(path):
            number = as_number(count(Context(holder, 1, 1, holder, self.around)))
            wanted = int(max(0.0, min(float(MAX_REPEATS), number))) if number == number else 0  # noqa: PLR0124  # NaN
            (self._cut.add if number > MAX_REPEATS else self._cut.discard)(holder)
            place = self._repeat_place(holder, node)
            is_changed |= len(holder.named(node.name)) != wanted
            while len(holder.named(node.name)) < wanted:
                self._grow_one(node, holder, place)
            while len(holder.named(node.name)) > wanted:
                holder.remove(holder.named(node.name)[-1])
        if is_changed:
            self._index()
        return is_changed

    def _tell(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.changed(path)


def _paths_in(node: FormNode) -> list[str]:
    return [node.path, *(each.path for each in walk(node.children))]


def _nobody(_path: str) -> None:
    return
