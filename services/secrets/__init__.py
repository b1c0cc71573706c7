"""Tasks' secrets: in events only as ciphertext, each task's under a key of its own.

Sealed by whoever submits the task, opened just before its run begins, beyond anybody's reach once
the task has ended: then its key is destroyed, and the history keeps bytes that nobody can read.
"""
