"""What went wrong outside of Countermand, in words that say what to do."""

import errno

ADVICE = {
    errno.ENOENT: "check how it is spelled, and make the folder that it is to be in",
    errno.ENOTDIR: "check how it is spelled: something on the way there is no folder",
    errno.EISDIR: "name a file",
    errno.EACCES: "let this user have it, or name another one",
    errno.EPERM: "let this user have it, or name another one",
    errno.EROFS: "name a place that can be written to",
    errno.ENOSPC: "make room, and try again",
}


def of_file(error: OSError) -> str:
    """In one line, without a number that only programmers know."""
    where = "" if error.filename is None else f"{error.filename}: "
    advice = ADVICE.get(error.errno or 0, "see to that, and try again")
    return f"{where}{error.strerror or type(error).__name__}; {advice}"
