"""`python -m pinnsolver` is `pinnsolver`."""

from pinnsolver.cli import main

main()
