"""The guardian's process: loads this folder's modules, and nothing else of ours.

Started by path with `-I -S`: neither the working directory nor installed packages can shadow what
it imports, and it starts in a few milliseconds.
"""

import sys
from pathlib import PurePath
from types import ModuleType


def main() -> int:
    package = ModuleType("guardian")
    package.__path__ = [str(PurePath(__file__).parent)]
    sys.modules["guardian"] = package
    guard = __import__("guardian.guard", fromlist=["main"])
    return int(guard.main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
