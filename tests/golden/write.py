"""Write the golden files that are missing: `python -m tests.golden.write`.

It never writes a file again. What a golden file says was once true for somebody's history and stays
so; a rule that has to change is a new event version with golden files of its own.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from events.event import encode
from events.schemas import json_schemas
from tests.builders.folding import the_fold
from tests.golden.pinned import EVENTS, HISTORIES, SCHEMAS, written
from tests.golden.samples import FULL, full_event, minimal_event
from tests.golden.stories import stories


def golden_files() -> Iterator[tuple[Path, str]]:
    for body in FULL:
        both = encode(minimal_event(body)) + b"\n" + encode(full_event(body)) + b"\n"
        yield EVENTS / f"{body.TYPE}.jsonl", both.decode()
    for tag, schema in json_schemas().items():
        yield SCHEMAS / f"{tag}.json", json.dumps(schema, indent=1, sort_keys=True) + "\n"
    for name, history in stories():
        yield HISTORIES / f"{name}.jsonl", written(list(history.events), the_fold)


def main() -> None:
    for path, text in golden_files():
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"written: {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
