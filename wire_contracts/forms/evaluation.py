"""An expression tree -> a function of the place that it is evaluated at."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wire_contracts.forms.elements import Element
from wire_contracts.forms.functions import FUNCTIONS, Context, arity
from wire_contracts.forms.trees import (
    Binary,
    Call,
    Negation,
    Number,
    Path,
    Step,
    Text,
    Tree,
)
from wire_contracts.forms.values import (
    Nodes,
    Value,
    as_number,
    as_text,
    as_truth,
    divided,
    is_equal,
    is_ordered,
    is_unequal,
    remainder,
)

Evaluate = Callable[[Context], Value]


class UnknownFunctionError(LookupError):
    """A form calls what this version cannot compute; the text names it."""


def build(tree: Tree) -> Evaluate:
    """Return the function that evaluates a tree; raise UnknownFunctionError for a strange call."""
    match tree:
        case Number(number):
            constant = float(number)
            return lambda _context: constant
        case Text(text):
            return lambda _context: text
        case Negation(operand):
            inner = build(operand)
            return lambda context: -as_number(inner(context))
        case Binary():
            return _binary(tree)
        case Call():
            return _call(tree)
        case Path():
            return _path(tree)


# --- operators


def _binary(tree: Binary) -> Evaluate:
    left, right = build(tree.left), build(tree.right)
    if tree.operator == "or":
        return lambda context: as_truth(left(context)) or as_truth(right(context))
    if tree.operator == "and":
        return lambda context: as_truth(left(context)) and as_truth(right(context))
    if tree.operator == "|":
        return lambda context: _union(left(context), right(context))
    compute = _COMPUTE[tree.operator]
    return lambda context: compute(left(context), right(context))


def _union(left: Value, right: Value) -> Nodes:
    found: dict[int, Element] = {}
    for side in (left, right):
        if not isinstance(side, bool | int | float | str):
            found |= {id(each): each for each in side}
    return tuple(found.values())


_COMPUTE: Final[Mapping[str, Callable[[Value, Value], Value]]] = {
    "=": is_equal,
    "!=": is_unequal,
    "<": lambda left, right: is_ordered("<", left, right),
    "<=": lambda left, right: is_ordered("<=", left, right),
    ">": lambda left, right: is_ordered(">", left, right),
    ">=": lambda left, right: is_ordered(">=", left, right),
    "+": lambda left, right: as_number(left) + as_number(right),
    "-": lambda left, right: as_number(left) - as_number(right),
    "*": lambda left, right: as_number(left) * as_number(right),
    "div": lambda left, right: divided(as_number(left), as_number(right)),
    "mod": lambda left, right: remainder(as_number(left), as_number(right)),
}


# --- calls


def _fits(tree: Call) -> bool:
    """Return whether a call is known here and takes as many arguments as it is given."""
    allowed, given = arity(tree.name), len(tree.arguments)
    if allowed is None:
        return False
    least, most = allowed
    return given >= least and (most is None or given <= most)


def _call(tree: Call) -> Evaluate:
    if not _fits(tree):
        message = f"{tree.name}() is not known to this version of the app; update it"
        raise UnknownFunctionError(message)
    special = _SPECIAL.get(tree.name)
    if special is not None:
        return special(tree)
    call = FUNCTIONS[tree.name].call
    arguments = [build(each) for each in tree.arguments]
    return lambda context: call(context, [each(context) for each in arguments])


def _if(tree: Call) -> Evaluate:
    condition, then, otherwise = (build(each) for each in tree.arguments)
    return lambda context: then(context) if as_truth(condition(context)) else otherwise(context)


def _current(_tree: Call) -> Evaluate:
    return lambda context: (context.current,)


def _instance(tree: Call) -> Evaluate:
    name = build(tree.arguments[0])

    def find(context: Context) -> Value:
        root = context.around.lists.get(as_text(name(context)))
        return () if root is None else (root,)

    return find


def _choice_name(tree: Call) -> Evaluate:
    value, path = build(tree.arguments[0]), build(tree.arguments[1])
    return lambda context: context.around.choice_label(
        as_text(path(context)).strip(), as_text(value(context))
    )


_SPECIAL: Final[Mapping[str, Callable[[Call], Evaluate]]] = {
    "if": _if,
    "current": _current,
    "instance": _instance,
    "jr:choice-name": _choice_name,
}


# --- paths


Walk = Callable[[Context, Sequence[Element]], Sequence[Element]]


def _path(tree: Path) -> Evaluate:
    walks = [_step(step) for step in tree.steps]
    origin = None if tree.origin is None else build(tree.origin)
    is_absolute = tree.is_absolute

    def follow(context: Context) -> Value:
        nodes = _begin(context, origin, is_absolute=is_absolute)
        for walk in walks:
            nodes = walk(context, nodes)
        return tuple(nodes)

    return follow


def _begin(context: Context, origin: Evaluate | None, *, is_absolute: bool) -> Sequence[Element]:
    if origin is not None:
        value = origin(context)
        return () if isinstance(value, bool | int | float | str) else value
    if not is_absolute:
        return (context.element,)
    at = context.current
    while at.parent is not None:
        at = at.parent
    return (_Document(at),)


class _Document(Element):
    """What stands above the root: the first step of an absolute path names the root."""

    __slots__ = ()

    def __init__(self, root: Element) -> None:
        super().__init__("")
        self.add(root)


def _step(step: Step) -> Walk:
    if step.name == ".":
        walk: Walk = _stay
    elif step.name == "..":
        walk = _up
    else:
        walk = _down(step.name)
    for predicate in step.predicates:
        walk = _filtered(walk, build(predicate))
    return walk


def _stay(_context: Context, nodes: Sequence[Element]) -> Sequence[Element]:
    return nodes


def _up(_context: Context, nodes: Sequence[Element]) -> Sequence[Element]:
    found = {id(each.parent): each.parent for each in nodes if each.parent is not None}
    return tuple(found.values())


def _down(name: str) -> Walk:
    def walk(_context: Context, nodes: Sequence[Element]) -> Sequence[Element]:
        return [
            child
            for each in nodes
            for child in (each.children() if name == "*" else each.named(name))
            if child.is_relevant
        ]

    return walk


def _filtered(walk: Walk, predicate: Evaluate) -> Walk:
    """Return the walk with a condition; a number asks for that position among siblings."""

    def chosen(context: Context, nodes: Sequence[Element]) -> Sequence[Element]:
        found: list[Element] = []
        for node in nodes:
            candidates = walk(context, (node,))
            size = len(candidates)
            for position, candidate in enumerate(candidates, 1):
                inner = Context(candidate, position, size, context.current, context.around)
                value = predicate(inner)
                if position == value if type(value) is float else as_truth(value):
                    found.append(candidate)
        return found

    return chosen
