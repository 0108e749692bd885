"""`python -m tests.live.histories 2.8.4 3.1.8` makes these versions' histories anew."""

import sys
import time

from tests.live.versions import VERSIONS

from .make import make


def main(versions: list[str]) -> None:
    """Make the history of each version, one after the other."""
    unknown = sorted(set(versions) - set(VERSIONS))
    if unknown or not versions:
        sys.exit(f"usage: python -m tests.live.histories VERSION.., each of {', '.join(VERSIONS)}")
    for version in versions:
        started = time.monotonic()
        file = make(version)
        print(f"{version}: {file.stat().st_size} bytes, {time.monotonic() - started:.0f} s")  # noqa: T201 - for people


if __name__ == "__main__":
    main(sys.argv[1:])
