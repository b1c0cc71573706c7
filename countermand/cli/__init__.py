"""The command line. Commands about tasks speak HTTP; commands about keys write the control store.

Exit codes are in `countermand.cli.exits`.
"""

from countermand.cli.app import main

__all__ = ["main"]
