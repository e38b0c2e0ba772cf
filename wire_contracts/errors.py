"""The one error of the wire: it names place, field, problem and remedy."""

from wire_contracts.codes import Code


class ContractError(ValueError):
    """A message from outside that cannot be used as it is.

    The text always reads `place: field: problem; remedy`, so that a person can act on it.

    Attributes:
        place: Where it was found: a topic, a file, a table row.
        field: The field's path inside the message, such as `f[3].t`.
        problem: What is wrong, with the value.
        remedy: What to do about it.
        code: The stable code a machine may react to.
    """

    def __init__(self, *, place: str, field: str, problem: str, remedy: str, code: Code) -> None:
        """Keep the four parts and build the text from them."""
        super().__init__(f"{place}: {field}: {problem}; {remedy}")
        self.place = place
        self.field = field
        self.problem = problem
        self.remedy = remedy
        self.code = code
