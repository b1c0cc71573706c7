"""The program of a host: imports authors' modules and has their handlers run.

Started by path, with any interpreter: `python host.py [options] MODULE...`, and the channel to the
executor as descriptor 3. Of ours only `countermand.handlers` can be imported in here, whatever is
installed beside it; standard output and error are the author's.
"""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # this folder: its modules must not shadow the author's

import importlib.util
from pathlib import Path
from types import ModuleType

CHANNEL_FD = 3


def load_ours() -> None:
    """Make `countermand` and `countermand.handlers` importable, and nothing that stands beside
    them."""
    folder = Path(__file__).resolve().parent
    face = _made("countermand", folder.parent, searched=False)
    handlers = _made("countermand.handlers", folder, searched=True)
    _run(handlers)
    face.__dict__["handlers"] = handlers
    _run(face)


def _made(name: str, folder: Path, *, searched: bool) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name,
        folder / "__init__.py",
        submodule_search_locations=[str(folder)] if searched else [],
    )
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    if not searched:
        module.__path__ = []  # an empty list given above would have been filled
    sys.modules[name] = module
    return module


def _run(module: ModuleType) -> None:
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)


if __name__ == "__main__":
    load_ours()
    from countermand.handlers.hosting import main

    main(CHANNEL_FD, sys.argv[1:])
