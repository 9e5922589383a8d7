"""The command line of a stage. It takes only paths."""

import argparse
from pathlib import Path


def paths(*names: str, description: str | None = None) -> list[Path]:
    """The paths given on the command line, in the order of `names`."""
    parser = argparse.ArgumentParser(description=description)
    for name in names:
        parser.add_argument(name, type=Path)
    values = vars(parser.parse_args())
    return [values[name] for name in names]
