"""The one Java machine a process may have: started when it is first needed, never at import."""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oaflib.errors import ConfigurationError, SourceUnavailable

_LOCK = threading.Lock()
_FEWEST_THREADS = 5  # of a process with a Java machine: its collectors, compilers and watchers
_M_ARENA_MAX = -8  # of glibc's <malloc.h>
_PATIENCE = 3.0  # seconds for what still runs in Java when the process ends
_started: tuple[int, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Launch:
    """With what a Java machine starts; `classpath` empty: as the running one has it."""

    classpath: tuple[Path, ...]
    options: tuple[str, ...] = ()
    java_home: str = ""


def running(launch: Launch) -> Any:
    """The ``jpype`` module, its Java machine running with what `launch` asks for.

    Raises
    ------
    ConfigurationError
        No JPype, no Java, options it refuses, or one that runs already with another class path.
    SourceUnavailable
        This process is a fork of one in which Java runs: any call would hang.
    """
    try:
        import jpype
        import jpype.config
    except ImportError as error:
        raise ConfigurationError(
            f"a source of kind java needs JPype: install jpype1 ({error})"
        ) from None
    with _LOCK:
        if jpype.isJVMStarted():
            _check_fork()
            _check_classpath(jpype, launch)
        else:
            _start(jpype, launch)
    return jpype


def _start(jpype: Any, launch: Launch) -> None:
    global _started
    if not launch.classpath:
        raise ConfigurationError(
            "classpath is empty, which stands for a Java machine that runs already; none does"
        )
    options = [*_defaults(launch.options), *_within_limit(launch.options), *launch.options]
    try:
        library = _library(launch.java_home) if launch.java_home else jpype.getDefaultJVMPath()
    except jpype.JVMNotFoundException:
        raise ConfigurationError(
            "no Java found. Install a JRE, set JAVA_HOME, or write java_home in [sources.…]"
        ) from None
    try:
        paths = [str(path) for path in launch.classpath]
        jpype.startJVM(str(library), *options, classpath=paths, convertStrings=False)
    except (OSError, RuntimeError) as error:
        raise ConfigurationError(
            f"Java of {library} does not start with {' '.join(options)}: {error}"
        ) from None
    atexit.register(_let_go, jpype)  # runs before JPype's own
    _started = (os.getpid(), launch.options)
    _silence_log4j(jpype)


def _let_go(jpype: Any) -> None:
    """At the end of the process: do not wait for ever for threads that the client left in Java.

    JPype's own end waits for each; one that is still there after a few seconds is given up, and
    with it the client's last rites. Java then goes on to the very end. So that it neither tells a
    Python that is no more, nor works on while its library is taken down, which both can abort the
    process, JPype's queue is stopped here, and the process leaves when Python is done.
    """
    if _started is None or _started[0] != os.getpid():
        return
    threads = jpype.java.lang.Thread
    here, until = threads.currentThread(), time.monotonic() + _PATIENCE
    for thread in threads.getAllStackTraces().keySet():
        if not thread.isDaemon() and not thread.equals(here):
            thread.join(max(1, int((until - time.monotonic()) * 1000)))
            if thread.isAlive():
                jpype.config.destroy_jvm = False
    if not jpype.config.destroy_jvm:
        jpype.JClass("org.jpype.ref.JPypeReferenceQueue").getInstance().stop()
        libc = ctypes.CDLL(None)
        with suppress(AttributeError):  # on_exit is glibc's
            libc.on_exit(libc._exit, None)


def _check_fork() -> None:
    """Java's threads are not in a forked child; the first call that needs one waits for ever."""
    forked = _started is not None and _started[0] != os.getpid()
    tasks = Path("/proc/self/task")
    if not forked and tasks.is_dir():
        forked = sum(1 for _ in tasks.iterdir()) < _FEWEST_THREADS
    if forked:
        raise SourceUnavailable(
            "this process is a fork of one in which Java runs, and Java would hang here. Start it "
            "with multiprocessing's 'spawn' or 'forkserver', or open the source only in children"
        )


def _check_classpath(jpype: Any, launch: Launch) -> None:
    has = str(jpype.java.lang.System.getProperty("java.class.path") or "").split(os.pathsep)
    present = {str(Path(entry).resolve()) for entry in has if entry}
    missing = [str(path) for path in launch.classpath if str(path) not in present]
    if missing:
        raise ConfigurationError(
            "Java runs in this process already, with another class path: it lacks "
            f"{', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}. A process has one Java "
            "machine, whose class path is that of the first source that opens: write the jars of "
            "all java sources into each classpath, or open this one in a process of its own"
        )
    mine = [str(jpype.java.lang.System.getProperty("java.home"))]
    if launch.java_home and not Path(mine[0]).resolve().is_relative_to(
        Path(launch.java_home).resolve()
    ):
        raise ConfigurationError(
            f"Java runs in this process already, that of {mine[0]} and not of {launch.java_home}"
        )
    if _started is not None and set(launch.options) - set(_started[1]):
        late = " ".join(option for option in launch.options if option not in _started[1])
        raise ConfigurationError(
            f"Java runs in this process already, without {late}: write the same jvm_options in "
            "all java sources, or open this one in a process of its own"
        )


def _library(java_home: str) -> Path:
    """The Java machine's library in `java_home`; its place differs by version and system."""
    home = Path(java_home).expanduser()
    for name in ("libjvm.so", "libjvm.dylib", "jvm.dll"):
        found = sorted(home.glob(f"**/server/{name}"))
        if found:
            return found[0]
    raise ConfigurationError(f"java_home {home} holds no Java: no server/libjvm.so below it")


def _defaults(options: tuple[str, ...]) -> list[str]:
    """What suits us and is not said in `options`: no window, and memory swept in one go.

    Points live for one query; measured, they come out several times quicker than under G1.
    """
    chosen = any(re.fullmatch(r"-XX:[+-]Use\w*GC", option) for option in options)
    return ["-Djava.awt.headless=true", *([] if chosen else ["-XX:+UseParallelGC"])]


def _within_limit(options: tuple[str, ...]) -> list[str]:
    """Options that keep Java inside this process's limit of address space.

    Java plans by the machine's memory, not by the limit, and when a reservation fails it ends the
    whole process. A report's kernel has such a limit.
    """
    if sys.platform == "win32":
        return []
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return []
    sizes = {
        "-Xmx": f"-Xmx{max(limit // 4, 64 * 2**20) // 2**20}m",
        "-XX:CompressedClassSpaceSize": "-XX:CompressedClassSpaceSize=128m",
        "-XX:ReservedCodeCacheSize": "-XX:ReservedCodeCacheSize=96m",
    }
    _few_arenas()
    return [
        size
        for start, size in sizes.items()
        if not any(option.startswith(start) for option in options)
    ]


def _few_arenas() -> None:
    """Two arenas of malloc for all threads: each one reserves 64 MB, and Java has many threads."""
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    except (AttributeError, OSError):
        return  # no glibc, no arenas


def _silence_log4j(jpype: Any) -> None:
    """Old clients bring log4j 1, which complains on the terminal until it is told to be silent."""
    try:
        nowhere = jpype.JClass("org.apache.log4j.varia.NullAppender")()
        jpype.JClass("org.apache.log4j.BasicConfigurator").configure(nowhere)
    except (TypeError, AttributeError, jpype.JException):
        return
