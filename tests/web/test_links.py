from __future__ import annotations

import pytest

from chatd.web.links import imports_of, needed_by, references_of, served

PAGE = """<head>
  <link rel="icon" href="icon.svg">
  <link rel="stylesheet" href="app.css">
  <script type="module" src="app.mjs"></script>
</head>
<a href="https://example.org/">out</a> <a href="#top">top</a> <a href="gone.html">no</a>
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('import {a, b as c} from "./x.mjs";', ["p/x.mjs"]),
        ("import x from '../v/x.mjs'", ["v/x.mjs"]),
        ('import{h as e}from"./x.mjs";import"./y.mjs"', ["p/x.mjs", "p/y.mjs"]),
        ('import * as x\n  from "./x.mjs"', ["p/x.mjs"]),
        ('import {\n  a,\n  b,\n} from "./x.mjs"', ["p/x.mjs"]),
        ('export * from "./x.mjs"', ["p/x.mjs"]),
        ('export {a} from "./x.mjs"', ["p/x.mjs"]),
        ('const late = await import("./x.mjs")', []),
        ('/** @import {A} from "./x.mjs" */', []),
        ('/** @type {import("./x.mjs").A} */', []),
        ('import x from "preact"', []),
        ('const reimport = "./x.mjs"', []),
        ("new Url(import.meta.url, './x.mjs')", []),
        ('export const a = 1;\nconst from = "./x.mjs"', []),
    ],
)
def test_what_a_module_needs_before_it_runs(source: str, expected: list[str]) -> None:
    """In each form of import; what is loaded later is not among it."""
    assert list(imports_of("p/app.mjs", source)) == expected


def test_what_is_needed_is_found_however_deep() -> None:
    """Each once, itself first; a circle has an end, and what is not there is left."""
    sources = {
        "p/app.mjs": 'import "./a.mjs"; import "../v/lib.mjs"; import "./gone.mjs"',
        "p/a.mjs": 'import "./b.mjs"; import "../v/lib.mjs"',
        "p/b.mjs": 'import "./a.mjs"; import "./app.mjs"',
        "v/lib.mjs": "",
        "p/late.mjs": "",
    }
    needed = needed_by("p/app.mjs", sources)
    assert needed == ["p/app.mjs", "p/a.mjs", "v/lib.mjs", "p/b.mjs"]
    assert needed_by("p/none.mjs", sources) == ["p/none.mjs"]


def test_what_a_page_names() -> None:
    """Files alone: no other host, no place within itself."""
    expected = ["p/icon.svg", "p/app.css", "p/app.mjs", "p/gone.html"]
    assert list(references_of("p/index.html", PAGE)) == expected


def test_a_page_is_served_with_the_names_of_its_version() -> None:
    """What it needs is named where the first module is; all else is as it was."""
    files = ["p/icon.svg", "p/app.css", "p/app.mjs", "p/a.mjs"]
    sources = {"p/app.mjs": 'import "./a.mjs"', "p/a.mjs": ""}
    html = served("p/index.html", PAGE, "_/1", files, sources)
    assert html == (
        "<head>\n"
        '  <link rel="icon" href="_/1/p/icon.svg">\n'
        '  <link rel="stylesheet" href="_/1/p/app.css">\n'
        '  <link rel="modulepreload" href="_/1/p/a.mjs">\n'
        '  <script type="module" src="_/1/p/app.mjs"></script>\n'
        "</head>\n"
        '<a href="https://example.org/">out</a> <a href="#top">top</a>'
        ' <a href="gone.html">no</a>\n'
    )
