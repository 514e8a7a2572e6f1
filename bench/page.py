"""What was measured as one HTML page with plots, to be opened in a browser; nothing is fetched.

Comes in: a results file of `report.write`. Goes out: the page beside it. Not here: the published table (`publish`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from jinja2 import Environment, select_autoescape

from bench.plots import drawn
from bench.report import number, target

if TYPE_CHECKING:
    from pathlib import Path

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Shiftcal, measured {{ at }}</title>
<style>body{font:15px/1.4 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}td,th{padding:.2rem .6rem;text-align:left;
vertical-align:top;border-bottom:1px solid #ddd}table{border-collapse:collapse;font-size:.85rem}svg{max-width:100%;height:auto}
.missed{color:#b00020}.reached{color:#1b6e2e}</style>
<h1>Shiftcal, measured</h1>
<p>{{ at }}. {{ machine.cores }} cores ({{ machine.processor }}), {{ machine.memory_gib }} GiB, {{ machine.system }},
Python {{ machine.python }}, {{ machine.kafka }}. {% for name, version in machine.packages.items() %}{{ name }} {{ version
}}{{ ", " if not loop.last else "." }}{% endfor %} Worker, broker, stand-in and bench share these cores.</p>
{% for title, svg in plots.items() %}<h2>{{ title }}</h2>{{ svg | safe }}{% endfor %}
<h2>All figures</h2><table><tr><th>figure<th>value<th>runs<th>target<th><th>ours / others, cores<th>note</tr>
{% for one in figures %}<tr><td>{{ one.name }}<td>{{ "void" if one.void else number(one.value) ~ " " ~ one.unit }}
<td>{% for run in one.runs %}{{ number(run) }} {% endfor %}<td>{{ target(one) }}
{% set word = {true: "reached", false: "missed"}.get(one.reached, "") %}<td class="{{ word }}">{{ word }}
<td>{% if one.load %}{{ one.load.ours }} / {{ one.load.others }}{% endif %}<td>{{ one.void or one.note }}</tr>{% endfor %}</table></html>
"""


def write(results: Path) -> Path:
    """Draw the page beside the results and return where it stands."""
    read: dict[str, Any] = orjson.loads(results.read_bytes())
    environment = Environment(autoescape=select_autoescape(default_for_string=True, default=True))
    text = environment.from_string(_PAGE).render(
        **read, plots=drawn(read["figures"]), number=number, target=target
    )
    path = results.with_suffix(".html")
    path.write_text(text)
    return path
