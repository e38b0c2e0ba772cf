"""How long one poll takes to decode: the prepared group beside exact fractions, same process.

    python benchmarks/bench_decode.py

Prints microseconds per frame, the best of seven rounds of 300 frames each, and the ratio.
"""

import time
from collections.abc import Callable
from functools import partial

from firmware_profiles.decode import decode_group, decode_group_slowly
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.profile import wire_registers
from firmware_profiles.simulation import USUAL

ROUNDS, FRAMES = 7, 300


def microseconds(decode: Callable[[], object]) -> float:
    """Return the microseconds of one call, in the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        started_s = time.perf_counter()
        for _ in range(FRAMES):
            decode()
        best = min(best, time.perf_counter() - started_s)
    return best / FRAMES * 1e6


def main() -> None:
    """Print one line per released profile."""
    print(f"{'profile':36} values  prepared us  fractions us  ratio")
    for reference in available_profiles():
        profile = load_profile(reference)
        image = encode_values(profile, {name: USUAL[name] for name in wire_registers(profile)})
        group = next(iter(profile.groups))
        count = len(decode_group(profile, group, image, {}).values)
        fast = microseconds(partial(decode_group, profile, group, image, {}))
        slow = microseconds(partial(decode_group_slowly, profile, group, image, {}))
        print(f"{reference:36} {count:6} {fast:12.1f} {slow:13.1f} {slow / fast:6.1f}")


if __name__ == "__main__":
    main()
