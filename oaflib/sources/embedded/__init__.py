"""OAF's own logging store: Parquet files under a SQLite manifest, on one machine's disk."""

from oaflib.sources.embedded.batch import Batch
from oaflib.sources.embedded.compact import Compaction, Tidied, clean, compact, forget
from oaflib.sources.embedded.ingest import ingest, ingest_files
from oaflib.sources.embedded.intake import BadLine, BadLines, Ingested, IngestOptions
from oaflib.sources.embedded.lake import Lake
from oaflib.sources.embedded.source import EmbeddedSource

__all__ = [
    "BadLine",
    "BadLines",
    "Batch",
    "Compaction",
    "EmbeddedSource",
    "IngestOptions",
    "Ingested",
    "Lake",
    "Tidied",
    "clean",
    "compact",
    "forget",
    "ingest",
    "ingest_files",
]
