"""Fuzzes parsers, led by what of them the bytes reach (Atheris), or blindly where that is missing.

    python -m tests.fuzz.run_fuzz batch --seconds 300 --finds FOLDER
    python -m tests.fuzz.run_fuzz all --runs 4000 --seed 7

`all` lets the first byte choose the target. A find is written to the folder, told and ends the run
with a status other than 0; `--again FILE` tries it anew.
"""

import argparse
import importlib
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

PACKAGES = ("wire_contracts", "meter_telegrams", "sync_server")
LONGEST_INPUT_BYTES = 4096
LONGEST_RUN_S = 10
"""Of one input: what takes longer can be used to keep the server busy."""

MOST_MEMORY_MIB = 1536


class Target(Protocol):
    """See `fuzz_targets.Target`; imported late, so that its modules can be watched."""

    name: str
    seeds: Sequence[bytes]

    def run(self, data: bytes) -> None:
        """Take any bytes."""
        ...


def main() -> None:
    """Fuzz until the runs or the seconds are over."""
    options = _options()
    atheris = _atheris()
    if atheris is None:
        found = _targets()
    else:
        with atheris.instrument_imports(include=list(PACKAGES)):
            found = _targets()
    chosen = [each for each in found if options.target in {"all", each.name}]
    if not chosen:
        sys.exit(f"{options.target}: is no target; use all, {', '.join(x.name for x in found)}")
    if options.again:
        _try(chosen, options.again.read_bytes())
    elif atheris is None:
        _fuzz_blindly(chosen, options)
    else:
        _fuzz_led(atheris, chosen, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--runs", type=int, default=-1)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--finds", type=Path, default=Path("fuzz-finds"))
    parser.add_argument("--again", type=Path)
    return parser.parse_args()


class _Atheris(Protocol):
    """The part of Atheris that is used."""

    def instrument_imports(self, include: list[str]) -> "tempfile.TemporaryDirectory[str]":
        """Watch what is imported inside the block."""
        ...

    def Setup(self, flags: list[str], run: object) -> None:  # noqa: N802  # Atheris' name
        """Take libFuzzer's flags and what is called with each input."""
        ...

    def Fuzz(self) -> None:  # noqa: N802  # Atheris' name
        """Fuzz; ends the process."""
        ...


def _atheris() -> _Atheris | None:
    try:
        return cast("_Atheris", importlib.import_module("atheris"))  # as the protocol says
    except ImportError:
        return None


def _targets() -> Sequence[Target]:
    module = importlib.import_module("tests.fuzz.fuzz_targets")
    return cast("Sequence[Target]", module.targets())  # its own return type


def _fuzz_led(atheris: _Atheris, chosen: Sequence[Target], options: argparse.Namespace) -> None:
    """Let libFuzzer choose inputs by the branches that they reach."""
    options.finds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for at, target in enumerate(chosen):
            for number, seed in enumerate(target.seeds):
                (Path(corpus) / f"{target.name}-{number}").write_bytes(_chosen_by(at, chosen, seed))
        flags = [
            sys.argv[0],
            f"-runs={options.runs}",
            f"-max_total_time={options.seconds}",
            f"-seed={options.seed or random.randrange(1, 2**31)}",  # no secret
            f"-max_len={LONGEST_INPUT_BYTES}",
            "-len_control=0",
            f"-timeout={LONGEST_RUN_S}",
            f"-rss_limit_mb={MOST_MEMORY_MIB}",
            f"-artifact_prefix={options.finds}/",
            corpus,
        ]
        atheris.Setup(flags, lambda data: _try(chosen, bytes(data)))
        atheris.Fuzz()


def _fuzz_blindly(chosen: Sequence[Target], options: argparse.Namespace) -> None:
    """Spoil seeds by chance; for `--seconds` as many runs as fit are not known, so 1,000 each."""
    chance = random.Random(options.seed)  # no secret
    runs = options.runs if options.runs > 0 else 1000 * max(options.seconds, 1)
    for number in range(runs):
        at = chance.randrange(len(chosen))
        data = _chosen_by(at, chosen, _spoiled(chance, chance.choice(chosen[at].seeds)))
        try:
            _try(chosen, data)
        except BaseException:
            options.finds.mkdir(parents=True, exist_ok=True)
            (options.finds / f"crash-{number}").write_bytes(data)
            raise
    print(f"{runs} runs, led by nothing: atheris is not installed", file=sys.stderr)  # noqa: T201


def _spoiled(chance: random.Random, seed: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(3)
        if what == 0:
            data[at:at] = chance.randbytes(chance.randrange(1, 5))
        elif what == 1:
            del data[at : at + chance.randrange(1, 9)]
        else:
            data[at : at + 1] = chance.randbytes(1)
    return bytes(data[:LONGEST_INPUT_BYTES])


def _chosen_by(at: int, chosen: Sequence[Target], data: bytes) -> bytes:
    return data if len(chosen) == 1 else bytes([at]) + data


def _try(chosen: Sequence[Target], data: bytes) -> None:
    if len(chosen) == 1:
        chosen[0].run(data)
    elif data:
        chosen[data[0] % len(chosen)].run(data[1:])


if __name__ == "__main__":
    main()
