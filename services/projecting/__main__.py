"""`python -m services.projecting DATA`: a projector whose standard input is its socket.

No command for people.
"""

import os
import socket
import sys
from pathlib import Path

from services.logging import set_up_logging
from services.projecting.process import live
from services.settings import read_settings

if __name__ == "__main__":
    set_up_logging(read_settings())
    sys.exit(live(Path(sys.argv[1]), socket.socket(fileno=os.dup(sys.stdin.fileno()))))
