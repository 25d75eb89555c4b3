"""Name to maker: lazy registries of sources, computations, checks and plots.

A plug-in is one class and one entry point; nothing is imported before it is asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from oaflib.errors import ConfigurationError


@cache
def offered() -> Any:
    """What all installed packages offer; read once a process: each has a file to open."""
    return entry_points()


class Registry:
    """Makers by name; built-in ones by address, others by entry points of `group`.

    Raises
    ------
    ConfigurationError
        On `load`: an unknown name (told what exists), a name that two packages claim, or a maker
        whose import fails.
    """

    def __init__(self, group: str, noun: str, builtin: Mapping[str, str]) -> None:
        self.group = group
        self.noun = noun
        self._builtin = dict(builtin)
        self._addresses: dict[str, str] | None = None

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._all())

    def load(self, name: str) -> Any:
        """The maker called `name`, imported now."""
        addresses = self._all()
        if name not in addresses:
            near = difflib.get_close_matches(name, addresses, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise ConfigurationError(
                f"no {self.noun} is called '{name}'.{hint} There are: {', '.join(self.names())}"
            )
        module, _, attribute = addresses[name].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ConfigurationError(
                f"{self.noun} '{name}' cannot be loaded from {addresses[name]}: {error}"
            ) from error

    def _all(self) -> dict[str, str]:
        if self._addresses is None:
            addresses = dict(self._builtin)
            for point in offered().select(group=self.group):
                if addresses.get(point.name, point.value) != point.value:
                    raise ConfigurationError(
                        f"two packages offer the {self.noun} '{point.name}': "
                        f"{addresses[point.name]} and {point.value}; remove or rename one"
                    )
                addresses[point.name] = point.value
            self._addresses = addresses
        return self._addresses


sources = Registry(
    "oaflib.sources",
    "source",
    {
        "archiver": "oaflib.sources.archiver:ArchiverSource",
        "embedded": "oaflib.sources.embedded:EmbeddedSource",
        "files": "oaflib.sources.files:FilesSource",
        "hdbpp": "oaflib.sources.hdbpp:HdbppSource",
        "java": "oaflib.sources.java:JavaSource",
        "nxcals": "oaflib.sources.nxcals:NxcalsSource",
        "sql": "oaflib.sources.sql:SqlSource",
    },
)
computations = Registry(
    "oaflib.compute",
    "computation",
    {
        "bad_elements": "oaflib.compute.vectors:BadElements",
        "bad_pixels": "oaflib.compute.images:BadPixels",
        "elements": "oaflib.compute.vectors:ElementsReduced",
        "expression": "oaflib.compute.expression:ExpressionComputation",
        "gaussian": "oaflib.compute.fit:GaussianProfile",
        "group": "oaflib.compute.group:Grouped",
        "histogram": "oaflib.compute.histogram:Histogram",
        "image": "oaflib.compute.images:ImageReduced",
        "line": "oaflib.compute.fit:StraightLine",
        "profile_distance": "oaflib.compute.vectors:ProfileDistance",
        "relative": "oaflib.compute.relative:Relative",
        "resample": "oaflib.compute.resample:Resampled",
        "rolling": "oaflib.compute.resample:Rolling",
        "selected": "oaflib.compute.relative:Selected",
        "spectrum": "oaflib.compute.spectrum:Spectrum",
        "statistic": "oaflib.compute.resample:WindowStatistic",
        "usage": "oaflib.compute.usage:Usage",
        "vector": "oaflib.compute.vectors:VectorReduced",
    },
)
checks = Registry(
    "oaflib.checks",
    "check",
    {
        "usage": "oaflib.checks.usage:Usage",
        "gap": "oaflib.checks.gap:Gap",
        "stuck": "oaflib.checks.stuck:Stuck",
        "range": "oaflib.checks.range:Range",
        "text": "oaflib.checks.text:Text",
        "setting": "oaflib.checks.setting:Setting",
        "over_usage": "oaflib.checks.over_usage:OverUsage",
        "noise": "oaflib.checks.noise:Noise",
        "agreement": "oaflib.checks.agreement:Agreement",
        "peers": "oaflib.checks.peers:Peers",
        "vector": "oaflib.checks.vector:Vector",
        "image": "oaflib.checks.image:Image",
        "unusual": "oaflib.checks.unusual:Unusual",
        "unit": "oaflib.checks.unit:Unit",
        "drift": "oaflib.checks.ageing_drift:Drift",
        "spread": "oaflib.checks.ageing_spread:Spread",
        "step": "oaflib.checks.ageing_step:Step",
        "wear": "oaflib.checks.ageing_wear:Wear",
        "calibration": "oaflib.checks.ageing_calibration:Calibration",
        "expression": "oaflib.checks.expression:Condition",
    },
)
plots = Registry(
    "oaflib.plots",
    "plot",
    {
        "trend": "oaflib.plots.trend:Trend",
        "small_multiples": "oaflib.plots.strips:SmallMultiples",
        "lanes": "oaflib.plots.lanes:Lanes",
        "waterfall": "oaflib.plots.waterfall:Waterfall",
        "image": "oaflib.plots.images:Image",
        "profile": "oaflib.plots.profile:Profile",
        "histogram": "oaflib.plots.histogram:Histogram",
        "boxes": "oaflib.plots.boxes:Boxes",
        "correlation": "oaflib.plots.correlation:Correlation",
        "spectrum": "oaflib.plots.spectrum:Spectra",
        "spectrogram": "oaflib.plots.spectrum:Spectrogram",
        "matrix": "oaflib.plots.matrix:DeviceMatrix",
        "years": "oaflib.plots.years:Years",
        "elements": "oaflib.plots.elements:Elements",
        "curves": "oaflib.plots.curves:Curves",
    },
)
