"""The extraction of a dataset from a source of the site file, within its budget and turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from oaflib import registry
from oaflib.config.dataset import Dataset
from oaflib.config.project import Project
from oaflib.config.veil import veil_of
from oaflib.sources.base import SharesServer, Source
from oaflib.sources.connection import Connection, Place
from oaflib.sources.extract import Extraction
from oaflib.sources.pieces import shelf_of
from oaflib.sources.slots import Gate
from oaflib.window import Window

FOLDER = "sources"


def open_source(project: Project, name: str) -> Source:
    """The source called `name`, to be used as a context manager: no budget, nothing kept.

    Raises
    ------
    ConfigurationError
        No such source, or its kind cannot be loaded.
    SourceUnavailable
        On entering: it does not answer.
    """
    settings = project.source_settings(name)
    maker: Any = registry.sources.load(settings.kind)
    source: Source = maker(settings)
    return source


@dataclass(frozen=True)
class Asking:
    """Which source of the project is asked, at what time; `fresh`: also for what is kept."""

    project: Project
    source: str
    now: datetime
    fresh: bool = False


@contextmanager
def extraction(asking: Asking, dataset: Dataset, window: Window) -> Iterator[Extraction]:
    """The extraction of `dataset` over `window`; the source is opened when something is asked.

    Raises
    ------
    ConfigurationError
        No such source, or its kind cannot be loaded.
    """
    project, name = asking.project, asking.source
    settings = project.source_settings(name)
    budget = settings.budget.under(dataset.budget)
    maker: Any = registry.sources.load(settings.kind)
    place = Place(name, settings.kind)
    shelf = gate = None
    local = bool(getattr(maker, "local", False))
    if not local:
        veil = veil_of(project.site, project.root)
        gate = Gate(project.runs / FOLDER / name, name, budget.at_once, budget.rest, veil)
        if budget.keep:
            shelf = shelf_of(project, name, asking.now, fresh=asking.fresh)
    opener = partial(maker, settings)
    with Connection(place, opener, budget, gate, local=local) as connection:
        yield Extraction(dataset, window, connection, shelf)


@contextmanager
def serving(project: Project, names: Iterable[str]) -> Iterator[None]:
    """Within it the sources called `names` share their servers, where their kind has one.

    Runs find the server by themselves; who does not find one works without.
    """
    with ExitStack() as stack:
        for name in dict.fromkeys(names):
            settings = project.source_settings(name)
            maker = registry.sources.load(settings.kind)
            if isinstance(maker, SharesServer):
                stack.enter_context(maker.serving(settings))
        yield
