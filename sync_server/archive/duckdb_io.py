"""Finds the readings of one meter in the archive's Parquet files: the one door to DuckDB."""

from collections.abc import Sequence
from pathlib import Path

from sync_server.archive.parquet_io import ArchiveError
from wire_contracts.quantities import Quantity

_MEMORY = "256MB"
"""What one question may take; of one meter's readings it needs a few."""


def find_values(
    paths: Sequence[Path], meter_id: str, quantity: Quantity, span_ms: tuple[int, int]
) -> dict[int, float]:
    """Return instant in ms to value in [from, to), of files given in the order of their parts.

    Of an instant that several files know the last one counts. A fault has no value and is left out.

    Raises:
        ArchiveError: A file is missing or damaged.
    """
    if not paths:
        return {}
    import duckdb  # noqa: PLC0415  # an extra

    names = [str(path) for path in paths]
    place = {name: at for at, name in enumerate(names)}
    query = (
        f'SELECT measured_at_ms, "{quantity}", filename FROM read_parquet(?, filename = true)'  # noqa: S608  # a name of our own
        " WHERE meter_id = ? AND measured_at_ms >= ? AND measured_at_ms < ?"
        f' AND "{quantity}" IS NOT NULL'
    )
    try:
        with duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY}) as connection:
            rows = connection.execute(query, [names, meter_id, *span_ms]).fetchall()
    except duckdb.Error as error:
        raise ArchiveError(
            f"archive: files: cannot be read ({error}); put them back from a copy"
        ) from error
    rows.sort(key=lambda row: place[row[2]])
    return {at_ms: value for at_ms, value, _ in rows}
