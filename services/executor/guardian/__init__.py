"""What owns an executor's hosts and process trees, and outlives it just long enough to kill them.

Two kinds of processes, on the standard library alone. The *guardian* is one for each executor: it
forks a *keeper* for every process tree, and has them all kill when the executor dies or its lease
is over. A keeper's only descendants are its tree, and the kernel gives it every orphan of that
tree: when it has no child left to wait for, the whole tree is gone. That is the proof, and nothing
else is.

`client` is the executor's side, on asyncio; the other modules run in those two processes, which
load them as a package of their own (`__main__`), without anything else of ours.
"""
