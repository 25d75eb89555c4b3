"""What every plot must do: inherit `PlotContract` and say what it draws.

::

    class TestMyPlot(PlotContract):
        plot = MyPlot()
        drawn = (my_series([1.0, 2.0]),)
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from oaflib.plots import Picture, Plot, Style, Trouble, draw
from oaflib.records import Entry, Records, State, records_of
from oaflib.series import Kind, Series, Variable
from oaflib.testing.made import made
from oaflib.window import Window

_SECOND = 10**9


class PlotContract:
    """The suite; a test class that inherits it says `plot` and what it draws.

    Attributes
    ----------
    plot : a plot as a dataset's ``[[plot]]`` would make it.
    drawn : series of `window` of which it makes at least one picture.
    """

    plot: ClassVar[Plot]
    drawn: ClassVar[Sequence[Series]] = ()
    window: ClassVar[Window] = Window(
        datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), "Europe/Zurich"
    )

    def pictures(
        self, *series: Series, look: Style | None = None, plot: Plot | None = None
    ) -> list[Picture | Trouble]:
        """What it draws of the series, and what it says it cannot."""
        return list(draw([plot or self.plot], records_of(list(series), self.window), (), look))

    def test_its_name_and_its_manual(self) -> None:
        assert type(self.plot).kind
        assert type(self.plot).kinds
        assert type(self.plot).__doc__

    def test_a_picture_is_whole(self) -> None:
        """SVG that parses, with words for those who cannot see it, and the variables named."""
        found = self.pictures(*self.drawn)
        made_ones = [picture for picture in found if isinstance(picture, Picture)]
        assert made_ones, [one.reason for one in found if isinstance(one, Trouble)]
        for picture in made_ones:
            assert picture.title
            assert picture.alt
            assert picture.variables
            assert ET.fromstring(picture.data).tag.endswith("svg")
            assert b"<script" not in picture.data
            assert b"href=" not in picture.data.replace(b'href="data:image/png', b"")

    def test_a_mail_gets_a_png(self) -> None:
        found = self.pictures(*self.drawn, look=Style(png=True))
        pictures = [picture for picture in found if isinstance(picture, Picture)]
        assert pictures
        assert all(picture.data.startswith(b"\x89PNG") for picture in pictures)

    def test_nothing_to_draw_is_said(self) -> None:
        kind = self.plot.kinds[0]
        entries = {"A:EMPTY": Entry(Variable("A:EMPTY", kind), State.EMPTY)}
        plot = replace(self.plot, variables=("A:EMPTY", "A:GONE"))
        found = list(draw([plot], Records(self.window, entries), ()))
        assert found
        assert all(isinstance(one, Trouble) and one.reason for one in found)

    def test_odd_data_are_drawn_or_said(self) -> None:
        """NaN, infinities, ragged vectors, hostile texts: a picture or a sentence, never a fall."""
        for kind in Kind:
            for count in (1, 2, 40):
                start = self.window.start_ns
                series = made('A:<b>"&', kind, [start + i * 60 * _SECOND for i in range(count)])
                plot = replace(self.plot, variables=(series.name,))
                for one in self.pictures(series, plot=plot):
                    if isinstance(one, Picture):
                        ET.fromstring(one.data)
                    else:
                        assert "the plot failed" not in one.reason
