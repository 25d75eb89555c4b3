"""Coverage-guided fuzzing of everything that reads: ``make fuzz``, minutes by ``OAF_MINUTES``.

Each reader is fuzzed in a process of its own by atheris, from its good examples on. What it may
raise is a refusal; anything else ends that process, and is a bug.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from faults.tried import Tried, budget

TARGETS = (
    *("toml", "table", "ingest-csv", "report.json", "archiver-wire", "archiver-json"),
    *("silences", "interventions", "aliases", "windows", "times", "alarm-memory"),
    *("records.json", "scrap", "shelf", "ingest-tfs", "ingest-parquet", "ingest-hdf5"),
)


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """All readers, each for its share of the time."""
    share = budget(3600.0 if full else 120.0) / len(TARGETS)
    wanted = os.environ.get("OAF_TARGETS", " ".join(TARGETS)).split()
    for name in wanted:
        yield _fuzzed(name, max(2.0, share), folder)


def _fuzzed(name: str, seconds: float, folder: Path) -> Tried:
    corpus = folder / name
    corpus.mkdir(parents=True)
    began, before = time.monotonic(), _cpu()
    ended = subprocess.run(
        [sys.executable, "-m", "faults.fuzz", name, str(corpus), str(seconds)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    counts = re.findall(r"^#(\d+)\t|stat::number_of_executed_units: (\d+)", ended.stderr, re.M)
    tried = max((int(one or other) for one, other in counts), default=0)
    said = [] if ended.returncode == 0 and tried else [(ended.stdout + ended.stderr)[-4000:]]
    kept = len(list(corpus.iterdir()))
    note = f"{_cpu() - before:.0f} s CPU; {kept} inputs that reach something new"
    took = time.monotonic() - began
    return Tried(f"atheris: {name}", tried, tried - len(said), 0, 0, took, note, said)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """One reader, in this process; never returns."""
    import atheris

    name, corpus, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    with atheris.instrument_imports(include=["oaflib", "tomllib", "csv", "json"]):
        import oaflib.sources.embedded.formats.csv
        import oaflib.sources.embedded.formats.hdf5
        import oaflib.sources.embedded.formats.parquet
        import oaflib.sources.embedded.formats.tfs  # noqa: F401
        from faults.parsers import parsers
    with tempfile.TemporaryDirectory(), parsers() as found:
        reader = found[name]
        for number, example in enumerate(reader.examples):
            (corpus / f"example-{number}").write_bytes(example)

        def one(data: bytes) -> None:
            reader.tried(data)

        words = [sys.argv[0], f"-max_total_time={max(1, int(seconds))}", "-print_final_stats=1"]
        atheris.Setup([*words, "-max_len=8192", "-timeout=60", "-rss_limit_mb=0", str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
