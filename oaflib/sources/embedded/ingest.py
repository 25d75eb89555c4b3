"""``oaf ingest``: files of measurements into the store, each whole or not at all, and once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from oaflib.errors import IngestError
from oaflib.sources.embedded.batch import AlreadyThere
from oaflib.sources.embedded.intake import BadLines, Ingested, IngestOptions, Intake
from oaflib.sources.embedded.lake import Lake

FORMATS = ("csv", "parquet", "hdf5", "tfs")


def ingest(path: Path, lake: Lake, options: IngestOptions | None = None) -> Ingested:
    """Bring one file into the store.

    The same content a second time, under any name, changes nothing. Exact repetitions inside the
    file are left out; those of other files are left to `extract`.

    Raises
    ------
    IngestError
        The file cannot be read, is of no known format, or contradicts the store (a unit). As
        `BadLines`: it has bad lines, and `options` do not say to keep the good ones. Either way
        nothing of it is in the store.
    SourceUnavailable
        The store cannot be written.
    """
    options = options or IngestOptions()
    path = Path(path)
    before, content = _content(path, options)
    if lake.holds(content):
        return Ingested(path, already_there=True)
    try:
        with lake.writing(f"file {path.name}", content=content, once=True) as batch:
            intake = Intake(path, batch, options)
            _reader(path)(path, intake)
            done = intake.done()
            if _stamp(path) != before:
                raise IngestError(f"{path} changed while it was read; ingest it again")
    except AlreadyThere:
        return Ingested(path, already_there=True)
    return replace(
        done, samples=batch.samples, variables=batch.variables, duplicates=batch.repeated
    )


def ingest_files(
    paths: Iterable[Path], lake: Lake, options: IngestOptions | None = None
) -> list[Ingested]:
    """Bring files into the store, one after the other; one that is refused stops no other.

    Raises
    ------
    SourceUnavailable
        The store cannot be written; files before that are in it.
    """
    results = []
    for path in paths:
        try:
            results.append(ingest(path, lake, options))
        except BadLines as error:
            results.append(Ingested(path, bad=error.bad, bad_count=error.count, refused=str(error)))
        except IngestError as error:
            results.append(Ingested(path, refused=str(error)))
    return results


def format_of(path: Path) -> str:
    """The format of a file, by its first bytes and its name.

    Raises
    ------
    IngestError
        It cannot be read, or is of a format known to be none of these.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x89HDF\r\n"):
        return "hdf5"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if ".tfs" in suffixes or head.lstrip()[:2] in (b"@ ", b"* "):
        return "tfs"
    for suffix, name in ((".parquet", "Parquet"), (".h5", "HDF5"), (".hdf5", "HDF5")):
        if suffix in suffixes:
            raise IngestError(f"{path} is no {name} file, in spite of its name: it is damaged")
    if head.startswith(b"PK\x03\x04"):
        raise IngestError(f"{path} is a zip or Excel file; save the table as CSV, or unpack it")
    return "csv"


def _reader(path: Path) -> Callable[[Path, Intake], None]:
    module = import_module(f"oaflib.sources.embedded.formats.{format_of(path)}")
    reader: Callable[[Path, Intake], None] = module.read
    return reader


def _content(path: Path, options: IngestOptions) -> tuple[tuple[int, int], str]:
    """What the file is now, and a hash of its content and of the options that give it meaning."""
    try:
        stamp = _stamp(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise IngestError(f"{path} cannot be read: {error.strerror or error}") from error
    digest.update(f"\0{options.device}\0{options.zone}".encode())
    return stamp, f"sha256:{digest.hexdigest()}"


def _stamp(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns
