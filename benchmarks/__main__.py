"""``python -m benchmarks``: how fast ``transfer`` is beside others, with ratios that are taken within one run."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import results
from benchmarks.interrupt import interruptible
from benchmarks.machine import machine, versions
from benchmarks.measure import CandidateFailedError
from benchmarks.part import Document, Part, PartUnavailableError, Settings
from benchmarks.parts import all_parts

INTERRUPTED = 130


def main() -> None:
    """Measure the parts that were asked for and write what was found."""
    parts = all_parts()
    options = parse(parts, sys.argv[1:])
    chosen = [parts[name] for name in parts if name in (options.parts or parts)]
    interruptible()
    done: dict[str, bool] = {}
    try:
        for part in chosen:
            done[part.name] = measured(part, options)
    except KeyboardInterrupt:
        print("interrupted: the parts that were measured whole are written", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    finally:
        if any(done.values()):  # or there is nothing new to sum up
            print("\n".join(results.summarise(list(parts.values()), options.results)))
    if not all(done.values()):
        raise SystemExit(f"not measured: {', '.join(name for name, whole in done.items() if not whole)}")


def parse(parts: Mapping[str, Part], arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; ends the program with exit code 2 when they cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=_epilog(parts), formatter_class=_Formatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(parts)}; all when none is given")
    parser.add_argument("--quick", action="store_true", help="small: to see that it works, the numbers mean little")
    parser.add_argument("--repeat", type=_positive, help="how often each candidate runs (default: 3, quick 1)")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="the folder to write to")
    for part in parts.values():
        part.options(parser.add_argument_group(part.name))
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.parts) - set(parts))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)} (there are: {', '.join(parts)})")
    return options


def measured(part: Part, options: argparse.Namespace) -> bool:
    """Measure one part; when it cannot be, say why and return False, so that the others are."""
    try:
        measure_part(part, options)
    except (CandidateFailedError, PartUnavailableError) as error:
        print(f"{part.name}: {error}", file=sys.stderr)
        return False
    return True


def measure_part(part: Part, options: argparse.Namespace) -> None:
    """Measure one part and write its files."""
    print(f"== {part.name}: {part.description}")
    repeat = options.repeat or (1 if options.quick else 3)
    with tempfile.TemporaryDirectory(prefix="transfer-benchmark-") as folder:
        document = part.run(Settings(options.quick, repeat, Path(folder), options))
    results.write(part, framed(document, quick=options.quick, repeat=repeat), options.results)


def framed(document: Document, *, quick: bool, repeat: int) -> Document:
    """Return the document with where, when and with what it was measured; the part's own word goes first.

    The bars of a quick run are not judged.
    """
    if quick:
        document = {**document, "bars": [bar | {"held": None} for bar in document.get("bars", [])]}
    return {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "quick": quick,
        "repeat": repeat,
        **document,
        "machine": {**machine(), **document.get("machine", {})},
        "versions": {**versions(), **document.get("versions", {})},
    }


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the list of parts as it is, and says the default of each option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, []) else super()._get_help_string(action)


def _epilog(parts: Mapping[str, Part]) -> str:
    return "\n".join(["parts:", *(f"  {part.name:10} {part.description}" for part in parts.values())])


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


if __name__ == "__main__":
    main()
