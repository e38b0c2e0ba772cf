"""The expression tree of a form's rule, and how it looks as JSON.

The JSON is short because a form holds hundreds: `["n", 1.5]` a number, `["s", "a"]` a text,
`["neg", E]`, `["op", "<=", L, R]`, `["f", "if", [E, ...]]` and `["p", ORIGIN, [STEP, ...]]` a path.
ORIGIN is `"/"`, `"."` or the expression that the path begins with; a STEP is a name or
`[name, [PREDICATE, ...]]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue

MAX_DEPTH: Final = 60
"""Nesting of one expression; the deepest rule of a WHO questionnaire has 14 levels."""

OPERATORS: Final = frozenset(
    {"or", "and", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "|"}
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in the sheet."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text."""

    value: str


@dataclass(frozen=True, slots=True)
class Negation:
    """A minus before an expression."""

    operand: "Tree"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions joined by one of `OPERATORS`."""

    operator: str
    left: "Tree"
    right: "Tree"


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a child's name, `*`, `.` or `..`, with conditions."""

    name: str
    predicates: tuple["Tree", ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the answers.

    Attributes:
        is_absolute: It begins at the form's root.
        origin: The call that it begins with, such as `instance('rooms')`; None: where it stands.
        steps: The steps from there.
    """

    is_absolute: bool
    steps: tuple[Step, ...]
    origin: Call | None = None


Tree = Number | Text | Negation | Binary | Call | Path


def tree_json(tree: Tree) -> JsonValue:
    """Return the tree as JSON."""
    match tree:
        case Number(value):
            return ["n", value]
        case Text(text):
            return ["s", text]
        case Negation(operand):
            return ["neg", tree_json(operand)]
        case Binary(operator, left, right):
            return ["op", operator, tree_json(left), tree_json(right)]
        case Call(name, arguments):
            return ["f", name, [tree_json(each) for each in arguments]]
        case Path():
            return _path_json(tree)


def _path_json(path: Path) -> JsonValue:
    origin: JsonValue = "/" if path.is_absolute else "."
    if path.origin is not None:
        origin = tree_json(path.origin)
    return ["p", origin, [_step_json(step) for step in path.steps]]


def _step_json(step: Step) -> JsonValue:
    if not step.predicates:
        return step.name
    return [step.name, [tree_json(each) for each in step.predicates]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expression was found, for the text of an error."""

    place: str
    field: str

    def refuse(self, problem: str) -> ContractError:
        return ContractError(
            place=self.place,
            field=self.field,
            problem=problem,
            remedy="compile the form again with this version of the server",
            code=Code.FIELD_TYPE,
        )


def parse_tree(value: JsonValue, *, place: str, field: str) -> Tree:
    """Return the tree; raise ContractError that names place and field when it cannot be one."""
    return _tree(value, _Place(place, field), MAX_DEPTH)


def _tree(value: JsonValue, place: _Place, depth: int) -> Tree:
    parts = _array(value, place)
    if depth <= 0:
        problem = f"is nested deeper than {MAX_DEPTH} levels"
        raise place.refuse(problem)
    match parts:
        case ["n", int() | float() as number] if not isinstance(number, bool):
            return Number(float(number))
        case ["s", str() as text]:
            return Text(text)
        case ["neg", operand]:
            return Negation(_tree(operand, place, depth - 1))
        case ["op", str() as operator, left, right] if operator in OPERATORS:
            return Binary(operator, _tree(left, place, depth - 1), _tree(right, place, depth - 1))
        case ["f", str() as name, arguments]:
            return Call(name, _trees(arguments, place, depth))
        case ["p", origin, steps]:
            return _path(origin, steps, place, depth)
        case _:
            problem = f"holds {str(value)[:60]!r}, which is no expression"
            raise place.refuse(problem)


def _trees(value: JsonValue, place: _Place, depth: int) -> tuple[Tree, ...]:
    return tuple(_tree(each, place, depth - 1) for each in _array(value, place))


def _path(origin: JsonValue, steps: JsonValue, place: _Place, depth: int) -> Path:
    taken = tuple(_step(each, place, depth) for each in _array(steps, place))
    if isinstance(origin, str):
        return Path(origin == "/", taken)
    call = _tree(origin, place, depth - 1)
    if not isinstance(call, Call):
        problem = "has a path that begins with no function"
        raise place.refuse(problem)
    return Path(is_absolute=False, steps=taken, origin=call)


def _step(value: JsonValue, place: _Place, depth: int) -> Step:
    if isinstance(value, str):
        return Step(value)
    match _array(value, place):
        case [str() as name, predicates]:
            return Step(name, _trees(predicates, place, depth))
        case _:
            problem = "has a step without a name"
            raise place.refuse(problem)


def _array(value: JsonValue, place: _Place) -> Sequence[JsonValue]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        problem = f"holds {str(value)[:60]!r} where an array belongs"
        raise place.refuse(problem)
    return value


def inner_trees(tree: Tree) -> tuple[Tree, ...]:
    """Return the expressions directly inside one, predicates included."""
    match tree:
        case Negation(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case Path():
            origin = () if tree.origin is None else (tree.origin,)
            return (*origin, *(each for step in tree.steps for each in step.predicates))
        case _:
            return ()
