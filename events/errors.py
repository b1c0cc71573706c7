"""What can go wrong in the language itself: one base, and attributes that carry the facts."""


class CountermandError(Exception):
    """Every error of ours; its text says what happened and what to do next."""


class InvalidId(CountermandError):
    """An id that isn't well formed."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{text[:80]!r} is not a valid id: {why}")
        self.text = text
        self.why = why


class MalformedEvent(CountermandError):
    """Bytes that are no event of ours. They stay in the log and in the history, as void."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a Countermand event: {why}")
        self.why = why


class UnknownVersion(CountermandError):
    """A well-formed event of a type or version that this release doesn't know."""

    def __init__(self, type_tag: str) -> None:
        super().__init__(
            f"event type {type_tag!r} is unknown to this release: upgrade this process before it "
            "goes on with this partition (readers are upgraded before writers)"
        )
        self.type_tag = type_tag


class EventTooLarge(CountermandError):
    """An event beyond the size that the log takes."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"the event is {size_bytes} bytes, the log takes {limit_bytes}: store the data "
            "elsewhere and put its address into the payload"
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class LogUnavailable(CountermandError):
    """The log can't take or give events now. Whether a failed append was kept is *unknown*:
    repeat it with the same event ids."""


class LogClosed(CountermandError):
    """This process has closed the log. What is appended after that is not stored."""


class LogDamaged(CountermandError):
    """The log's storage isn't what it should be; the service must not go on with it."""


class LogInUse(CountermandError):
    """Another process writes this log."""
