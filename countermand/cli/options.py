"""The options that many commands share.

Loads nothing that speaks or serves: what only helps, or completes a word, is there at once.
"""

from pathlib import Path
from typing import Annotated

import typer

URL = "http://127.0.0.1:8700"
"""As the client's own; naming it here loads no client."""

Url = Annotated[
    str, typer.Option("--url", envvar="COUNTERMAND_URL", help="Where the service listens.")
]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="COUNTERMAND_KEY", help="An API key.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]

DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Where everything is kept.", envvar="COUNTERMAND_DATA"),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file.", envvar="COUNTERMAND_CONFIG", exists=True),
]
LogFormat = Annotated[str | None, typer.Option(help="console or json")]
