"""Forms and answers by chance: every rule looks only at questions before it."""

from dataclasses import dataclass, field
from functools import partial
from random import Random

from sync_server.forms.expression_text import parse_expression
from wire_contracts.forms.model import (
    ChoiceRow,
    FormModel,
    FormNode,
    FormText,
    NodeKind,
    Rules,
)

WORDS = ("a", "b", "yes", "no", "1", "12", "a b", "", "true", "xay")
PATTERNS = ("[a-z]+", "a.*", "[0-9]{1,3}", "(yes|no)", "")
RULES = ("relevant", "constraint", "required", "calculate")


@dataclass(slots=True)
class RandomForm:
    """A form with the text of every rule: (path, name of the rule) -> XPath."""

    model: FormModel
    rules: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def questions(self) -> list[str]:
        """Return the places below the root that can be answered, repeats without their number."""
        found: list[str] = []

        def look(node: FormNode) -> None:
            if node.kind in {NodeKind.TEXT, NodeKind.DECIMAL, NodeKind.SELECT_MANY}:
                found.append(node.path.removeprefix("/data/"))
            for child in node.children:
                look(child)

        for node in self.model.nodes:
            look(node)
        return found


class Writer:
    """Writes rules about the questions that there are so far."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.paths: list[str] = []
        self.groups: list[str] = ["/data"]

    def path(self, at: str) -> str:
        """Return a way to an earlier question, absolute or relative, sometimes with a condition."""
        target = self.chance.choice(self.paths)
        above, name = target.rsplit("/", 1)
        if above == at.rsplit("/", 1)[0] and self.chance.random() < 0.5:
            return f"../{name}"
        condition = self.chance.choice(("", "", "", "[. != '']", "[1]", "[. > 1]", "[last()]"))
        return f"{target}{condition}"

    def number(self, at: str, depth: int) -> str:
        one = self.chance.choice
        if depth <= 0 or not self.paths:
            return str(self.chance.randint(-9, 20))
        inner = partial(self.number, at, depth - 1)
        makers = (
            lambda: str(self.chance.randint(-9, 20)),
            lambda: self.path(at),
            lambda: f"({inner()} {one(('+', '-', '*'))} {inner()})",
            lambda: f"({inner()} div {one(('2', '4', '0'))})",
            lambda: f"({inner()} mod {one(('3', '5', '-4'))})",
            lambda: f"-{self.path(at)}",
            lambda: f"{one(('int', 'floor', 'ceiling', 'round', 'number'))}({inner()})",
            lambda: f"round({inner()} div 2)",
            lambda: f"string-length({self.text(at, depth - 1)})",
            lambda: f"count-selected({self.path(at)})",
            lambda: f"{one(('count', 'sum', 'count-non-empty'))}({self.path(at)})",
            lambda: f"{one(('min', 'max'))}({self.path(at)}, {inner()})",
            lambda: f"if({self.truth(at, depth - 1)}, {inner()}, {inner()})",
        )
        return one(makers)()

    def text(self, at: str, depth: int) -> str:
        one = self.chance.choice
        if depth <= 0 or not self.paths:
            return f"'{one(WORDS)}'"
        inner = partial(self.text, at, depth - 1)
        makers = (
            lambda: f"'{one(WORDS)}'",
            lambda: self.path(at),
            lambda: f"concat({inner()}, {inner()})",
            lambda: (
                f"substring({inner()}, {self.chance.randint(-1, 4)}, {self.chance.randint(0, 3)})"
            ),
            lambda: f"{one(('substring-before', 'substring-after'))}({inner()}, '{one('ab1')}')",
            lambda: f"translate({inner()}, 'ab1', 'xy')",
            lambda: f"normalize-space({inner()})",
            lambda: f"coalesce({self.path(at)}, {inner()})",
            lambda: f"if({self.truth(at, depth - 1)}, {inner()}, {inner()})",
            lambda: f"join('-', {self.path(at)}, {inner()})",
            lambda: f"string({self.number(at, depth - 1)})",
            lambda: f"selected-at({self.path(at)}, {self.chance.randint(0, 2)})",
        )
        return one(makers)()

    def truth(self, at: str, depth: int) -> str:
        one = self.chance.choice
        if depth <= 0 or not self.paths:
            return one(("true()", "false()"))
        compare = one(("=", "!=", "<", "<=", ">", ">="))
        makers = (
            lambda: f"{self.path(at)} {compare} {self.number(at, depth - 1)}",
            lambda: f"{self.path(at)} {one(('=', '!='))} {self.text(at, depth - 1)}",
            lambda: f"{self.path(at)} {compare} {self.path(at)}",
            lambda: f"{self.number(at, depth - 1)} {compare} {self.number(at, depth - 1)}",
            lambda: f"selected({self.path(at)}, '{one(WORDS)}')",
            lambda: (
                f"({self.truth(at, depth - 1)} {one(('and', 'or'))} {self.truth(at, depth - 1)})"
            ),
            lambda: f"not({self.truth(at, depth - 1)})",
            lambda: (
                f"{one(('contains', 'starts-with', 'ends-with'))}"
                f"({self.text(at, depth - 1)}, '{one(WORDS)}')"
            ),
            lambda: f"boolean-from-string({self.text(at, depth - 1)})",
            lambda: f"regex({self.text(at, depth - 1)}, '{one(PATTERNS)}')",
            lambda: f"boolean({self.path(at)})",
        )
        return one(makers)()


def random_form(chance: Random) -> RandomForm:
    """Return a form of up to 14 questions in groups and repeats."""
    writer = Writer(chance)
    rules: dict[tuple[str, str], str] = {}
    nodes = tuple(_node(chance, writer, rules, f"/data/n{number}", 2) for number in range(7))
    choices = tuple(ChoiceRow(name=word, label=FormText()) for word in ("a", "b", "yes"))
    model = FormModel(
        form_id="f", version="1", title=FormText(), nodes=nodes, lists={"words": choices}
    )
    return RandomForm(model, rules)


def _node(
    chance: Random, writer: Writer, rules: dict[tuple[str, str], str], path: str, depth: int
) -> FormNode:
    if depth and chance.random() < 0.3:
        kind = chance.choice((NodeKind.GROUP, NodeKind.REPEAT))
        own = _rules(chance, writer, rules, path, ("relevant",))
        children = tuple(
            _node(chance, writer, rules, f"{path}/c{number}", depth - 1) for number in range(2)
        )
        return FormNode(path=path, kind=kind, rules=own, children=children)
    kind = chance.choice(
        (NodeKind.TEXT, NodeKind.DECIMAL, NodeKind.SELECT_MANY, NodeKind.CALCULATE)
    )
    is_computed = kind is NodeKind.CALCULATE
    names = ("relevant", "calculate") if is_computed else ("relevant", "constraint", "required")
    own = _rules(chance, writer, rules, path, names)
    writer.paths.append(path)
    return FormNode(path=path, kind=kind, rules=own, choices="words")


def _rules(
    chance: Random,
    writer: Writer,
    rules: dict[tuple[str, str], str],
    path: str,
    names: tuple[str, ...],
) -> Rules:
    found: dict[str, str] = {}
    for name in names:
        if name == "calculate":
            found[name] = chance.choice((writer.number, writer.text, writer.truth))(path, 3)
        elif chance.random() < 0.5:
            found[name] = writer.truth(path, 3)
    rules |= {(path, name): text for name, text in found.items()}
    return Rules(**{name: parse_expression(text) for name, text in found.items()})


def random_text(chance: Random) -> str:
    """Return an answer: a word, several, or a number."""
    return chance.choice((*WORDS, str(chance.randint(-20, 40)), f"{chance.randint(0, 9)}.5"))
