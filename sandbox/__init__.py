"""The stand-ins for the outside world and the demo data; refuses to load in production."""

import os
import sys


def _is_starting_itself() -> bool:
    """Whether this is `python -m sandbox`, whose `run` says SANDBOX=1 for itself and its children.

    Python sets `sys.argv[0]` to "-m" for as long as it looks for the module to run.
    """
    return sys.argv[:1] == ["-m"] and "sandbox" in sys.orig_argv


if os.environ.get("SANDBOX") != "1" and not _is_starting_itself():
    raise RuntimeError(
        "The sandbox does not load in production: its accounts, secrets and sources are known to everybody. "
        "Set SANDBOX=1 only where no real person's data is."
    )
