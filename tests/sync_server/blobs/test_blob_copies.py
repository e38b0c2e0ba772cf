"""Photos beside a backup: each once, verified, and back."""

from pathlib import Path

from sync_server.blobs.copies_io import CopyReport, copy_blobs
from sync_server.blobs.files_io import BlobFiles
from tests.sync_server.blobs.blob_parts import jpeg, name_of


def put(files: BlobFiles, content: bytes, name: str | None = None) -> str:
    name = name or name_of(content)
    path = files.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def test_a_second_backup_copies_only_what_is_new(tmp_path: Path) -> None:
    live, kept = BlobFiles(tmp_path / "live"), BlobFiles(tmp_path / "kept")
    put(live, jpeg(1))
    first = copy_blobs(live, kept)
    put(live, jpeg(2))

    second = copy_blobs(live, kept)

    assert first == CopyReport(copied=1, present=0, broken=())
    assert second == CopyReport(copied=1, present=1, broken=())
    assert list(kept.names()) == sorted([name_of(jpeg(1)), name_of(jpeg(2))])


def test_a_broken_photo_is_named_and_left_out(tmp_path: Path) -> None:
    live, kept = BlobFiles(tmp_path / "live"), BlobFiles(tmp_path / "kept")
    name = put(live, jpeg(1), name_of(jpeg(2)))

    report = copy_blobs(live, kept)

    assert report == CopyReport(copied=0, present=0, broken=(name,))
    assert list(kept.names()) == []


def test_a_photo_that_the_disk_does_not_give_keeps_none_of_the_others_back(tmp_path: Path) -> None:
    live, kept = BlobFiles(tmp_path / "live"), BlobFiles(tmp_path / "kept")
    names = sorted(put(live, jpeg(number)) for number in (1, 2))
    path = live.path_of(names[0])
    path.unlink()
    path.symlink_to("/proc/self/mem")  # every read of it is an input/output error

    report = copy_blobs(live, kept)

    assert report == CopyReport(copied=1, present=0, broken=(), unreadable=(names[0],))
    assert [path.name for path in kept.root.rglob("*") if path.is_file()] == [names[1]]
