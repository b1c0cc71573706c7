"""Whether somebody holds a lock on a file, without taking it even for a moment."""

from pathlib import Path

LOCKS = Path("/proc/locks")


def held(lock: Path) -> bool:
    """By `flock`, at this moment, by any process of this machine."""
    if not lock.exists():
        return False
    inode = f":{lock.stat().st_ino}"
    return any(
        fields[1] == "FLOCK" and fields[5].endswith(inode)
        for fields in map(str.split, LOCKS.read_text().splitlines())
        if fields[1] != "->"
    )
