"""A terminal on which whatever somebody wrote is shown as it is.

Ids, reasons, results and errors are others' texts: they are no markup, and they steer nobody's
terminal.
"""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

PICTURES = 0x2400
"""From here on Unicode has a picture of each of the first control characters."""
VISIBLE = {
    code: chr(PICTURES + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"
    for code in (*range(0x20), *range(0x7F, 0xA0))
    if chr(code) != "\n"
}


class PlainConsole(Console):
    """Colors and control sequences are only ours."""

    def __init__(self, *, stderr: bool, width: int | None = None) -> None:
        super().__init__(
            highlight=False, markup=False, emoji=False, soft_wrap=True, stderr=stderr, width=width
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control is None and not segment.text.isprintable():
                yield segment._replace(text=segment.text.translate(VISIBLE))
            else:
                yield segment
