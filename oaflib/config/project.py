"""A project's folder: everything its configuration says, checked in one pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from oaflib.config.aliases import ALIASES, read_aliases
from oaflib.config.dataset import Dataset, read_dataset, without_file
from oaflib.config.document import Complaints, Document, in_order, open_document
from oaflib.config.ids import fault_of_dataset_id, fault_of_id, fault_of_instrument, split_id
from oaflib.config.instruments import Instrument, read_instruments
from oaflib.config.interventions import LEDGER, read_interventions
from oaflib.config.notebook import Shelf
from oaflib.config.site import Site, SourceSettings, faults_of_source, read_site
from oaflib.config.sound import Sound
from oaflib.config.tasks import Surroundings, Task, read_tasks
from oaflib.config.words import listed, near, quoted
from oaflib.errors import ConfigurationError, Problem
from oaflib.silences import FILE as SILENCES
from oaflib.silences import Silence
from oaflib.silences import read as read_silences

SITE = "config/site.toml"
INSTRUMENTS = "config/instruments.toml"
DATASETS = "config/datasets"
TASKS = ("config/tasks.csv", "config/tasks.xlsx")
_TOLD = 3


@dataclass(frozen=True)
class Project:
    """What the files under ``config/`` say. Datasets not read yet are read when asked for.

    `wrong` is what stops only the reports of single datasets: see `load_what_is_right`.
    """

    root: Path
    site: Site
    instruments: Mapping[str, Instrument]
    tasks: tuple[Task, ...] = ()
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    wrong: tuple[Problem, ...] = ()

    @property
    def runs(self) -> Path:
        """Executed notebooks, records and state."""
        return self.root / self.site.paths.runs

    @property
    def publish(self) -> Path:
        """The report repository, a static site."""
        return self.root / self.site.paths.publish

    @property
    def templates(self) -> Path:
        """Where the templates are."""
        return self.root / self.site.paths.templates

    @property
    def experts(self) -> Path:
        """Where the experts' notebooks are."""
        return self.root / self.site.paths.experts

    @property
    def machine(self) -> str:
        """The machine's name, as pages show it."""
        return self.site.machine

    def dataset(self, dataset_id: str) -> Dataset:
        """The dataset of that ID; without a file, the source's snapshot of its name.

        Raises
        ------
        ConfigurationError
            Not an ID, an unknown instrument, or a file that is wrong, with all its problems.
        """
        if dataset_id in self.datasets:
            return self.datasets[dataset_id]
        if fault := fault_of_dataset_id(dataset_id, self.instruments):
            raise ConfigurationError(fault)
        path = self.root / DATASETS / f"{dataset_id}.toml"
        if not path.exists():
            return without_file(dataset_id)
        document = open_document(path, f"{DATASETS}/{path.name}")
        dataset = read_dataset(document, path)
        if document.problems:
            raise ConfigurationError(in_order(document.every()))
        return dataset

    def refuse_wrong(self, dataset_id: str) -> None:
        """Nothing, where nothing is wrong with that dataset.

        Raises
        ------
        ConfigurationError
            All that is wrong with it, its instrument and its tasks.
        """
        if own := [problem for problem in self.wrong if problem.stops(dataset_id)]:
            raise ConfigurationError(own)

    def wrong_beside(self, dataset_id: str = "") -> list[str]:
        """What is wrong with other datasets, in a few lines."""
        others = [str(problem) for problem in self.wrong if not problem.stops(dataset_id)]
        if len(others) > _TOLD:
            more = f"{len(others) - _TOLD} more problems; oaf check-config tells them all"
            others[_TOLD:] = [more]
        return others

    def source_settings(self, name: str) -> SourceSettings:
        """The settings of the source called `name`.

        Raises
        ------
        ConfigurationError
            There is none.
        """
        if name not in self.site.sources:
            known = list(self.site.sources)
            hint = f"{near(name, known)} There are: {listed(known)}"
            message = f"no [sources.{name}]: no source is called {quoted(name)}.{hint}"
            raise ConfigurationError([Problem(SITE, "", message)])
        return self.site.sources[name]

    def template(self, dataset_id: str, wanted: str = "") -> Path:
        """The template of a report: `wanted`, or the dataset's, the instrument's, or the usual one.

        The usual one is called as the instrument in lower case, where there is such a notebook, and
        else ``generic``.

        Raises
        ------
        ConfigurationError
            There is no such notebook.
        """
        dataset = self.dataset(dataset_id)
        shelf = Shelf(self.templates)
        usual = dataset.instrument.lower()
        name = (
            wanted.removesuffix(".ipynb")
            or dataset.template
            or self.instruments[dataset.instrument].template
            or (usual if usual in shelf.names else "generic")
        )
        if fault := shelf.fault_of(name, "template"):
            raise ConfigurationError([Problem(f"{self.site.paths.templates}/", "", fault)])
        return self.templates / f"{name}.ipynb"


def find_root(named: str | Path | None = None) -> Path:
    """The project's folder: `named`, or ``OAF_ROOT``, or the current folder or one above it.

    Raises
    ------
    ConfigurationError
        There is no project: no ``config/site.toml``.
    """
    told = named or os.environ.get("OAF_ROOT") or ""
    start = Path(told or Path.cwd()).absolute()
    for folder in [start] if told else [start, *start.parents]:
        if (folder / SITE).is_file():
            return folder
    hint = "" if told else " or in a folder above it"
    raise ConfigurationError(
        f"no project in {start}{hint}: {SITE} is missing. "
        "Name the project's folder with --root or OAF_ROOT"
    )


def load_project(root: str | Path) -> Project:
    """The project in `root`, every file of it checked.

    Raises
    ------
    ConfigurationError
        All that is wrong with all files.
    """
    project, problems = _read(Path(root).absolute(), whole=True)
    if problems:
        raise ConfigurationError(problems)
    return project


def load_what_is_right(root: str | Path, dataset_id: str = "") -> Project:
    """The project in `root`, without what is wrong in it with single datasets.

    For one report, which another dataset's mistake must not stop. The mistakes are its `wrong`;
    `Project.refuse_wrong` says whether they concern a dataset. Of the datasets only `dataset_id`
    is read where it is named, has a file, and nothing is wrong with the others.

    Raises
    ------
    ConfigurationError
        All that is wrong with what every report needs: the site, the instruments, the ledger, the
        names of the history, the task table as a whole.
    """
    project, problems = _read(Path(root).absolute(), whole=True, only=dataset_id)
    if shared := [problem for problem in problems if not problem.about]:
        raise ConfigurationError(shared)
    return replace(project, wrong=tuple(problems))


def load_site_only(root: str | Path) -> Project:
    """The project in `root` without its tasks; its datasets are read when asked for.

    Raises
    ------
    ConfigurationError
        All that is wrong with the site and instruments files.
    """
    project, problems = _read(Path(root).absolute(), whole=False)
    if problems:
        raise ConfigurationError(problems)
    return project


def check_config(root: str | Path) -> list[Problem]:
    """All that is wrong with the configuration in `root`, by file and place; empty: nothing."""
    return _read(Path(root).absolute(), whole=True)[1]


def check_sources(project: Project) -> list[Problem]:
    """What the site's sources say against their options; loads their clients, asks them nothing."""
    return [
        Problem(SITE, f"[sources.{name}]", message)
        for name, settings in project.site.sources.items()
        for message in faults_of_source(settings)
    ]


def _read(root: Path, *, whole: bool, only: str = "") -> tuple[Project, list[Problem]]:
    documents = (open_document(root / SITE, SITE), open_document(root / INSTRUMENTS, INSTRUMENTS))
    site = Site() if documents[0].problems else read_site(documents[0], root)
    instruments = {} if documents[1].problems else read_instruments(documents[1])
    project = Project(root, site, instruments)
    files: list[Complaints] = list(documents)
    if whole:
        templates = Shelf(project.templates)
        sound = _sound(project) if only else None
        datasets, complaints = _datasets(
            project,
            _known(project, documents[1]),
            templates,
            only if sound and sound.known else "",
        )
        tasks = _Tasks(project, documents, templates)
        files += [*complaints, tasks.complaints]
        silences = Complaints(SILENCES, SILENCES)  # no report needs them
        files.append(silences)
        known = _silences(root, silences)
        files += [
            _complaints(ALIASES, partial(read_aliases, root)),
            _complaints(LEDGER, partial(read_interventions, root, site.zone)),
        ]
        project = replace(project, datasets=datasets, tasks=tasks.read(), silences=known)
        for instrument in instruments.values():
            name = instrument.template
            if name and (fault := templates.fault_of(name, "template")):
                documents[1].at((instrument.id, "template"), fault, instrument.id)
    problems = in_order([problem for file in files for problem in file.every()])
    if whole and sound and not problems and not sound.known:
        sound.note()
    return project, problems


def _sound(project: Project) -> Sound:
    folders = (project.root / "config", project.templates, project.experts)
    return Sound(project.runs / "cache" / "sound", folders)


def _files(folder: Path, only: str) -> list[Path]:
    """Of all datasets; or of the one, where it has a file."""
    one = folder / f"{only}.toml"
    if only and one.parent == folder and one.is_file():
        return [one]
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _silences(root: Path, complaints: Complaints) -> tuple[Silence, ...]:
    try:
        return read_silences(root / SILENCES)
    except ConfigurationError as error:
        for problem in error.problems:
            complaints.add(problem.place, problem.message)
        return ()


def _complaints(name: str, read: Callable[[], object]) -> Complaints:
    """What is wrong with a table that is read where it is needed."""
    complaints = Complaints(name)
    try:
        read()
    except ConfigurationError as error:
        for problem in error.problems:
            complaints.add(problem.place, problem.message)
    return complaints


def _datasets(
    project: Project, instruments: tuple[str, ...] | None, templates: Shelf, only: str
) -> tuple[dict[str, Dataset], list[Complaints]]:
    """Every file of ``config/datasets``, or that of `only`, and what is wrong with them."""
    folder = project.root / DATASETS
    found: dict[str, Dataset] = {}
    complaints: list[Complaints] = []
    try:
        paths = _files(folder, only)
    except OSError as error:
        unread = Complaints(DATASETS)
        unread.add("", f"cannot be read: {error.strerror}")
        return {}, [unread]
    for path in paths:
        if path.name.startswith((".", "~")) or path.name.endswith("~"):
            continue  # what editors leave behind
        name = f"{DATASETS}/{path.name}"
        if fault := _fault_of_name(path.name, instruments):
            misnamed = Complaints(name, name)
            misnamed.add("", fault)
            complaints.append(misnamed)
            continue
        document = open_document(path, name, path.stem)
        dataset = read_dataset(document, path)
        if dataset.template and (fault := templates.fault_of(dataset.template, "template")):
            document.at(("template",), fault)
        if not document.problems:
            found[dataset.id] = dataset
        complaints.append(document)
    return found, complaints


def _fault_of_name(name: str, instruments: tuple[str, ...] | None) -> str:
    instrument, dataset = split_id(name.removesuffix(".toml"))
    if not name.endswith(".toml") or "_" not in name:
        return "is not called <INST>_<dataset>.toml, as in BCT_LHC-B1-cmp.toml"
    return fault_of_instrument(instrument, instruments) or fault_of_id(dataset, "a dataset")


def _known(project: Project, document: Document) -> tuple[str, ...] | None:
    """The instruments, or None when their file is too wrong to tell."""
    return tuple(project.instruments) or (None if document.problems else ())


class _Tasks:
    """The table of tasks, beside the files that it refers to."""

    def __init__(
        self, project: Project, documents: tuple[Document, Document], templates: Shelf
    ) -> None:
        self.project = project
        self.site, self.instruments = documents
        self.templates = templates
        self.present = [name for name in TASKS if (project.root / name).exists()]
        self.complaints = Complaints((self.present or list(TASKS))[0])

    def read(self) -> tuple[Task, ...]:
        """The tasks; what is wrong is noted in `complaints`."""
        if len(self.present) != 1:
            self.complaints.add("", self._absence())
            return ()
        project, site = self.project, self.project.site
        around = Surroundings(
            site.zone,
            site.mail.domain or (None if self.site.problems else ""),
            tuple(site.sources) or (None if self.site.problems else ()),
            _known(project, self.instruments),
            Shelf(project.experts),
            self.templates,
        )
        return read_tasks(project.root / self.present[0], self.complaints, around)

    def _absence(self) -> str:
        if self.present:
            return f"{TASKS[1]} is there too; keep one of the two"
        config = self.project.root / "config"
        old = [name for name in ("tasks.xls", "tasks.ods") if (config / name).exists()]
        hint = f"; save {old[0]} as .xlsx or CSV" if old else ""
        return f"is missing, and so is tasks.xlsx{hint}"
