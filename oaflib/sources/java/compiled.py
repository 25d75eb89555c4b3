"""The Java helper: compiled once, where there is a compiler, and kept for the next time."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
_NAME = "oaflib.Bulk"


def helper(jpype: Any, java_home: str = "") -> Any | None:
    """The Java class ``oaflib.Bulk``; None where it is not compiled and no compiler is found.

    Without it everything works the same, about a hundred times slower.
    """
    folder = classes(java_home or str(jpype.java.lang.System.getProperty("java.home")))
    if folder is None:
        return None
    address = jpype.java.io.File(str(folder)).toURI().toURL()
    urls = jpype.JArray(jpype.java.net.URL)([address])
    try:
        return jpype.JClass(jpype.java.net.URLClassLoader(urls).loadClass(_NAME))
    except jpype.JException as error:
        log.warning("the Java helper in %s does not load: %s", folder, error)
        return None


def classes(java_home: str = "", cache: Path | None = None) -> Path | None:
    """The folder of the compiled helper, compiled now if it is not there.

    `cache` is by default ``$XDG_CACHE_HOME/oaf`` or ``~/.cache/oaf``. None when there is no
    ``javac`` in `java_home`, ``$JAVA_HOME`` or on the path, or when it fails.
    """
    text = resources.files(__package__).joinpath("helper/Bulk.java").read_text("utf-8")
    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    cache = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oaf"
    folder = cache / f"java-{version}"
    if (folder / "oaflib" / "Bulk.class").exists():
        return folder
    compiler = _compiler(java_home)
    if compiler is None:
        log.warning("no javac found: points come from Java one by one, which is slow")
        return None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".java-", dir=cache))
    except OSError:
        made = Path(tempfile.mkdtemp(prefix="oaf-java-"))  # no home to write to: for this process
        folder = made
    return _compile(compiler, text, made, folder)


def _compile(compiler: str, text: str, made: Path, folder: Path) -> Path | None:
    source = made / "Bulk.java"
    source.write_text(text, encoding="utf-8")
    # A class file for Java 8 runs in any; the javac of Java 8 itself does not know --release.
    for level in (["--release", "8"], []):
        command = [compiler, "-nowarn", "-encoding", "UTF-8", *level, "-d", str(made), str(source)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("javac does not work: %s", error)
            break
        if done.returncode == 0:
            return _placed(made, folder)
        log.info("javac %s: %s", " ".join(level), done.stderr.strip())
    shutil.rmtree(made, ignore_errors=True)
    return None


def _placed(made: Path, folder: Path) -> Path:
    """`made` under its name; another process may have been quicker."""
    if made == folder:
        return folder
    try:
        made.rename(folder)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _compiler(java_home: str) -> str | None:
    for home in (java_home, os.environ.get("JAVA_HOME", "")):
        # the machine of a Java 8 JDK says that its home is the jre/ inside
        for folder in (Path(home), Path(home).parent) if home else ():
            found = shutil.which("javac", path=str(folder / "bin"))
            if found:
                return found
    return shutil.which("javac")
