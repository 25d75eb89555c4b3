"""Drawing what a dataset asks for, and what every dataset gets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from oaflib.plots.base import Plot
from oaflib.plots.images import Image
from oaflib.plots.lanes import Lanes
from oaflib.plots.picture import Drawn, Style, Trouble, using
from oaflib.plots.profile import Profile
from oaflib.plots.strips import SmallMultiples
from oaflib.plots.trend import Trend
from oaflib.plots.waterfall import NARROW, Waterfall
from oaflib.records import Entry, Records
from oaflib.report import Outcome
from oaflib.series import Kind

_SCANS = 60  # vectors of a window, up to which each is an event of its own


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


def default_plots(records: Records, drawn: Sequence[Plot] = ()) -> list[Plot]:
    """What every dataset gets: a plot for each kind of data that was logged.

    Vectors logged a few times a day (scans) are drawn over one another, others as waterfalls. What
    `drawn`, the dataset's own plots, show already is left out.
    """
    shown = {
        name
        for plot in drawn
        if isinstance(plot, (Trend, SmallMultiples, Lanes, Waterfall, Profile, Image))
        for name in plot.chosen(records)[0]
    }
    names: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for name, entry in records.entries.items():
        if entry.count and name not in shown:
            names[entry.variable.kind].append(name)
    plots: list[Plot] = []
    if names[Kind.NUMERIC]:
        plots.append(Trend(tuple(names[Kind.NUMERIC])))
    plots += _vectors(names[Kind.VECTORNUMERIC], records)
    if names[Kind.MATRIXNUMERIC]:
        plots.append(Image(tuple(names[Kind.MATRIXNUMERIC])))
    texts = (*names[Kind.TEXTUAL], *names[Kind.VECTORSTRING])
    if texts:
        plots.append(Lanes(texts))
    return plots


def _vectors(names: Sequence[str], records: Records) -> list[Plot]:
    """Scans as profiles over their positions, where those were logged; the rest as waterfalls."""
    logged = {name for name, entry in records.entries.items() if entry.count}
    positions = {name: _positions(name, logged) for name in logged}
    names = [name for name in names if name not in positions.values()]
    scans = [name for name in names if records.entries[name].count <= _SCANS]
    wide = [name for name in scans if _elements(records.entries[name]) > NARROW]
    plots: list[Plot] = [Profile((name,), positions=positions[name]) for name in wide]
    rest = tuple(name for name in names if name not in wide)
    return [*plots, Waterfall(rest)] if rest else plots


def _elements(entry: Entry) -> float:
    """Elements of a vector, about."""
    return entry.nbytes / 8 / max(1, entry.count)


def _positions(name: str, names: Collection[str]) -> str:
    """The variable with the positions of a profile: called as its data, but for that word."""
    for data, place in (("DATA", "POSITION"), ("Data", "Position"), ("data", "position")):
        wanted = name.replace(data, place)
        if data in name and wanted in names:
            return wanted
    return ""


def _called(plot: Plot) -> str:
    names = ", ".join(plot.variables[:3])
    return plot.title or " ".join(filter(None, (plot.kind or type(plot).__name__, names)))


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
