"""The errors of a profile: what a person must correct, and where."""


class ProfileError(ValueError):
    """A profile that cannot be used as it is.

    The text always reads `place: field: problem; remedy`, so that a person can act on it.

    Attributes:
        place: The file, or the reference that was asked for.
        field: The way to the field, such as `register.flow_rate.address`.
        problem: What is wrong, with the value.
        remedy: What to do about it.
        others: What else is wrong with the same file, in its order.
    """

    others: tuple["ProfileError", ...] = ()

    def __init__(self, *, place: str, field: str, problem: str, remedy: str) -> None:
        """Keep the four parts and build the text from them."""
        super().__init__(f"{place}: {field}: {problem}; {remedy}")
        self.place = place
        self.field = field
        self.problem = problem
        self.remedy = remedy


class EncodeError(ValueError):
    """A value that the registers of a profile cannot hold."""


class WordsError(ValueError):
    """Packed register words that are cut short, too many, or not in their form."""
