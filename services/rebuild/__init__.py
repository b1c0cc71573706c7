"""Builds the read models anew from the log, beside those in use, and lets them take over.

Runs in a process of its own; a service may go on meanwhile. Reads the log and the generation in
use, writes the next one, and, in the one transaction of the swap, who succeeds whom. Killed at any
time it leaves what is in use as it was.
"""
