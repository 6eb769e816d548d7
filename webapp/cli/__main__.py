"""`python -m webapp.cli` is `vestibule`."""

from webapp.cli import main

main()
