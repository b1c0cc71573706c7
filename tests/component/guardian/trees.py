"""Programs whose processes are hard to be rid of, and how many each of them has."""

import pytest

WAITS = "report(); wait()"
IGNORES_SIGTERM = "signal.signal(signal.SIGTERM, signal.SIG_IGN); report(); wait()"
CALLS_SETSID = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
report(); wait()
"""
FORKS_TWICE = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.chdir("/")
report(parent=os.getppid()); wait()
"""
ITS_CHILD_DIES = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if (child := os.fork()) == 0:
    if os.fork() != 0:
        os._exit(0)
    report(); wait()
os.waitpid(child, 0)
report(); wait()
"""
STOPS_ITSELF = "report(); os.kill(os.getpid(), signal.SIGSTOP); wait()"
FORKS_AWAY = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def run_away():
    # Each lives only until it has forked the next: a pid is stale as soon as it was read.
    while True:
        if os.fork() != 0:
            os._exit(0)
        os.setsid()
def breed():
    while True:
        if os.fork() == 0:
            time.sleep(0.003)
            os._exit(0)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
for flee in (run_away, run_away, run_away, breed, breed):
    if os.fork() == 0:
        report()
        flee()
report(); wait()
"""
TREES = {
    "ignores SIGTERM": (IGNORES_SIGTERM, 1),
    "calls setsid": (CALLS_SETSID, 2),
    "forks twice": (FORKS_TWICE, 2),
    "its child dies before its grandchild": (ITS_CHILD_DIES, 2),
    "stops itself": (STOPS_ITSELF, 1),
}
ALL_PROCESSES = sum(processes for _, processes in TREES.values())
STORM = {"forks away": (FORKS_AWAY, 6)}
"""It takes the whole machine, so nothing is timed beside it."""
any_tree = pytest.mark.parametrize(
    ("program", "processes"), [*TREES.values(), *STORM.values()], ids=[*TREES, *STORM]
)
any_tree_that_can_be_searched_for = pytest.mark.parametrize(
    ("program", "processes"), TREES.values(), ids=TREES
)
