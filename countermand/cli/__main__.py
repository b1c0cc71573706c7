"""`python -m countermand.cli`."""

from countermand.cli import main

main()
