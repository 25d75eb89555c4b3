"""What an executed notebook shows: clean HTML and the files it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True)
class Body:
    """The notebook's part of a report page.

    Attributes
    ----------
    html : results in reading order, cleaned, free of scripts and styles; empty when nothing shows.
    code : the code cells in order, escaped and marked up; empty when there is none.
    figures : picture files by name, referred to as ``figures/<name>``.
    notebook : the executed notebook to offer for download, or None.
    interactive : whether `html` or `expert` holds plotly figures, which need the shared script.
    live : pages by file name for a sandboxed frame, of notebooks whose scripts the site trusts.
    expert : results of the expert's own notebook, cleaned as `html`; empty when there is none.
    """

    html: str = ""
    code: str = ""
    figures: Mapping[str, bytes] = field(default_factory=dict)
    notebook: Path | None = None
    interactive: bool = False
    expert: str = ""
    live: Mapping[str, bytes] = field(default_factory=dict)

    def with_expert(self, expert: Body) -> Body:
        """This body followed by an expert's, made with another figure prefix.

        Raises
        ------
        ValueError
            Both name a figure alike: one would hide the other.
        """
        clash = sorted(set(self.figures) & set(expert.figures))
        if clash:
            raise ValueError(f"two figures are called '{clash[0]}'; export one with a prefix")
        return replace(
            self,
            figures={**self.figures, **expert.figures},
            interactive=self.interactive or expert.interactive,
            code=self.code + expert.code,
            expert=self.expert + expert.html,
        )
