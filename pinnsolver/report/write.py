"""From the data of a run to the files of its report, each written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from pinnsolver.report.gallery import plan_gallery
from pinnsolver.report.groups import as_mapping
from pinnsolver.report.history import draw_history, draw_unknowns
from pinnsolver.report.page import DrawnBlock, Pictures, render_page
from pinnsolver.report.sketches import Block
from pinnsolver.report.style import drawing
from pinnsolver.runfolder import RunData, write_text, write_whole


def write_report(run: RunData, folder: Path) -> Path:
    """Draw `figures/*.png` and write `report.html`, which has them inside, into `folder`.

    Args:
        run: everything that is shown.
        folder: is made where it is missing.

    Returns:
        The path of `report.html`.
    """
    pictures = draw_pictures(run)
    for shown in pictures.all():
        write_whole(folder / "figures" / f"{shown.name}.png", lambda file, png=shown.png: file.write(png))  # type: ignore[misc]
    page = folder / "report.html"
    write_text(page, render_page(run, pictures))
    return page


def draw_pictures(run: RunData) -> Pictures:
    """Return every picture of a report."""
    plan = plan_gallery(run)
    with drawing():
        return Pictures(
            solution=tuple(map(_draw, plan.solution)),
            residual=tuple(map(_draw, plan.residual)),
            history=tuple(draw_history(run.history)),
            unknowns=tuple(draw_unknowns(run.history, as_mapping(run.result.get("unknowns")))),
            notes=plan.notes,
        )


def _draw(block: Block) -> DrawnBlock:
    return DrawnBlock(block.heading, tuple(s.draw() for s in block.sketches), block.columns, block.notes)
