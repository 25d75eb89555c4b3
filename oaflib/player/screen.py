"""The screen in a notebook: one widget for replay and for online views. Only door to anywidget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from oaflib.errors import ConfigurationError
from oaflib.player.scene import Scene

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise ConfigurationError(
        f"interactive views need the extra 'lab' ({error.name} is missing): "
        "pip install 'oaflib[lab]', then start the kernel again"
    ) from error

_HERE = Path(__file__).parent
Answer = Callable[[Mapping[str, Any]], None]


class Screen(anywidget.AnyWidget):
    """Trends, the matrix of devices × checks, the list of alarms, and a banner.

    What it shows is a `Scene`, sent to the browser when the browser asks for it, so that a notebook
    run without one keeps no data. The browser moves the cursor by itself and tells it now and then.

    Attributes
    ----------
    mode : ``replay`` (cursor, speed, limits) or ``live`` (the end of the window is now).
    cursor : seconds from the start of the window. playing, speed : as in `Transport`.
    span : seconds of the window that are seen, up to the cursor; 0: all of it.
    banner : ``{"severity": "ALARM", "text": "…"}``; empty: none.
    status : one line below the banner: the lag, the next refresh.
    """

    _esm = "\n".join((_HERE / name).read_text("utf-8") for name in ("trends.js", "screen.js"))
    _css = (_HERE / "screen.css").read_text("utf-8")

    mode = traitlets.Unicode("replay").tag(sync=True)
    cursor = traitlets.Float(0.0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    speed = traitlets.Float(60.0).tag(sync=True)
    span = traitlets.Float(0.0).tag(sync=True)
    banner = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)

    def __init__(self, scene: Scene | None = None, **traits: Any) -> None:
        super().__init__(**traits)
        self._scene = scene
        self._answers: dict[str, Answer] = {"scene": lambda _: self._send_scene()}
        self.on_msg(self._asked)

    def show(self, scene: Scene) -> None:
        """Show another scene; in ``live`` mode the cursor goes to its end."""
        self._scene = scene
        if self.mode == "live":
            window = scene.window
            self.cursor = (window.end_ns - window.start_ns) / 1e9
        self._send_scene()

    def answer(self, question: str, answer: Answer) -> None:
        """Call `answer` with what the browser says when it asks `question`."""
        self._answers[question] = answer

    def tell(self, what: str, **said: Any) -> None:
        """Tell every browser that shows this screen."""
        self.send({"tell": what, **said})

    def _send_scene(self) -> None:
        if self._scene is not None:
            said = {"tell": "scene", "scene": self._scene.document()}
            self.send(said, buffers=[self._scene.buffer()])

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        question = content.get("ask") if isinstance(content, dict) else None
        if question in self._answers:
            self._answers[question](content)
