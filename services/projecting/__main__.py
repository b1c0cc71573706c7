"""`python -m services.projecting DATA`: a projector whose standard input is its socket.

No command for people.
"""

import os
import socket
import sys
from pathlib import Path

from services.projecting.process import live

if __name__ == "__main__":
    sys.exit(live(Path(sys.argv[1]), socket.socket(fileno=os.dup(sys.stdin.fileno()))))
