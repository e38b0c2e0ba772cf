"""Reads the text format of Prometheus as far as the gateway's own metrics need it."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
_ESCAPES: Mapping[str, str] = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
"""Text format 0.0.4: what may stand in a label value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number with its name and labels."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_samples(text: str) -> Iterator[Sample]:
    """Yield every sample of a scrape; raise ValueError at a line that is none."""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(line)
        if found is None:
            message = f"{line[:80]!r} is no sample"
            raise ValueError(message)
        value = float(found[3])
        if math.isfinite(value):
            yield Sample(name=found[1], labels=dict(_labels(found[2] or "")), value=value)


def value_of(samples: Iterable[Sample], name: str, **labels: str) -> float | None:
    """Return the number with this name and at least these labels, None when there is none."""
    for sample in samples:
        if sample.name == name and labels.items() <= sample.labels.items():
            return sample.value
    return None


def _labels(text: str) -> Iterator[tuple[str, str]]:
    for name, value in _LABEL.findall(text):
        yield name, re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), value)
