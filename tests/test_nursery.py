"""Processes forked from a preloaded one: through papermill, nbclient and the runner; and alone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import nbclient
import nbformat
import papermill
import pytest
from conftest import Notebook
from jupyter_client.manager import start_new_kernel
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from project import DAY, ZONE, numeric

from oaflib.records import RecordsWriter, entry_of
from oaflib.report import Change, Fault, Outcome, Report, Severity
from oaflib.run import limits, nursery, provisioner
from oaflib.run.execution import execute
from oaflib.run.nursery import Nursery, NurseryLost
from oaflib.run.prompt import PromptManager
from oaflib.run.request import Request
from oaflib.run.thumbnails import thumbnails
from oaflib.window import calendar_day

pytestmark = [pytest.mark.kernel]


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every kernel this process starts is to be forked, of a nursery of this test's own."""
    monkeypatch.setattr(nursery, "_standing", None)
    monkeypatch.setattr(nursery, "_failed", 0)
    monkeypatch.setenv(KernelProvisionerFactory.default_provisioner_name_env, "local-provisioner")
    KernelProvisionerFactory.clear_instance()
    provisioner.register()
    yield
    KernelProvisionerFactory.clear_instance()
    home = nursery._standing
    if home is not None:  # living or not: its channel is to be closed
        home.close()


def shown(path: Path) -> str:
    """All that an executed notebook printed."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def executed(notebook: Notebook, folder: Path, code: str, name: str = "out.ipynb") -> str:
    """What `code` prints under papermill."""
    out = folder / name
    source = notebook(textwrap.dedent(code), name=f"in-{name}")
    papermill.execute_notebook(str(source), str(out), progress_bar=False, cwd=str(folder))
    return shown(out)


def asked(template: Path, folder: Path) -> Request:
    return Request(template, folder / "run", folder, folder / "records", {"day": "2026-11-22"})


ABOUT = """
import os, sys, json, random, numpy, resource
print(json.dumps({
    "pid": os.getpid(), "parent": os.getppid(), "group": os.getpgrp(), "session": os.getsid(0),
    "cwd": os.getcwd(), "loaded": [m for m in ("pandas", "matplotlib.pyplot") if m in sys.modules],
    "dice": [random.random(), float(numpy.random.rand())], "mine": os.environ.get("MINE", ""),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0], "argv": sys.argv[1],
}))
"""


@pytest.mark.usefixtures("forking")
def test_plain_papermill_gets_kernels_of_their_own(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the first kernel, or of the process that forks, is met in the second."""
    monkeypatch.setenv("MINE", "first")
    first = json.loads(executed(notebook, tmp_path, ABOUT))
    spoilt = """
        import builtins, os, sys, matplotlib
        builtins.mine = 1; sys.path.insert(0, "/nowhere"); os.environ["MINE"] = "spoilt"
        os.chdir("/"); matplotlib.rcParams["lines.linewidth"] = 77; sys.modules["json"] = None
    """
    executed(notebook, tmp_path, spoilt, "spoilt.ipynb")
    monkeypatch.setenv("MINE", "second")
    code = ABOUT + "assert '/nowhere' not in sys.path\nimport matplotlib\n"
    code += "assert matplotlib.rcParams['lines.linewidth'] < 77 and 'mine' not in dir(__builtins__)"
    second = json.loads(executed(notebook, tmp_path, code, "second.ipynb"))
    home = nursery.living()
    assert home is not None
    for about, mine in ((first, "first"), (second, "second")):
        assert about["parent"] == home.pid
        assert about["pid"] == about["group"] == about["session"]
        assert about["loaded"] == ["pandas", "matplotlib.pyplot"]
        assert (about["cwd"], about["mine"], about["argv"]) == (str(tmp_path), mine, "-f")
    assert first["dice"] != second["dice"]
    assert first["dice"][0] != second["dice"][0]
    assert first["dice"][1] != second["dice"][1]


@pytest.mark.usefixtures("forking")
def test_plain_nbclient_draws_and_interrupts(notebook: Notebook, tmp_path: Path) -> None:
    drawing = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    node = nbformat.read(notebook(drawing), as_version=4)
    nbclient.NotebookClient(node).execute()
    kinds = [list(output.get("data", {})) for output in node.cells[-1].outputs]
    assert ["image/png" in kind for kind in kinds].count(True) == 1
    node = nbformat.read(notebook("import time\ntime.sleep(60)"), as_version=4)
    client = nbclient.NotebookClient(node, timeout=2, interrupt_on_timeout=True)
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="KeyboardInterrupt"):
        client.execute()


SLOW_WRITER = """
import threading, time
from ipykernel.kernelapp import IPKernelApp
writer = IPKernelApp.instance().iopub_thread
schedule = writer.schedule
def slowly(task, threading=threading, time=time):
    if threading.current_thread().name == "Control":
        schedule(lambda: (time.sleep(0.3), task()))
    else:
        schedule(task)
writer.schedule = slowly
"""


@pytest.mark.usefixtures("forking")
def test_a_kernel_asked_to_end_ends_by_itself() -> None:
    """Its main thread once took away what its control thread still wrote to, and both waited.

    The kernel was killed for it 2.5 s later, one run in four.
    """
    manager, client = start_new_kernel()
    client.execute_interactive(SLOW_WRITER, timeout=60)
    process = manager.provisioner.process
    client.stop_channels()
    manager.request_shutdown()
    try:
        assert process.wait(8) == 0
    finally:
        manager.shutdown_kernel(now=True)


@pytest.mark.usefixtures("forking")
def test_a_kernel_that_takes_its_time_to_end_is_waited_for_not_looked_at(tmp_path: Path) -> None:
    late = f"import atexit, pathlib, time\nlate = pathlib.Path({str(tmp_path / 'late')!r})\n"

    async def looks() -> int:
        manager = PromptManager(kernel_name="python3")
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        await client.execute_interactive(
            f"{late}atexit.register(late.touch)\natexit.register(time.sleep, 0.7)", timeout=60
        )
        client.stop_channels()
        home = manager.provisioner
        assert home is not None
        with patch.object(home, "poll", side_effect=home.poll) as poll:
            await manager.shutdown_kernel()
        return poll.call_count

    assert asyncio.run(looks()) < 3
    assert (tmp_path / "late").exists()


@pytest.mark.usefixtures("forking")
def test_a_kernelspec_can_name_it(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernelspec that is installed with OAF, from a folder as Jupyter looks for it."""
    monkeypatch.setenv(KernelProvisionerFactory.default_provisioner_name_env, "local-provisioner")
    monkeypatch.setenv("JUPYTER_PATH", str(Path(provisioner.__file__).parent / "jupyter"))
    KernelProvisionerFactory.clear_instance()
    node = nbformat.read(notebook("import os\nprint(os.getppid())"), as_version=4)
    nbclient.NotebookClient(node, kernel_name="oaf").execute()
    home = nursery.living()
    assert home is not None
    assert node.cells[-1].outputs[0].text == f"{home.pid}\n"


@pytest.mark.usefixtures("forking")
def test_a_run_is_forked_marked_and_bounded(notebook: Notebook, tmp_path: Path) -> None:
    code = (
        "import os, resource, pathlib\n"
        "mark = next(n for n in os.environ if n.startswith('OAF_RUN_')) + '=1'\n"
        "seen = pathlib.Path('/proc/self/environ').read_bytes().split(b'\\0')\n"
        "print(os.getppid(), mark.encode() in seen, resource.getrlimit(resource.RLIMIT_AS)[0])"
    )
    request = asked(notebook(code), tmp_path)
    assert execute(request) == ""
    home = nursery.living()
    assert home is not None
    assert shown(request.notebook) == f"{home.pid} True {request.memory}\n"
    assert limits.started_by(request.token) == []


@pytest.mark.usefixtures("forking")
def test_where_nothing_can_be_forked_a_run_is_the_same(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAF_FORK", "no")
    request = asked(notebook("import sys\nprint('oaflib.run.preloaded' in sys.modules)"), tmp_path)
    assert execute(request) == ""
    assert nursery.living() is None
    assert shown(request.notebook) == "False\n"


@pytest.mark.usefixtures("forking")
def test_a_nursery_that_cannot_load_forks_nothing(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken module in its way: each run is then an ordinary process."""
    started = Nursery.started.__func__  # type: ignore[attr-defined]
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "papermill.py").write_text("raise ImportError('broken on purpose')")

    def with_broken(cls: type[Nursery], load: str, env: dict[str, str]) -> Nursery:
        return started(cls, load, {**env, "PYTHONPATH": f"{broken}:{env['PYTHONPATH']}"})

    monkeypatch.setattr(Nursery, "started", classmethod(with_broken))
    request = asked(notebook("print(1 + 1)"), tmp_path)
    assert execute(request) == ""
    assert shown(request.notebook) == "2\n"
    home = nursery.living()
    assert home is not None
    with pytest.raises(NurseryLost, match="broken on purpose"):
        home.fork("os:getpid", ["x"], env=home.env, cwd="/", output=(2, 2))


@pytest.mark.usefixtures("forking")
def test_a_nursery_that_dies_takes_its_run_along_and_it_is_made_again(
    notebook: Notebook, tmp_path: Path
) -> None:
    """Whoever kills it, here a notebook: the run is made by an ordinary process."""
    code = (
        "import os, sys, pathlib\n"
        "if 'oaflib.run.preloaded' in sys.modules or 'oaflib.run.newborn' in sys.modules:\n"
        "    pathlib.Path('traces').write_text(str(os.getpid()))\n"
        "    os.kill(os.getppid(), 9)\n"
        "print('made')"
    )
    request = asked(notebook(code), tmp_path)
    assert execute(request) == ""
    assert shown(request.notebook) == "made\n"
    first = int((request.folder / "traces").read_text())
    assert not _alive(first)  # whoever inherits it may be slow to reap it
    assert limits.started_by(request.token) == []
    again = asked(notebook("print('forked again')"), tmp_path)
    assert execute(again) == ""
    assert nursery.living() is not None


def test_nothing_outlives_the_process_that_started_a_nursery(
    notebook: Notebook, tmp_path: Path
) -> None:
    """Killed at once, it cannot tidy up; the nursery, the run and its kernel end all the same."""
    request = asked(
        notebook(
            "import os, pathlib, time\n"
            "pathlib.Path('pids').write_text(f'{os.getpid()} {os.getppid()}')\n"
            "while True: pass"
        ),
        tmp_path,
    )
    code = (
        "from pathlib import Path; from oaflib.run.execution import execute; "
        "from oaflib.run.request import Request; "
        f"execute(Request(Path({str(request.template)!r}), Path({str(request.folder)!r}), "
        f"Path({str(tmp_path)!r}), Path('records'), {{'day': 'x'}}, token={request.token!r}))"
    )
    running = subprocess.Popen([sys.executable, "-c", code])
    told = request.folder / "pids"
    until = time.monotonic() + 120
    while not (told.exists() and told.read_text()) and time.monotonic() < until:
        time.sleep(0.1)
    pids = [int(pid) for pid in told.read_text().split()]
    assert len(limits.started_by(request.token)) == 2  # papermill's process, and the kernel
    running.send_signal(signal.SIGKILL)
    running.wait()
    until = time.monotonic() + 30
    while any(_alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(_alive(pid) for pid in pids)
    assert limits.started_by(request.token) == []


def _alive(pid: int) -> bool:
    """Not gone, and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_forked_process_is_told_of_as_any(tmp_path: Path) -> None:
    """Exit codes, signals, hanging up; and the process that forks does not grow."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}
    home = Nursery.started("lean", env)
    (tmp_path / "work.py").write_text(
        "import sys, time\n"
        "def leaves(): sys.exit(7)\n"
        "def returns(): print('said', flush=True)\n"
        "def sleeps(): time.sleep(60)\n"
        "def breaks(): raise ValueError('why')\n"
    )
    log = tmp_path / "log.txt"

    def forked(name: str) -> nursery.Forked:
        with log.open("ab") as file:
            here = (file.fileno(), file.fileno())
            return home.fork(f"work:{name}", ["work"], env=env, cwd=tmp_path, output=here)

    try:
        codes = {name: forked(name).wait(60) for name in ("leaves", "returns", "breaks")}
        assert codes == {"leaves": 7, "returns": 0, "breaks": 1}
        assert log.read_text().splitlines()[0] == "said"
        assert log.read_text().endswith("ValueError: why\n")
        with pytest.raises(NurseryLost, match="PYTHONHASHSEED"):
            home.fork("os:getpid", [], env={**env, "PYTHONHASHSEED": "1"}, cwd="/", output=(2, 2))
        sleeping = forked("sleeps")
        with pytest.raises(subprocess.TimeoutExpired):
            sleeping.wait(0.2)
        sleeping.terminate()
        assert sleeping.wait(60) == -signal.SIGTERM
        hung = forked("sleeps")
        hung.close()
        until = time.monotonic() + 30
        while _alive(hung.pid) and time.monotonic() < until:
            time.sleep(0.05)
        assert not _alive(hung.pid)
        for _ in range(5):
            forked("returns").wait(60)
        before = _private(home.pid)
        for _ in range(30):
            forked("returns").wait(60)
        assert _private(home.pid) - before < 1000
    finally:
        home.close()


def _private(pid: int | None) -> int:
    """kB of memory that the process shares with nobody."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private"))


@pytest.mark.usefixtures("forking")
def test_a_mails_pictures_are_drawn_by_a_forked_process(tmp_path: Path) -> None:
    """The same pictures as by an ordinary one."""
    series = numeric("DEV:X")
    window = calendar_day(DAY, ZONE)
    with RecordsWriter(tmp_path / "records", window) as records:
        records.add(series, entry_of(series))
    alarm = Outcome("range", Fault.BREAKAGE, "DEV", "DEV:X", Severity.ALARM, change=Change.NEW)
    made = Report("BCT", "B1", "", window, window.end, True, outcomes=(alarm,))
    (started,) = thumbnails(tmp_path, made)
    home = nursery.standing({**os.environ, "PYTHONSAFEPATH": "1"})
    shutil.rmtree(tmp_path / "thumbnails")
    sleeping = home.fork("time:tzset", ["x"], env=home.env, cwd="/", output=(1, 2))
    assert sleeping.wait(60) == 0  # it forks here
    (forked,) = thumbnails(tmp_path, made)
    assert forked.data == started.data
