"""After the morning: a copy of the state, what is old taken away, the store's files merged."""

from __future__ import annotations

from datetime import datetime, timedelta

from oaflib.config.project import Project
from oaflib.daily import retention
from oaflib.errors import OafError
from oaflib.inform.outbox import forget
from oaflib.inform.texts import counted
from oaflib.publish import Site
from oaflib.run.limits import size
from oaflib.sources.pieces import tidy as tidy_pieces
from oaflib.state import State


def keep_up(project: Project, state: State, site: Site, now: datetime) -> list[str]:
    """Do the day's upkeep; a sentence for what was taken away and for each part that failed.

    None of it is urgent: the next morning tries again.
    """
    troubles = []
    try:
        state.backup(project.runs / "backup", f"state-{now:%Y-%m-%d}")
        if project.site.keep.mails:
            forget(state, now - timedelta(days=project.site.keep.mails))
    except (OafError, OSError) as error:
        troubles.append(f"the state was not copied: {error}")
    try:
        pieces = retention.plan(project, state, now)
        troubles += retention.carry_out(pieces, project, site)
        if pieces:
            bytes_ = size(sum(piece.size for piece in pieces))
            troubles.append(f"Upkeep: {counted(len(pieces), 'old thing')} taken away, {bytes_}.")
    except (OafError, OSError) as error:
        troubles.append(f"what is old was not taken away: {error}")
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
