"""A real PostgreSQL for tests: Debian's, in a folder of its own, on a unix socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class Postgres:
    """The server; `socket` is its folder, `user` its superuser, who needs no password there.

    `guarded` needs one: the role ``reader`` with the password ``sesame``.
    """

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder, self.bin, self.user = folder, bin_folder, "oaf"
        self.socket = folder
        self.port = 5432

    def run(self, *words: str) -> None:
        """Run one of its programs as an unprivileged user; root may not run the server."""
        command = [str(self.bin / words[0]), *words[1:]]
        about = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env={"LC_ALL": "C"},
            timeout=120, check=False, stdin=subprocess.DEVNULL, **about,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self.socket} -c fsync=off -c log_min_messages=error"
        # The server keeps what it inherits open: its words go to a file, or we would wait for it.
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"),
                 "-o", options, "start")  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", mode, "stop")

    def conninfo(self, database: str = "postgres") -> str:
        return f"host={self.socket} port={self.port} user={self.user} dbname={database}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server; skips the test where there is none to run."""
    if not FOLDERS:
        pytest.skip("PostgreSQL (Debian's postgresql) is not installed")
    folder = Path(tempfile.mkdtemp(prefix="oaf-pg-"))  # short: a socket's path has 107 characters
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = Postgres(folder, FOLDERS[0])
    try:
        server.run("initdb", "-D", str(folder / "data"), "-U", server.user, "-A", "trust", "-N",
                   "-E", "UTF8", "--locale=C")  # fmt: skip
        (folder / "data" / "pg_hba.conf").write_text(
            "local all reader scram-sha-256\nlocal all all trust\n"
        )
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
