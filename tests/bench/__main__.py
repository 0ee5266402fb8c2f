"""`python -m tests.bench engine|peers|table|results|hands|calibrate`: measure, print, keep in outputs/, write into the README."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from .machine import ROOT, newest
from .race import PROBLEMS, External, race
from .table import print_result, write_readme


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    engine = parts.add_parser("engine", help="the forward engine against other ways to the same derivatives")
    engine.add_argument("--threads", type=int, help="all cores by default")
    peers = parts.add_parser("peers", help="pinnsolver against DeepXDE's documented recipes")
    peers.add_argument("--seconds", type=float, default=60.0, help="of each run")
    peers.add_argument("--seeds", default="0", help='for example "0 1 2"')
    peers.add_argument("--threads", type=int, default=2)
    peers.add_argument("--problems", default=" ".join(PROBLEMS))
    peers.add_argument(
        "--external",
        nargs=2,
        metavar=("PYTHON", "FOLDER"),
        help="another library's scripts, jinns_<problem>.py",
    )
    parts.add_parser("table", help="write the newest results into README.md")
    results = parts.add_parser(
        "results", help="every problem by the automatic choices, into problems/README.md"
    )
    _add_runs(results, seconds=60.0)
    results.add_argument("--table", action="store_true", help="measure nothing, build the table again")
    hands = parts.add_parser(
        "hands", help="the automatic choice against choices by hand, into problems/CHOICES.md"
    )
    _add_runs(hands, seconds=20.0, several=True)
    calibrate = parts.add_parser(
        "calibrate", help="estimated errors against true ones, into problems/CALIBRATION.md"
    )
    _add_runs(calibrate, seconds=20.0, several=True)
    given = parser.parse_args()
    if given.part == "engine":
        _engine(given.threads)
    elif given.part == "peers":
        _peers(parser, given)
    elif given.part == "results":
        _results(parser, given)
    elif given.part == "hands":
        _hands(parser, given)
    elif given.part == "calibrate":
        _calibrate(parser, given)
    else:
        _table(parser)


def _add_runs(parser: argparse.ArgumentParser, seconds: float, several: bool = False) -> None:
    """Add what bounds the runs of problem files, of one seed or of several."""
    parser.add_argument("--seconds", type=float, default=seconds, help="of each run")
    if several:
        parser.add_argument("--seeds", default="0", help='for example "0 1 2"')
    else:
        parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--problems", default="", help="all by default")


def _engine(threads: int | None) -> None:
    from .engine import measure_engine

    path = measure_engine(threads)
    print_result(json.loads(path.read_text()))
    print(path.relative_to(ROOT))


def _peers(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    problems = _known(parser, given.problems.split(), PROBLEMS, "recipe for")
    external = External(given.external[0], Path(given.external[1]).resolve()) if given.external else None
    path = race(problems, _seeds(given), given.seconds, given.threads, external)
    result = json.loads(path.read_text())
    print_result(result)

    from .picture import draw_race  # only now: what is loaded before a race counts as its runs' memory

    picture = path.with_suffix(".png")
    draw_race(result, picture)
    print(path.relative_to(ROOT), picture.relative_to(ROOT))


def _results(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    from .results import PAGE, measure, write_page

    names = _problems(parser, given)
    if given.table:
        write_page()
    else:
        measure(names, given.seconds, given.seed, given.threads)
    print(PAGE.relative_to(ROOT))


def _hands(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    from .hands import PAGE, measure_hands

    measure_hands(_problems(parser, given), given.seconds, _seeds(given), given.threads)
    print(PAGE.relative_to(ROOT))


def _calibrate(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    from .calibration import PAGE, calibrate

    calibrate(_problems(parser, given), given.seconds, _seeds(given), given.threads)
    print(PAGE.relative_to(ROOT))


def _seeds(given: argparse.Namespace) -> list[int]:
    return [int(seed) for seed in given.seeds.split()]


def _problems(parser: argparse.ArgumentParser, given: argparse.Namespace) -> list[str]:
    """Return the problems asked for, all by default."""
    from .results import names_at_hand

    at_hand = names_at_hand()
    return _known(parser, given.problems.split() or at_hand, at_hand, "problem")


def _known(parser: argparse.ArgumentParser, names: list[str], at_hand: Sequence[str], what: str) -> list[str]:
    """Return names that are at hand; others end the program with a message."""
    unknown = sorted(set(names) - set(at_hand))
    if unknown:
        parser.error(f"no {what} {', '.join(unknown)}; there are {', '.join(at_hand)}")
    return names


def _table(parser: argparse.ArgumentParser) -> None:
    peers, engine = newest("peers"), newest("engine")
    if peers is None and engine is None:
        parser.error("nothing is measured yet: run `make bench` first")
    write_readme(ROOT / "README.md", peers, engine)
    print("README.md")


if __name__ == "__main__":
    main()
