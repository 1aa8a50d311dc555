"""`python -m perilune`: the command that was installed with the package."""

import os
import sys

from ._command import command
from ._errors import Error

if __name__ == "__main__":
    try:
        path = command()
    except Error as error:
        sys.exit(f"perilune: {error}")
    os.execv(path, [path, *sys.argv[1:]])
