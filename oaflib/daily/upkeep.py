"""After the morning: a copy of the state, old mails forgotten, small files of the store merged."""

from __future__ import annotations

from datetime import datetime, timedelta

from oaflib.config.project import Project
from oaflib.errors import OafError
from oaflib.inform.outbox import forget
from oaflib.sources.pieces import tidy as tidy_pieces
from oaflib.state import State

_MAILS = timedelta(days=31)


def keep_up(project: Project, state: State, now: datetime) -> list[str]:
    """Do the day's upkeep; a sentence for each part that failed, for none of it is urgent."""
    troubles = []
    try:
        state.backup(project.runs / "backup", f"state-{now:%Y-%m-%d}")
        forget(state, now - _MAILS)
    except (OafError, OSError) as error:
        troubles.append(f"the state was not copied: {error}")
    troubles += tidy_pieces(project, now)
    for source in project.site.sources.values():
        if source.kind != "embedded":
            continue
        from oaflib.sources.embedded import Lake
        from oaflib.sources.embedded.compact import compact

        folder = project.root / str(source.options["folder"])
        if not (folder / "manifest.sqlite").exists():
            continue
        try:
            with Lake(folder) as lake:
                compact(lake, now)
        except (OafError, OSError) as error:
            troubles.append(f"the store of {source.name} was not compacted: {error}")
    return troubles
