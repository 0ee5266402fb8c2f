"""From the data of a run to its pictures and one self-contained page.

    RunData -draw_gallery-> Pictures -render_page-> report.html

Nothing here knows sympy, torch or a network, and nothing of the run folder is executed: its names and
texts are escaped, its MathML is rebuilt from a whitelist.
"""

from pinnsolver.report.overview import draw_solution as draw_solution
from pinnsolver.report.write import write_report as write_report
