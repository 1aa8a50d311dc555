"""`python -m perilune`: the command that was installed with the package."""

import os
import site
import sys
import sysconfig
from pathlib import Path
from typing import List


def places() -> List[Path]:
    """Where installers put commands; those that are told by where the package is come first."""
    folders = [*Path(__file__).parents]
    # `pip install --target` has it beside the packages; else it is in the bin of what has lib/python3.x/site-packages.
    of_the_package = [folder / "bin" for folder in (*folders[1:2], *folders[4:5])]
    # An editable package is in a checkout, its command is not.
    return [*of_the_package, Path(sysconfig.get_path("scripts")), Path(site.getuserbase(), "bin")]


def command() -> str:
    for place in places():
        if (place / "perilune").is_file():
            return str(place / "perilune")
    sys.exit(f"perilune: the command is in none of {', '.join(map(str, places()))}: install the package anew")


if __name__ == "__main__":
    path = command()
    os.execv(path, [path, *sys.argv[1:]])
