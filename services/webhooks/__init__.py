"""Signed webhooks (Standard Webhooks): chosen events, to receivers that organizations name.

Each endpoint has a courier: it queues matching lines of the history in the control store, with the
position up to which it has, and delivers them in the order of each root until the receiver has
accepted them or they are given up, to be delivered again by hand. Nothing is skipped over a
restart; what a crash interrupts is delivered again, under the same id.
"""
