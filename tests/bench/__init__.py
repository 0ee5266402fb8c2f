"""Measurements, which decide nothing: `make bench` runs them, `make bench-table` writes them into the README.

`engine` times the forward derivative engine against other ways to the same numbers; `peers` races pinnsolver
against DeepXDE's documented recipes, each run in a process of its own; `results` solves every problem for the table in problems/.
"""
