"""DeepXDE Data and Model, optimizers, callbacks, checkpoints, stop reasons. Knows deepxde."""

from pinnsolver.train.broyden import SelfScaledBroyden as SelfScaledBroyden
from pinnsolver.train.checkpoint import read_checkpoint as read_checkpoint
from pinnsolver.train.checkpoint import read_training as read_training
from pinnsolver.train.checkpoint import write_checkpoint as write_checkpoint
from pinnsolver.train.checkpoint import write_training as write_training
from pinnsolver.train.course import Clock as Clock
from pinnsolver.train.course import Done as Done
from pinnsolver.train.data import ProblemData as ProblemData
from pinnsolver.train.data import as_deepxde as as_deepxde
from pinnsolver.train.device import find_device as find_device
from pinnsolver.train.gauss_newton import LevenbergMarquardt as LevenbergMarquardt
from pinnsolver.train.gauss_newton import residuals_by_autograd as residuals_by_autograd
from pinnsolver.train.history import History as History
from pinnsolver.train.lbfgs import SteppedLBFGS as SteppedLBFGS
from pinnsolver.train.module import TrainableProblem as TrainableProblem
from pinnsolver.train.progress import Progress as Progress
from pinnsolver.train.progress import choose_progress as choose_progress
from pinnsolver.train.runner import Start as Start
from pinnsolver.train.runner import Trained as Trained
from pinnsolver.train.runner import train_problem as train_problem
from pinnsolver.train.windows import WindowedProblem as WindowedProblem
from pinnsolver.train.windows import compile_transformed as compile_transformed
from pinnsolver.train.windows import module_of as module_of
