"""The pulse inside a process: keeps the rows of `projections.pulse` up to date with the ledger,
says on the log what overran its budget, and shows what there is to see."""
