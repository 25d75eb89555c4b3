"""A configured source, by its name in the site file."""

from __future__ import annotations

from typing import Any

from oaflib import registry
from oaflib.config.project import Project
from oaflib.sources.base import Source


def open_source(project: Project, name: str) -> Source:
    """The source called `name`, to be used as a context manager.

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
