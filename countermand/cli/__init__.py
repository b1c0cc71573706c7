"""The command line. Commands about tasks speak HTTP; commands about keys write the control store.

Exit codes are in `countermand.cli.exits`.
"""

import gc
import sys

from countermand.cli.exits import Exit

GARBAGE_OBJECTS = 50_000


def main() -> None:
    # Loading makes hundreds of thousands of objects that stay: looking among them for garbage
    # again and again would take a sixth of the start.
    gc.set_threshold(GARBAGE_OBJECTS, 20, 100)

    from countermand.cli.app import app

    try:
        app()
    except OSError as error:
        if error.filename is None:
            raise
        from countermand.cli.troubles import of_file

        print(of_file(error), file=sys.stderr)
        sys.exit(Exit.CONFIGURATION)
    except Exception as error:
        from events.errors import CountermandError

        if not isinstance(error, CountermandError):
            raise
        # Its text says what happened and what to do; a traceback would only hide it.
        print(error, file=sys.stderr)
        sys.exit(Exit.CONFIGURATION)
