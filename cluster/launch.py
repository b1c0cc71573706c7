"""Becomes another program that dies with the process that asked for it.

A script of its own, because the death signal belongs to the process that sets it and is forgotten
when its user changes: it must be set after the change and before the exec, and in a program with
threads no Python code is safe there.

Arguments: the parent's pid, the signal, the user to become ('-' for none), then the command.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, user, *command = sys.argv[1:]
    if user != "-":
        account = pwd.getpwnam(user)
        os.initgroups(user, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal)) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The parent may have ended before the signal was set; then nobody would ever send it.
    if os.getppid() != int(parent):
        sys.exit("the process that asked for this server has ended")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
