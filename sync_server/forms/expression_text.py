"""The text of a rule, XPath 1.0 as XLSForm uses it -> its expression tree."""

import re
from typing import Final

from sync_server.forms.pattern_cost import could_take_for_ever
from wire_contracts.forms.functions import arity
from wire_contracts.forms.trees import (
    MAX_DEPTH,
    Binary,
    Call,
    Negation,
    Number,
    Path,
    Step,
    Text,
    Tree,
    inner_trees,
)

LONGEST_EXPRESSION: Final = 10_000
LONGEST_PATTERN: Final = 300

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d*)?|\.\d+)
    |(?P<text>'[^']*'|"[^"]*")
    |(?P<dots>\.\.|\.)
    |(?P<name>[^\W\d][\w.\-]*(?:(?<!:):(?!:)[^\W\d][\w.\-]*)?)
    |(?P<sign><=|>=|!=|//|::|[=<>+\-*/()\[\],|@$])
    )""",
    re.VERBOSE,
)
_BINDING: Final = {
    "or": 1,
    "and": 2,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "div": 6,
    "mod": 6,
    "|": 8,
}
"""How strongly an operator binds (XPath 1.0 section 3.5)."""

_MINUS: Final = 7
_AXES: Final = {"child": "", "self": ".", "parent": ".."}


class ExpressionError(ValueError):
    """A rule cannot be used; the text says why, the remedy what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        """Keep both."""
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


def parse_expression(text: str) -> Tree:
    """Return the tree of a rule.

    Raises:
        ExpressionError: It is no XPath, or asks for something that tablets cannot compute.
    """
    if len(text) > LONGEST_EXPRESSION:
        problem = f"is longer than {LONGEST_EXPRESSION} characters"
        raise ExpressionError(problem, "split the rule over several calculate rows")
    reader = _Reader(_tokens(text))
    tree = reader.expression(0, MAX_DEPTH)
    reader.end()
    _check_height(tree)
    _check_calls(tree)
    return tree


def _too_deep() -> ExpressionError:
    problem = f"is nested deeper than {MAX_DEPTH} levels"
    return ExpressionError(problem, "split the rule over several calculate rows")


def _check_height(tree: Tree) -> None:
    """Refuse what tablets refuse: a chain of `or` is as deep as it is long, without a bracket."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in inner_trees(each)]
        if not level:
            return
    raise _too_deep()


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            shown = text[at : at + 20].strip()
            problem = f"cannot be read at {shown!r}"
            raise ExpressionError(problem, "correct the rule")
        found.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
        at = match.end()
    return [*found, ("end", "")]


class _Reader:
    """Reads tokens by recursive descent."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def _kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def _word(self) -> str:
        return self._tokens[self._at][1]

    def _take(self) -> str:
        word = self._tokens[self._at][1]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return word

    def _expect(self, wanted: str) -> None:
        if self._kind == "text" or self._word != wanted:
            found = self._word or "the end"
            problem = f"has {found!r} where {wanted!r} belongs"
            raise ExpressionError(problem, "correct the rule")
        self._take()

    def _is_sign(self, *signs: str) -> bool:
        return self._kind == "sign" and self._word in signs

    def end(self) -> None:
        if self._kind != "end":
            problem = f"goes on with {self._word!r} where it should end"
            raise ExpressionError(problem, "correct the rule")

    def expression(self, binding: int, depth: int) -> Tree:
        if depth <= 0:
            raise _too_deep()
        left = self._unary(depth)
        while self._kind in {"sign", "name"} and _BINDING.get(self._word, 0) > binding:
            operator = self._take()
            left = Binary(operator, left, self.expression(_BINDING[operator], depth - 1))
        return left

    def _unary(self, depth: int) -> Tree:
        if self._is_sign("-"):
            self._take()
            return Negation(self.expression(_MINUS, depth - 1))
        return self._operand(depth)

    def _operand(self, depth: int) -> Tree:
        if self._kind == "number":
            return Number(float(self._take()))
        if self._kind == "text":
            return Text(self._take()[1:-1])
        if self._is_sign("("):
            return self._bracketed(depth)
        if self._kind == "name" and self._tokens[self._at + 1] == ("sign", "("):
            return self._call(depth)
        if self._is_sign("/"):
            self._take()
            return Path(is_absolute=True, steps=self._steps(depth))
        return Path(is_absolute=False, steps=self._steps(depth))

    def _bracketed(self, depth: int) -> Tree:
        self._take()
        tree = self.expression(0, depth - 1)
        self._expect(")")
        if self._is_sign("[", "/"):
            problem = "goes on behind a bracket with a path or a condition"
            raise ExpressionError(problem, "name the question directly")
        return tree

    def _call(self, depth: int) -> Tree:
        name = self._take()
        self._expect("(")
        arguments: list[Tree] = []
        while not self._is_sign(")"):
            arguments.append(self.expression(0, depth - 1))
            if not self._is_sign(")"):
                self._expect(",")
        self._expect(")")
        call = Call(name, tuple(arguments))
        if self._is_sign("["):
            problem = f"has a condition directly behind {name}()"
            raise ExpressionError(problem, "put the condition on a question")
        if not self._is_sign("/"):
            return call
        self._take()
        return Path(is_absolute=False, steps=self._steps(depth), origin=call)

    def _steps(self, depth: int) -> tuple[Step, ...]:
        steps = [self._step(depth)]
        while self._is_sign("/"):
            self._take()
            steps.append(self._step(depth))
        return tuple(steps)

    def _step(self, depth: int) -> Step:
        if self._is_sign("@", "//", "$"):
            problem = f"uses {self._word!r}, which forms do not need"
            raise ExpressionError(problem, "name the question as ${name}")
        if self._kind not in {"name", "dots"} and not self._is_sign("*"):
            found = self._word or "the end"
            problem = f"has {found!r} where a question's name belongs"
            raise ExpressionError(problem, "correct the rule")
        name = self._take()
        if self._is_sign("::"):
            name = self._axis(name)
        predicates: list[Tree] = []
        while self._is_sign("["):
            self._take()
            predicates.append(self.expression(0, depth - 1))
            self._expect("]")
        return Step(name, tuple(predicates))

    def _axis(self, axis: str) -> str:
        self._take()
        if axis not in _AXES:
            problem = f"uses the axis {axis}::"
            raise ExpressionError(problem, "use child, parent or self")
        name = self._take()
        if self._is_sign("(") and name == "node":
            self._take()
            self._expect(")")
            name = "*"
        return name if axis == "child" else _AXES[axis]


def _check_calls(tree: Tree) -> None:
    """Raise ExpressionError for the first call that tablets cannot compute."""
    if isinstance(tree, Call):
        _check_arguments(tree)
        if tree.name == "regex":
            _check_pattern(tree)
    for inner in inner_trees(tree):
        _check_calls(inner)


def _check_arguments(call: Call) -> None:
    allowed = arity(call.name)
    if allowed is None:
        problem = f"calls {call.name}(), which tablets cannot compute"
        remedy = "see docs/server.md for the functions that they can"
        raise ExpressionError(problem, remedy)
    least, most = allowed
    given = len(call.arguments)
    if given < least or (most is not None and given > most):
        wanted = (
            str(least) if most == least else f"{least} to {'any number' if most is None else most}"
        )
        problem = f"gives {call.name}() {given} arguments, it takes {wanted}"
        raise ExpressionError(problem, "correct the call")


def _check_pattern(call: Call) -> None:
    pattern = call.arguments[1]
    if not isinstance(pattern, Text):
        raise ExpressionError("has a pattern that is computed", "write the pattern of regex() out")
    try:
        re.compile(pattern.value)
    except (re.error, OverflowError, RecursionError) as error:
        problem = f"has a pattern that is none: {error}"
        raise ExpressionError(problem, "correct the pattern of regex()") from error
    if len(pattern.value) > LONGEST_PATTERN or could_take_for_ever(pattern.value):
        problem = "has a pattern that could take for ever: repeats in repeats, or side by side"
        remedy = "let every part of regex() begin with a sign that the part before cannot hold"
        raise ExpressionError(problem, remedy)
