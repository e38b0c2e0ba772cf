"""What is wrong with a file that a trial was given, and where."""


class TrialError(ValueError):
    """A file or a wish that cannot be used; the text reads `place: field: problem; remedy`."""


def refused(place: str, field: str, problem: str, remedy: str) -> TrialError:
    """Return (not raise) the error of one field of one place, such as a file's line."""
    return TrialError(f"{place}: {field}: {problem}; {remedy}")
