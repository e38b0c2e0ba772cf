"""Reads the packaged plan of the town."""

import json
from collections.abc import Sequence
from importlib.resources import files

from demo.seed_plan import CommunityPlan, SeedPlan
from demo.town import Town, plan_town

DEFAULT_SEED = 20_261_116
"""Seed of the town that `make demo` shows."""


def load_seed_plan() -> SeedPlan:
    """Return the allocation of `demo/data/seed_plan.json`."""
    text = files("demo").joinpath("data/seed_plan.json").read_text(encoding="utf-8")
    body = json.loads(text)
    return SeedPlan(
        communities=_communities(body["communities"]["columns"], body["communities"]["rows"]),
        hp_sections_m=_repeated(body["hp_sections_m"]),
        mp_sections_m=_repeated(body["mp_sections_m"]),
        hp_valve_wells=body["hp_valve_wells"],
        public_welfare_users=body["public_welfare_users"],
        industrial_users=body["industrial_users"],
        staff=body["staff"],
    )


def load_town(seed: int = DEFAULT_SEED) -> Town:
    """Return the town of the packaged plan for a seed."""
    return plan_town(seed, load_seed_plan())


def _communities(columns: Sequence[str], rows: Sequence[Sequence[int]]) -> list[CommunityPlan]:
    planned: list[CommunityPlan] = []
    for row in rows:
        fields = dict(zip(columns, row, strict=True))
        for _ in range(fields.pop("count")):
            planned.append(CommunityPlan(number=len(planned) + 1, **fields))
    return planned


def _repeated(runs: Sequence[tuple[int, int]]) -> list[int]:
    return [length for count, length in runs for _ in range(count)]
