"""Pages from data, through the templates beside; pure but for reading those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from oaflib.body import Body
from oaflib.compiled import compiled
from oaflib.limits import measured
from oaflib.provenance import half_answered
from oaflib.publish import words
from oaflib.publish.calendar import calendars
from oaflib.publish.entry import Entry
from oaflib.publish.front import Front, grouped
from oaflib.publish.matrix import matrix
from oaflib.publish.online import Online
from oaflib.publish.shelf import Shelf
from oaflib.publish.site import Site
from oaflib.publish.spark import Course, bars, spark
from oaflib.report import Change, Outcome, Report, Statistics
from oaflib.window import moment

POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; "
    "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)
DRAWING_POLICY = POLICY.replace("style-src 'self' file:", "style-src 'self' file: 'unsafe-inline'")
"""For pages with plotly figures: plotly writes style elements. Scripts stay as strict."""

LISTED = 400  # rows of a list on a page: the worst; report.json has all

VIEWS = {
    "RECENT": "The most recent report of every dataset",
    "RECENT_WITH_ALM": "Most recent reports with an alarm",
    "RECENT_WITHOUT_ALM": "Most recent reports without an alarm",
}


@dataclass(frozen=True)
class Leaf:
    """One report and what stands around it in its book."""

    report: Report
    entry: Entry
    body: Body
    before: Entry | None = None
    after: Entry | None = None
    trends: Mapping[str, Course] | None = None
    pdf: bool = False


def report_page(leaf: Leaf, site: Site) -> str:
    """The page of one report, for its own folder."""
    return _leaf_page(leaf, site, "report.html.j2", "../../../../")


def live_page(leaf: Leaf, site: Site) -> str:
    """The page around the frames in which trusted notebooks run their scripts."""
    return _render(
        "live.html.j2",
        site,
        root="../../../../",
        policy=f"{POLICY}; frame-src 'self' file:",
        report=leaf.report,
        body=leaf.body,
    )


def online_page(leaf: Leaf, online: Online, site: Site) -> str:
    """The page of a dataset that is watched, for its folder under ``ONLINE``."""
    return _leaf_page(leaf, site, "online.html.j2", "../../", online=online)


def _leaf_page(leaf: Leaf, site: Site, template: str, root: str, **more: Any) -> str:
    report = leaf.report
    anchors = anchored(report.outcomes)
    told = sorted(
        ((outcome, anchors[index]) for index, outcome in enumerate(report.outcomes)),
        key=lambda pair: (
            -pair[0].severity.urgency,
            (pair[0].forecast or {}).get("date") or "9999",  # what crosses its limit first
            pair[0].device,
            pair[0].variable,
            pair[0].check,
        ),
    )
    alarms = [pair for pair in told if pair[0].severity.alarming]
    return _render(
        template,
        site,
        root=root,
        policy=DRAWING_POLICY if leaf.body.interactive else POLICY,
        leaf=leaf,
        report=report,
        half=half_answered(report),
        asked=leaf.entry.asked,
        entry=leaf.entry,
        body=leaf.body,
        alarms=sorted(
            alarms, key=lambda pair: (bool(pair[0].silenced), pair[0].change is Change.ONGOING)
        ),
        listed=LISTED,
        statistics=_worst_first(report),
        warnings=[pair for pair in told if pair[0].severity.name == "WARNING"],
        cleared=[pair for pair in told if pair[0].change is Change.CLEARED],
        outcomes=told,
        matrix=matrix(report.outcomes, anchors),
        trends=leaf.trends or {},
        again=command(report),
        nav=nav(leaf.before, leaf.after),
        **more,
    )


def _worst_first(report: Report) -> list[Statistics]:
    """Statistics as the page lists them: in their order, or the worst where there are too many."""
    if len(report.statistics) <= LISTED:
        return list(report.statistics)
    rank: dict[str, int] = {}
    for outcome in report.outcomes:
        for name in (outcome.variable, *outcome.members):
            rank[name] = max(rank.get(name, 0), outcome.severity.urgency)
    return sorted(report.statistics, key=lambda entry: -rank.get(entry.variable, 0))[:LISTED]


def front_page(front: Front, site: Site) -> str:
    """The first page of the repository."""
    return _render("front.html.j2", site, root="", policy=POLICY, front=front)


def view_page(front: Front, view: str, site: Site) -> str:
    """The index of ``RECENT`` or one of its two halves."""
    groups = [
        (name, chosen)
        for name, group in grouped(front.cards)
        if (
            chosen := tuple(
                card
                for card in group
                if view == "RECENT" or card.entry.alarming == (view == "RECENT_WITH_ALM")
            )
        )
    ]
    return _render(
        "view.html.j2",
        site,
        root="../",
        policy=POLICY,
        front=front,
        view=view,
        title=VIEWS[view],
        groups=groups,
        count=sum(len(group) for _, group in groups),
    )


def dataset_page(shelf: Shelf, site: Site, description: str = "") -> str:
    """The page of one dataset: calendar, trend, its latest reports, its months."""
    return _render(
        "dataset.html.j2",
        site,
        root="../../../",
        policy=POLICY,
        shelf=shelf,
        entry=shelf.latest,
        description=description,
        years=calendars(shelf),
        months=[
            (year, [name for name in sorted(shelf.months) if name.startswith(year)])
            for year in sorted({name[:4] for name in shelf.months}, reverse=True)
        ],
        trend=bars(list(reversed(shelf.recent))),
    )


def month_page(shelf: Shelf, name: str, entries: Sequence[Entry], site: Site) -> str:
    """Every report of one month of a dataset."""
    months = sorted(shelf.months)
    here = months.index(name)
    return _render(
        "month.html.j2",
        site,
        root="../../../",
        policy=POLICY,
        entry=shelf.latest,
        name=name,
        entries=list(reversed(entries)),
        before=months[here - 1] if here else None,
        after=months[here + 1] if here + 1 < len(months) else None,
    )


def search_page(front: Front, site: Site) -> str:
    """Search over all reports, and every dataset by family where no script runs."""
    return _render("search.html.j2", site, root="", policy=POLICY, front=front)


def nav(before: Entry | None, after: Entry | None) -> str:
    """The links from a report to its neighbours, alone: they change after the page was made."""
    return str(_environment().get_template("nav.html.j2").render(before=before, after=after))


def anchored(outcomes: Sequence[Outcome]) -> list[str]:
    """The anchor of each outcome: the same tomorrow for the same finding."""
    from hashlib import sha256

    seen: dict[str, int] = {}
    anchors = []
    for outcome in outcomes:
        name = f"o-{sha256(outcome.identity.encode('utf-8', 'replace')).hexdigest()[:10]}"
        seen[name] = seen.get(name, 0) + 1
        anchors.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return anchors


def command(report: Report) -> str:
    """What makes the report again, from the project's folder."""
    window = report.window
    if len(window.label) == 10 and Entry.of_report(report).span == "day":
        when = f"--day {window.label}"
    else:
        when = f"--from {window.start:%Y-%m-%dT%H:%M:%SZ} --to {window.end:%Y-%m-%dT%H:%M:%SZ}"
        when += f" --name {window.label}"
    return f"oaf run {report.id} {when}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("oaflib.publish"),
        bytecode_cache=compiled(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=words.number,
        local=words.local,
        spoken=words.spoken,
        window=words.spoken_window,
        tidy=words.tidy,
        bdi=words.bdi,
        what=words.what,
        there=words.there,
        size=words.size,
        chip=words.marked,
        counted=words.counted,
        capital=lambda text: text[:1].upper() + text[1:],
        verdict=words.verdict,
        markup=Markup,
    )
    environment.globals.update(
        against=words.against,
        allowed=words.allowed,
        measured=measured,
        moment=moment,
        Course=Course,
        foretold=words.foretold,
        spark=spark,
        symbols=words.SYMBOLS,
        names=words.NAMES,
        VIEWS=VIEWS,
    )
    return environment


def _render(template: str, site: Site, **values: Any) -> str:
    return str(_environment().get_template(template).render(site=site, **values))
