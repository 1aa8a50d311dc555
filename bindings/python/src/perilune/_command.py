"""The program `perilune`, which is installed with the package: the command, and what workers are made of."""

import site
import sysconfig
from pathlib import Path
from typing import List

from ._errors import Error


def places() -> List[Path]:
    """Where installers put commands; those that are told by where the package is come first."""
    # A worker begins in another directory.
    folders = [*Path(__file__).absolute().parents]
    # `pip install --target` has it beside the packages; else it is in the bin of what has lib/python3.x/site-packages.
    of_the_package = [folder / "bin" for folder in (*folders[1:2], *folders[4:5])]
    # An editable package is in a checkout, its command is not.
    return [*of_the_package, Path(sysconfig.get_path("scripts")), Path(site.getuserbase(), "bin")]


def command() -> str:
    """Its path.

    :raises Error: it is not there
    """
    for place in places():
        if (place / "perilune").is_file():
            return str(place / "perilune")
    raise Error(f"the command perilune is in none of {', '.join(map(str, places()))}: install the package anew")
