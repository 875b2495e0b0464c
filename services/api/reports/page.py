"""A document as one page of HTML that loads nothing else."""

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light; }
body { font: 11pt/1.5 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; color: #222;
  background: #fff; max-width: 56rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem;
  border-bottom: 2px solid #0072B2; padding-bottom: .2rem; break-after: avoid; }
header p { color: #555; margin: .2rem 0 1.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0 1.4rem; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { padding: .25rem .7rem .25rem 0; text-align: right; border-bottom: 1px solid #ddd;
  vertical-align: top; font-variant-numeric: tabular-nums; }
thead th { border-bottom: 1.5px solid #222; vertical-align: bottom; }
th:first-child { text-align: left; font-weight: 400; } thead th { font-weight: 600; }
tbody th.part { padding-left: 1.4rem; }
figure { margin: 1rem 0 1.6rem; break-inside: avoid; } figcaption { font-weight: 600; }
figure svg { width: 100%; height: auto; } li { margin: .3rem 0; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } tr { break-inside: avoid; } }
"""

Draw = Callable[[Mapping[str, Any]], bytes]


def page(document: Mapping[str, Any], draw: Draw) -> bytes:
    """The page; `draw` makes SVG of a plot. Every text is escaped."""
    title = escape(document["title"])
    blocks = "\n".join(line for block in document["blocks"] for line in _block(block, draw))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>{title}</h1><p>{escape(document["subtitle"])}</p></header>
<main>
{blocks}
</main>
</body>
</html>
""".encode()


def _block(block: Mapping[str, Any], draw: Draw) -> Iterator[str]:
    match block["kind"]:
        case "heading":
            yield f"<h2>{escape(block['text'])}</h2>"
        case "paragraph":
            yield f"<p>{escape(block['text'])}</p>"
        case "items":
            yield "<ul>"
            yield from (f"<li>{escape(item)}</li>" for item in block["items"])
            yield "</ul>"
        case "table":
            yield from _table(block)
        case _:
            drawn = draw(block).decode()
            image = drawn[drawn.index("<svg") :]
            alt = escape(block["alt"], quote=True)
            image = image.replace("<svg", f'<svg role="img" aria-label="{alt}"', 1)
            yield f"<figure><figcaption>{escape(block['title'])}</figcaption>{image}</figure>"


def _table(block: Mapping[str, Any]) -> Iterator[str]:
    yield f'<div class="wide"><table><caption>{escape(block["title"])}</caption><thead><tr>'
    yield from (f'<th scope="col">{escape(name)}</th>' for name in block["columns"])
    yield "</tr></thead><tbody>"
    for name, *figures in block["rows"] or [["None"] + [""] * (len(block["columns"]) - 1)]:
        part = ' class="part"' if name.startswith("    ") else ""
        cells = "".join(f"<td>{escape(figure)}</td>" for figure in figures)
        yield f'<tr><th scope="row"{part}>{escape(name.strip())}</th>{cells}</tr>'
    yield "</tbody></table></div>"
