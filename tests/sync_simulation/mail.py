"""What the network does to messages, and which of them are still on their way."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Mail:
    """What is on its way: requests that arrive once more, later."""

    rng: random.Random
    is_fair: bool = False
    late: list[Callable[[], object]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
