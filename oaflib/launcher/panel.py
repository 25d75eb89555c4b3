"""The launcher's panel. Only door to ipywidgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from oaflib.config.project import Project, find_root, load_what_is_right
from oaflib.config.rewrite import faults_of_row, rows_of, write_row
from oaflib.config.tasks import COLUMNS
from oaflib.errors import ConfigurationError, OafError
from oaflib.launcher.order import Made, Order, datasets_of, make, progress_of
from oaflib.launcher.pages import served
from oaflib.study.views import Outcomes

try:
    import ipywidgets as w
except ImportError as error:
    raise ConfigurationError(
        f"the launcher needs the extra 'lab' ({error.name} is missing): "
        "pip install 'oaflib[lab]', then start the kernel again"
    ) from error

_WIDE = {"description_width": "8rem"}
_NEW = "a new row"
_PERIOD = 0.3
_LINK = "color:#1a5fb4;text-decoration:underline"  # JupyterLab shows links of widgets as text


def launcher() -> Launcher:
    """The launcher of this project: a report by hand, and the rows of the task table."""
    return Launcher(load_what_is_right(find_root()))


def _now() -> datetime:
    """What a person at the panel means by now."""
    return datetime.now(UTC)


class Launcher:
    """One report by hand, and the task table's rows.

    Every control also works from code: set the widgets' ``.value``, then say `order`, `run`,
    `check` or `save`.
    """

    def __init__(self, project: Project, clock: Callable[[], datetime] = _now) -> None:
        self.project = project
        self.clock = clock
        self.made: Made | None = None
        self._pages = ""
        self._task: asyncio.Task[None] | None = None
        sources = ["", *project.site.sources]
        codes = ["", *sorted(path.stem for path in project.experts.glob("*.ipynb"))]
        templates = ["", *sorted(path.stem for path in project.templates.glob("*.ipynb"))]
        self.dataset = _combo("Dataset", datasets_of(project), "BCT_LHC-B1-cmp or BI_BWS_PS")
        self.when = _text("When", "yesterday; or 2026-11-22, 15min, START/END")
        self.source = _choice("Source", sources, "as the task table says")
        self.template = _choice("Template", templates, "the family's own")
        self.expert = _combo("Expert code", codes, "a notebook, or module:function")
        self.name = _text("Name", "its day")
        self.low_res = w.Checkbox(description="Low resolution", indent=False)
        self.button = w.Button(description="Make the report", button_style="primary", icon="play")
        self.progress = w.FloatProgress(min=0, max=1, layout={"width": "20rem"})
        self.said = w.HTML()
        self.found = w.Output()
        self.button.on_click(lambda _: self.run())
        self.warned = w.HTML(_listed(project.wrong_beside()))
        self.rows = w.Dropdown(description="Row", style=_WIDE, layout={"width": "30rem"})
        self.cells = {name: _text(name) for name in COLUMNS}
        self.told = w.HTML()
        self.check_button = w.Button(description="Check")
        self.save_button = w.Button(description="Save", button_style="warning", icon="save")
        self.check_button.on_click(lambda _: self.check())
        self.save_button.on_click(lambda _: self.save())
        self.rows.observe(lambda _: self._fill(), names="value")
        self._list_rows()

    @property
    def widget(self) -> Any:
        """All of it."""
        report = w.VBox(
            [
                w.HTML("<h3>One report</h3>"),
                *(self.dataset, self.when, self.source, self.template, self.expert, self.name),
                w.HBox([self.low_res], layout={"margin": "0 0 0 8.3rem"}),
                w.HBox([self.button, self.progress]),
                self.said,
                self.found,
            ]
        )
        table = w.VBox(
            [
                w.HTML("<h3>The task table</h3>"),
                self.warned,
                self.rows,
                *self.cells.values(),
                w.HBox([self.check_button, self.save_button]),
                self.told,
            ]
        )
        return w.HBox([report, table], layout={"flex_flow": "row wrap", "grid_gap": "3rem"})

    # A report

    @property
    def order(self) -> Order:
        """What the panel says."""
        return Order(
            dataset=self.dataset.value.strip(),
            when=self.when.value.strip(),
            source=self.source.value,
            low_res=self.low_res.value,
            expert_code=self.expert.value.strip(),
            template=self.template.value,
            name=self.name.value.strip(),
        )

    def run(self) -> Any:
        """Make the report that the panel says, and show what came of it.

        In a notebook it goes on by itself, and what is given back can be awaited; elsewhere it is
        over when this returns.
        """
        if self._task is not None and not self._task.done():
            return self._task
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(self._run())
            return None
        self._task = loop.create_task(self._run())
        return self._task

    async def _run(self) -> None:
        order, at = self.order, self.clock()
        self.made = None
        self.button.disabled, self.progress.value, self.progress.bar_style = True, 0.02, ""
        self.found.clear_output()
        self.said.value = _said(f"{order.dataset}: asking and judging …")
        try:
            progress = progress_of(order, self.project, at)
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(None, make, order, self.project, at)
            while not running.done():
                await asyncio.wait([running], timeout=_PERIOD)
                self.progress.value = max(0.02, progress())
            self._show(running.result())
        except (OafError, OSError) as error:
            self.progress.bar_style = "danger"
            self.said.value = _said(str(error), wrong=True)
        finally:
            self.button.disabled = False

    def _show(self, made: Made) -> None:
        self.made = made
        self.progress.value = 1.0
        report, failure = made.run.report, made.run.failure
        alarming = "warning" if report.severity.alarming else "success"
        self.progress.bar_style = "danger" if failure else alarming
        counts = ", ".join(f"{n} {word}" for word, n in report.counts.items() if n)
        page = made.folder / "index.html"
        self._pages = self._pages or self.project.site.url or served(self.project.publish)
        shown = page.relative_to(self.project.publish).as_posix()
        address = f"{self._pages.rstrip('/')}/{shown}"
        self.said.value = _said(
            f"{report.id} {report.window.label}: {failure or counts} ({made.run.seconds:.1f} s)",
            wrong=bool(failure),
            more=f'<a href="{escape(address)}" target="_blank" style="{_LINK}">open the report</a> '
            f"<code>{escape(str(page))}</code>",
        )
        self.found.append_display_data(Outcomes(report.outcomes, report.window.zone))

    # The task table

    def check(self) -> list[str]:
        """What would be wrong if the row were as the panel says; not what is wrong elsewhere."""
        try:
            problems = [str(p) for p in faults_of_row(self.project.root, self._line, self._cells)]
        except (OafError, OSError) as error:
            problems = [str(error)]
        self.told.value = _listed(problems) or _said("The row is right.")
        return problems

    def save(self) -> bool:
        """Write the row into the table, when nothing is wrong with it; whether it was written."""
        if self.check():
            return False
        try:
            path = write_row(self.project.root, self._line, self._cells)
        except (OafError, OSError) as error:
            self.told.value = _said(str(error), wrong=True)
            return False
        line, cells = self._line, self._cells
        self.project = load_what_is_right(self.project.root)
        self.warned.value = _listed(self.project.wrong_beside())
        self._list_rows()
        rows = rows_of(self.project.root)
        self.rows.value = line or rows[-1].line
        self.told.value = _said(f"Written: {cells['Instrument']}_{cells['DataSet']} in {path}")
        return True

    @property
    def _line(self) -> int:
        return int(self.rows.value or 0)

    @property
    def _cells(self) -> dict[str, str]:
        return {name: field.value.strip() for name, field in self.cells.items()}

    def _list_rows(self) -> None:
        rows = rows_of(self.project.root)
        self.rows.options = [
            (_NEW, 0),
            *(
                (f"{row.cells.get('Instrument', '')}_{row.cells.get('DataSet', '')}", row.line)
                for row in rows
            ),
        ]

    def _fill(self) -> None:
        """The fields of the row that was chosen."""
        rows = {row.line: row.cells for row in rows_of(self.project.root)}
        for name, field in self.cells.items():
            field.value = rows.get(self._line, {}).get(name, "")
        self.told.value = ""

    def __repr__(self) -> str:
        return f"the launcher of {self.project.root}"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        bundle = self.widget._repr_mimebundle_()
        shown: dict[str, Any] = dict(bundle or {}) if not isinstance(bundle, tuple) else bundle[0]
        return {**shown, "text/plain": repr(self)}


def _text(label: str, hint: str = "") -> Any:
    return w.Text(description=label, placeholder=hint, style=_WIDE, layout={"width": "30rem"})


def _combo(label: str, options: list[str], hint: str) -> Any:
    return w.Combobox(
        description=label,
        options=options,
        placeholder=hint,
        style=_WIDE,
        layout={"width": "30rem"},
    )


def _choice(label: str, options: list[str], nothing: str) -> Any:
    named = [(option or nothing, option) for option in options]
    return w.Dropdown(description=label, options=named, style=_WIDE, layout={"width": "30rem"})


def _listed(problems: Sequence[str]) -> str:
    rows = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f'<ul style="max-width:36rem;line-height:1.4;color:#b3261e">{rows}</ul>' if rows else ""


def _said(text: str, *, wrong: bool = False, more: str = "") -> str:
    colour = "color:#b3261e" if wrong else ""
    return f'<p style="{colour}">{escape(text)}</p>{f"<p>{more}</p>" if more else ""}'
