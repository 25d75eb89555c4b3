"""Drawing what a dataset asks for, and what every dataset gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oaflib.plots.base import Plot
from oaflib.plots.images import Image
from oaflib.plots.lanes import Lanes
from oaflib.plots.picture import Drawn, Style, Trouble, using
from oaflib.plots.trend import Trend
from oaflib.plots.waterfall import Waterfall
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind


def draw(
    plots: Sequence[Plot], records: Records, outcomes: Sequence[Outcome], look: Style | None = None
) -> Iterator[Drawn]:
    """The pictures of `plots`, one after the other, each made when asked for.

    A plot that raises yields a `Trouble` that says so; the others go on.
    """
    look = look or Style()
    for plot in plots:
        pictures: Iterator[Drawn] = iter(())
        made = 0
        while True:
            try:
                with using(look):
                    if not made:
                        pictures = iter(plot.figures(records, outcomes))
                    picture = next(pictures)
            except StopIteration:
                break
            except Exception as error:
                yield Trouble(_called(plot), f"the plot failed: {_words(error)}")
                break
            made += 1
            yield picture


def default_plots(records: Records) -> list[Plot]:
    """What every dataset gets: a plot for each kind of data that was logged."""
    kinds = {entry.variable.kind for entry in records.entries.values() if entry.count}
    plots: list[Plot] = []
    for kind, plot in (
        (Kind.NUMERIC, Trend),
        (Kind.VECTORNUMERIC, Waterfall),
        (Kind.MATRIXNUMERIC, Image),
    ):
        if kind in kinds:
            plots.append(plot())
    if kinds & {Kind.TEXTUAL, Kind.VECTORSTRING}:
        plots.append(Lanes())
    return plots


def _called(plot: Plot) -> str:
    names = ", ".join(plot.variables[:3])
    return plot.title or " ".join(filter(None, (plot.kind or type(plot).__name__, names)))


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
