"""Writes the raw readings of a day to a Parquet file, and reads them back as they were stored.

The one door to pyarrow, which the extra `archive` brings.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Column, Float, LargeBinary

from sync_server.db.bulk_io import Row
from sync_server.db.reading_tables import READING

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_OF_GROUP: Final = 50_000
"""Rows of one group: one meter is found by the bounds of its group, and 50,000 rows are 12 MB."""

NAMES: Final = tuple(READING.columns.keys())


class ArchiveError(RuntimeError):
    """An archive that cannot be written or read; the text reads `place: field: problem; remedy`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """A file that is on the disk with its name."""

    row_count: int
    byte_count: int
    sha256: str


def check_installed() -> None:
    """Raise ArchiveError where the libraries of the archive are missing."""
    missing = [name for name in ("pyarrow", "duckdb") if find_spec(name) is None]
    if missing:
        raise ArchiveError(
            f"archive: folder: is set, but {' and '.join(missing)} is not installed;"
            ' run pip install "lamplighter[archive]", or take folder out of [archive]'
        )


def write_part(path: Path, rows: Iterable[Row]) -> PartFile:
    """Write rows, in the order of the columns of `reading`, and return the file as it lies on disk.

    The file has its name only when all of it is on the disk.

    Raises:
        ArchiveError: The folder cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        count = _write(unfinished, iter(rows))
        _sync(unfinished)
        unfinished.rename(path)
        _sync(path.parent)
        return PartFile(row_count=count, byte_count=path.stat().st_size, sha256=sha256_of(path))
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise ArchiveError(
            f"archive: {path}: cannot be written ({reason}); make room, nothing was removed"
        ) from error


def _write(path: Path, rows: Iterator[Row]) -> int:
    import pyarrow as pa  # noqa: PLC0415  # an extra
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    schema, count = _schema(), 0
    with pq.ParquetWriter(path, schema, compression="zstd", version="2.6") as writer:
        while chunk := list(islice(rows, _ROWS_OF_GROUP)):
            columns = zip(*chunk, strict=True)
            arrays = [
                pa.array(column, each.type) for column, each in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(chunk)
    return count


def _schema() -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415  # an extra

    kinds = ((BigInteger, pa.int64()), (Float, pa.float64()), (LargeBinary, pa.binary()))

    def kind_of(column: Column[object]) -> "pa.DataType":
        return next((kind for of, kind in kinds if isinstance(column.type, of)), pa.string())

    return pa.schema([(column.name, kind_of(column)) for column in READING.columns])


def read_part(path: Path) -> Iterator[Row]:
    """Yield the rows of a file in the order they were written.

    Raises:
        ArchiveError: The file is missing or damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  # an extra
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_OF_GROUP, columns=list(NAMES)):
                columns: Sequence[Sequence[object]] = [each.to_pylist() for each in batch.columns]
                yield from zip(*columns, strict=True)
    except (OSError, pa.ArrowException) as error:
        raise ArchiveError(
            f"archive: {path}: cannot be read ({error}); put it back from a copy"
        ) from error


def part_of(path: Path) -> PartFile:
    """Return what a file that is there already holds.

    Raises:
        ArchiveError: It is missing or damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  # an extra
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    try:
        count = pq.read_metadata(path).num_rows
        return PartFile(row_count=count, byte_count=path.stat().st_size, sha256=sha256_of(path))
    except (OSError, pa.ArrowException) as error:
        raise ArchiveError(
            f"archive: {path}: cannot be read ({error}); put it back from a copy"
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
