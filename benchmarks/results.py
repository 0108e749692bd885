"""What was measured, as files: ``<part>.json``, ``<part>.md``, ``<part>.png`` and ``summary.md`` over all of them."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import plots
from benchmarks.part import Bar, Document, Part, bars
from benchmarks.spread import number

FOLDER = Path(__file__).parent / "results"
_POINT = re.compile(r"\[\s+([-+.\de]+),\s+([-+.\de]+)\s+\]")
NOT_JUDGED = "Not judged: quick."


def write(part: Part, document: Document, folder: Path) -> None:
    """Write a part's document, its picture and its table, and say the table on the screen.

    The document comes first and alone: whatever goes wrong with the rest, what was measured is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part.name}.json").write_text(as_json(document))
    lines = page(part, document)
    print("\n".join(["", *lines, ""]))
    if draw(part, document, folder):
        lines += ["", f"![{part.name}]({part.name}.png)"]
    (folder / f"{part.name}.md").write_text("\n".join(lines) + "\n")


def as_json(document: Document) -> str:
    """Return a document as text in which each point of a curve has a line."""
    return _POINT.sub(r"[\1, \2]", json.dumps(document, indent=1)) + "\n"


def draw(part: Part, document: Document, folder: Path) -> bool:
    """Write a part's picture and return True; without matplotlib, say what to install and return False."""
    try:
        pyplot = plots.pyplot()
    except plots.NoPicturesError as error:
        print(error)
        return False
    plots.save(part.plot(document, pyplot), folder / f"{part.name}.png", pyplot)
    return True


def page(part: Part, document: Document) -> list[str]:
    """Return a part's page: what it is, its table, its bars, where it was measured."""
    lines = [f"# {part.name}", "", part.description, "", *part.table(document)]
    if document.get("bars"):
        lines += ["", *bars_of(document)]
    return [*lines, "", where(document)]


def bars_of(document: Document) -> list[str]:
    """Return the bars of a document as a Markdown table; those of a quick run are not judged."""
    if document.get("quick"):
        return [*_table(("to hold", "promised", "found"), [cells(bar)[:3] for bar in bars(document)]), "", NOT_JUDGED]
    return _table(("to hold", "promised", "found", "held"), map(cells, bars(document)))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table with texts at its left and right end and numbers in between."""
    rules = ["---", "--:", "--:", "---"][: len(head)]
    return [f"| {' | '.join(head)} |", f"|{'|'.join(rules)}|", *(f"| {' | '.join(row)} |" for row in rows)]


def cells(bar: Bar) -> tuple[str, str, str, str]:
    """Return the four cells of one bar; the last one judges."""
    found = "not measured" if bar.value is None else with_unit(bar.value, bar.unit)
    return bar.text, f"at {bar.at} {with_unit(bar.bar, bar.unit)}", found, "yes" if bar.held else "**no**"


def with_unit(value: float, unit: str) -> str:
    """Return ``1.05x`` for a ratio and ``150 MiB`` for all else."""
    return f"{value:.2f}x" if unit == "x" else f"{number(value)} {unit}".strip()


def where(document: Document) -> str:
    """Return one sentence about machine, versions and settings."""
    named = {**document.get("machine", {}), **document.get("versions", {})}
    said = ", ".join(f"{name} {value}" for name, value in named.items())
    quick = " A quick run: the numbers mean little." if document.get("quick") else ""
    return f"Measured {document.get('measured', 'at an unknown time')}: {said}.{quick}"


def summarise(parts: Sequence[Part], folder: Path) -> list[str]:
    """Write the bars of all parts that have ever been measured here, each with its date, and return the lines.

    When none has been, nothing is written and there are no lines.
    """
    files = {part.name: folder / f"{part.name}.json" for part in parts}
    there = [part for part in parts if files[part.name].exists()]
    if not there:
        return []
    lines = ["# All bars", ""]
    for part in there:
        lines += summary_of(part, json.loads(files[part.name].read_text()))
    (folder / "summary.md").write_text("\n".join(lines).rstrip() + "\n")
    return lines


def summary_of(part: Part, document: Document) -> list[str]:
    """Return a part's section of the summary."""
    table = bars_of(document) if document.get("bars") else ["Nothing to hold."]
    return [f"## [{part.name}]({part.name}.md)", "", *table, "", where(document), ""]
