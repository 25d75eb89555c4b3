"""The Java machine of a process: when it starts, what it needs, and what it cannot do.

A process has one and it never starts twice, so each of these runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from java_world import World, jars, needs_jdk

from oaflib.sources.java.compiled import classes

pytestmark = [pytest.mark.java, needs_jdk]

SECOND = 10**9
START = 1_780_000_000 * SECOND
HEAD = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import numpy as np
from oaflib.errors import OafError, ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.sources.base import SourceSettings
from oaflib.sources.java import JavaSource
from oaflib.window import Window, moment
folder, cals, nxcals = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def source(api="nxcals", **options):
    given = {"api": api, "classpath": [cals, nxcals], "service": str(folder / "w.tsv"), **options}
    return JavaSource(SourceSettings("LDB", "java", given, folder))
def window(start, seconds):
    return Window(moment(start), moment(start) + timedelta(seconds=seconds))
def values(opened, name, w):
    (series,) = opened.read(opened.find(name), w)
    return series
"""


def python(code: str, folder: Path, **environment: str) -> str:
    """What a fresh process prints; its errors fail the test."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code, str(folder), *map(str, jars().values())],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_no_java(tmp_path: Path) -> None:
    code = (
        "import sys\nimport oaflib\nimport oaflib.sources.java\n"
        "from oaflib.sources.base import SourceSettings\n"
        "oaflib.sources.java.JavaSource(SourceSettings('LDB', 'java', {'classpath': ['x.jar']}))\n"
        "assert not [name for name in sys.modules if 'jpype' in name.lower()]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


ZONES = ("UTC", "Europe/Zurich", "America/St_Johns", "Pacific/Apia")
# what is hard: hours that do not exist or come twice in Zurich, in St. John's, and a half-hour zone
MOMENTS = ("2016-03-27T01:30:00", "2016-10-30T00:30:00", "2016-10-30T01:30:00")
MOMENTS += ("2016-03-13T05:30:00", "2016-11-06T03:30:00", "2016-11-06T04:30:00", "2011-12-30T12:00")


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_right_in_any_zone_of_java(zone: str, tmp_path: Path) -> None:
    world = World().variable("A:B", "NUMERIC")
    world.write(tmp_path / "w.tsv")
    code = f"""
times = [int(datetime.fromisoformat(t + "+00:00").timestamp()) * 10**9 + 123456789
         for t in {MOMENTS!r}]
lines = ["variable\\tA:B\\tNUMERIC\\t\\t"] + [f"point\\t{{t}}\\tD\\t1.5" for t in times]
lines += [f"fill\\t7\\t{{times[0]}}\\t{{times[0] + 10**9}}"]
(folder / "w.tsv").write_text("\\n".join(lines) + "\\n")
with source(jvm_options=["-Duser.timezone={zone}"]) as opened:
    import jpype
    print(jpype.java.util.TimeZone.getDefault().getID())
    whole = Window(datetime(2010, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
    assert values(opened, "A:B", whole).time.tolist() == sorted(times)
    for t in times:  # a window of 2 s around each, and what is just before it
        w = window(t - 10**9, 2)
        assert values(opened, "A:B", w).time.tolist() == [t], t
        assert opened.count(opened.find("A:B"), w) == {{"A:B": 1}}
        assert opened.last_before(opened.find("A:B"), t + 1)["A:B"].time.tolist() == [t]
        (bucket,) = opened.scaled(opened.find("A:B"), w, timedelta(seconds=1), "COUNT")
        assert bucket.time.tolist() == [w.start_ns + 10**9]  # the first second is empty
    (fill,) = opened.fills(window(times[0], 5))
    assert fill.start == times[0]
"""
    assert python(code, tmp_path).strip() == zone


def test_two_sources_share_one_machine(tmp_path: Path) -> None:
    World().variable("A:B", "NUMERIC").point(START, "D", 2.0).write(tmp_path / "w.tsv")
    code = f"""
for api in ("cals", "nxcals", "cals"):
    with source(api) as opened:
        assert values(opened, "A:B", window({START}, 1)).value.tolist() == [2.0]
"""
    python(code, tmp_path)


def test_a_machine_with_another_class_path(tmp_path: Path) -> None:
    World().write(tmp_path / "w.tsv")
    code = """
with source("cals", classpath=[cals]):
    pass
for options in ({"classpath": [nxcals]}, {"classpath": [cals], "jvm_options": ["-Xmx77m"]}):
    try:
        source("cals", **options).__enter__()
    except ConfigurationError as error:
        print(error)
with source("cals", classpath=[]) as opened:  # as the running one has it
    assert opened.find("%") == []
try:
    source("nxcals", classpath=[]).__enter__()
except ConfigurationError as error:
    print(error)
"""
    first, second, third = python(code, tmp_path).splitlines()
    assert (
        f"Java runs in this process already, with another class path: it lacks {jars()['nxcals']}."
        in first
    )
    assert "write the jars of all java sources into each classpath" in first
    assert "Java runs in this process already, without -Xmx77m" in second
    assert "the classpath holds no cern.nxcals.api.backport.client.service.ServiceBuilder" in third


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('classpath=["w.tsv"]', "the classpath holds no cern.nxcals.api.backport.client.service"),
        ("classpath=[]", "classpath is empty, which stands for a Java machine that runs already"),
        ('jvm_options=["-XX:NoSuchThing=1"]', "does not start with -Djava.awt.headless=true"),
        ('java_home="/nowhere"', "java_home /nowhere holds no Java: no server/libjvm.so below it"),
    ],
)
def test_java_that_does_not_start(options: str, message: str, tmp_path: Path) -> None:
    World().write(tmp_path / "w.tsv")
    code = f"""
try:
    source({options}).__enter__()
except ConfigurationError as error:
    print(error)
"""
    assert message in python(code, tmp_path)


def test_java_of_java_home(tmp_path: Path) -> None:
    World().variable("A:B", "NUMERIC").write(tmp_path / "w.tsv")
    found = subprocess.run(
        ["java", "-XshowSettings:properties", "-version"],
        capture_output=True,
        text=True,
        check=True,
    )
    home = next(
        line.split("=")[1].strip() for line in found.stderr.splitlines() if "java.home" in line
    )
    code = f"""
with source(java_home={home!r}) as opened:
    assert len(opened.find("%")) == 1
"""
    python(code, tmp_path)


def test_a_fork_of_a_process_with_java_says_so_and_does_not_hang(tmp_path: Path) -> None:
    World().variable("A:B", "NUMERIC").write(tmp_path / "w.tsv")
    code = """
import os, signal
with source() as opened:
    opened.find("%")
for known in (True, False):  # also where somebody else started Java
    if not known:
        import oaflib.sources.java.jvm as jvm
        jvm._started = None
    sys.stdout.flush()
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            source().__enter__()
        except SourceUnavailable as error:
            print(error, flush=True)
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
with source() as opened:  # the parent is none the worse
    assert len(opened.find("%")) == 1
"""
    lines = python(code, tmp_path).splitlines()
    assert len(lines) == 2
    assert all("is a fork of one in which Java runs" in line for line in lines)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="not Linux")
def test_java_starts_within_a_kernels_limit_of_memory(tmp_path: Path) -> None:
    """Left to itself Java plans by the machine's memory and ends the process."""
    World().variable("A:B", "NUMERIC").add("uniform", START, SECOND, 86_400, "D").write(
        tmp_path / "w.tsv"
    )
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
with source() as opened:
    assert len(values(opened, "A:B", window({START}, 86400))) == 86400
(size,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmSize")]
print(int(size) // 1024)
"""
    megabytes = int(python(code, tmp_path))
    assert megabytes < 3000, "too little is left for the report itself"


def test_a_heap_too_small_is_a_refusal(tmp_path: Path) -> None:
    world = World().variable("A:B", "VECTORNUMERIC").add("rows", START, SECOND, 200, 20_000)
    world.variable("A:C", "NUMERIC").point(START, "D", 1.0).write(tmp_path / "w.tsv")
    code = f"""
with source(jvm_options=["-Xmx48m"]) as opened:
    try:
        values(opened, "A:B", window({START}, 200))
    except QueryRefused as error:
        print(error)
    print(len(values(opened, "A:B", window({START}, 5))))
    assert values(opened, "A:C", window({START}, 5)).value.tolist() == [1.0]
"""
    message, few = python(code, tmp_path).splitlines()
    assert "Java's memory is too small for the answer" in message
    assert "-Xmx" in message
    assert few == "5"


def test_a_thread_left_in_java_does_not_hold_up_the_end(tmp_path: Path) -> None:
    World().write(tmp_path / "w.tsv")
    code = """
with source():
    import jpype
    timer = jpype.java.util.Timer()  # its thread lives until it is cancelled, and nobody does
    print("done")
"""
    assert python(code, tmp_path) == "done\n"


def test_java_that_sweeps_its_memory_does_not_disturb_the_end(tmp_path: Path) -> None:
    """Swept, it tells Python which objects it needs no more; there may be no Python left."""
    World().write(tmp_path / "w.tsv")
    code = """
with source():
    import jpype
    invoke, runtime = jpype.java.lang.invoke, jpype.java.lang.Runtime.getRuntime()
    nothing = invoke.MethodType.methodType(jpype.java.lang.Void.TYPE)
    sweep = invoke.MethodHandles.publicLookup().findVirtual(runtime.getClass(), "gc", nothing)
    work = invoke.MethodHandleProxies.asInterfaceInstance(
        jpype.java.lang.Runnable, sweep.bindTo(runtime)
    )
    pool = jpype.java.util.concurrent.Executors.newScheduledThreadPool(2)
    pool.scheduleWithFixedDelay(work, 0, 1, jpype.java.util.concurrent.TimeUnit.MICROSECONDS)
    print("done")
"""
    assert python(code, tmp_path) == "done\n"


def test_the_helper_is_compiled_once(tmp_path: Path) -> None:
    folder = classes(cache=tmp_path)
    assert folder is not None
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    made = (folder / "oaflib" / "Bulk.class").stat().st_mtime_ns
    time.sleep(0.01)
    assert classes(cache=tmp_path) == folder
    assert (folder / "oaflib" / "Bulk.class").stat().st_mtime_ns == made


def test_the_helper_runs_in_java_8(tmp_path: Path) -> None:
    folder = classes(cache=tmp_path)
    assert folder is not None
    head = (folder / "oaflib" / "Bulk.class").read_bytes()[:8]
    assert (head[:4].hex(), int.from_bytes(head[6:8])) == ("cafebabe", 52)


def test_no_compiler_no_helper_no_failure(tmp_path: Path) -> None:
    """An empty path and cache: points come one by one, and a warning tells why."""
    World().variable("A:B", "NUMERIC").point(START, "L", 2).write(tmp_path / "w.tsv")
    code = f"""
import logging, os, shutil
import oaflib.sources.java.compiled as compiled
from oaflib.sources.java.convert import PointByPoint
compiled._compiler = lambda home: None  # the JDK's own javac would be found beside its Java
logging.basicConfig(stream=sys.stdout, format="%(message)s")
with source() as opened:
    assert isinstance(opened._convert, PointByPoint)
    assert values(opened, "A:B", window({START}, 1)).value.tolist() == [2.0]
"""
    said = python(code, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert said.strip() == "no javac found: points come from Java one by one, which is slow"


def test_a_compiler_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    javac = home / "bin" / "javac"
    javac.write_text("#!/bin/sh\nexit 1\n")
    javac.chmod(0o755)
    assert classes(str(home), tmp_path / "cache") is None
    assert list((tmp_path / "cache").iterdir()) == []
