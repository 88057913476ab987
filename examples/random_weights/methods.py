"""Ways to train a network without back-propagation, and with it.

Each is a generator over a `Task`: after each step it yields the weights it would stop
at. What a step cost, the task counts: forward passes over all training images, a
gradient by back-propagation as three of them for the images that it sees.
"""

import numpy as np
from pymoo.algorithms.soo.nonconvex.es import ES
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.algorithms.soo.nonconvex.pso import PSO
from pymoo.core.problem import Problem

import gradient
from loss import WEIGHTS, loss
from symdiff import numerical

REACH = 0.1  # a weight is changed by up to this
POPULATION = 50


class Task:
    """Images to learn, and the cost so far."""

    def __init__(self, images, labels, rng):
        self.images, self.labels, self.rng = images, labels, rng
        self.passes = 0.0

    def loss(self, w):
        """Return the loss over all images, at the cost of one pass."""
        self.passes += 1
        return loss(w, self.images, self.labels)

    def gradient(self, w, rows):
        """Return the gradient over some images, at the cost of three passes over them."""
        self.passes += 3 * len(rows) / len(self.images)
        return gradient.grad(w, self.images[rows], self.labels[rows])

    def start(self):
        """Return the weights that all begin with."""
        return self.rng.normal(scale=0.1, size=WEIGHTS)


# One random change after the other.


def one_weight(task, rate=30.0):
    """Change one weight by up to 0.1, and keep `-rate * dL/dw` of it."""
    w = task.start()
    while True:
        trial = numerical.one_weight_at_a_time(
            task.loss, [w], reach=REACH, seed=task.rng
        )
        w[trial.entries] -= rate * trial.slopes
        yield w


def hill_climbing(task, spread=0.02):
    """Change all weights a little, and keep that if the loss falls."""
    w = task.start()
    lowest = task.loss(w)
    while True:
        changed = w + task.rng.normal(scale=spread, size=WEIGHTS)
        value = task.loss(changed)
        if value < lowest:
            w, lowest = changed, value
        yield w


def simultaneous_perturbation(task, rate=0.02):
    """Step against the slope along a random direction (Spall 1992)."""
    w = task.start()
    while True:
        w = w - rate * (
            numerical.simultaneous_perturbation(
                task.loss, [w], eps=1e-3, seed=task.rng
            ).gradient
        )
        yield w


# Populations, by pymoo.


def _evolve(task, algorithm):
    problem = Problem(n_var=WEIGHTS, n_obj=1, xl=-2.0, xu=2.0)
    algorithm.setup(
        problem, seed=int(task.rng.integers(2**31)), termination=("n_gen", 10**9)
    )
    while True:
        candidates = algorithm.ask()
        values = [task.loss(w) for w in candidates.get("X")]
        candidates.set("F", np.array(values)[:, None])
        algorithm.tell(infills=candidates)
        yield algorithm.opt[0].X


def _population(task):
    return np.stack([task.start() for _ in range(POPULATION)])


def evolution_strategy(task):
    """Keep the best of many changed copies, and how large their changes were."""
    parents = POPULATION // 7
    return _evolve(
        task,
        ES(
            pop_size=parents,
            n_offsprings=POPULATION,
            sampling=_population(task)[:parents],
        ),
    )


def genetic_algorithm(task):
    """Cross the best and change their children here and there."""
    return _evolve(task, GA(pop_size=POPULATION, sampling=_population(task)))


def particle_swarm(task):
    """Let particles fly toward the best places that they and the others have seen."""
    return _evolve(task, PSO(pop_size=POPULATION, sampling=_population(task)))


# Back-propagation.


def _descend(task, step, batch=32):
    w = task.start()
    while True:
        order = task.rng.permutation(len(task.images))
        for rows in np.array_split(order, len(order) // batch):
            w = w + step(task.gradient(w, rows))
            yield w


def sgd(task, rate=0.3):
    """Step against the gradient of a few images."""
    return _descend(task, lambda d_w: -rate * d_w)


def momentum(task, rate=0.1, kept=0.9):
    """Keep some of the last step's velocity (Polyak 1964)."""
    velocity = np.zeros(WEIGHTS)

    def step(d_w):
        velocity[:] = kept * velocity - rate * d_w
        return velocity

    return _descend(task, step)


def rmsprop(task, rate=0.003, kept=0.9):
    """Divide each slope by its running root mean square (Hinton 2012)."""
    mean_square = np.zeros(WEIGHTS)

    def step(d_w):
        mean_square[:] = kept * mean_square + (1 - kept) * d_w**2
        return -rate * d_w / (np.sqrt(mean_square) + 1e-8)

    return _descend(task, step)


BY_GRADIENT = {"SGD": sgd, "momentum": momentum, "RMSprop": rmsprop}
METHODS = {
    "one random weight": one_weight,
    "hill climbing": hill_climbing,
    "simultaneous perturbation": simultaneous_perturbation,
    "evolution strategy": evolution_strategy,
    "genetic algorithm": genetic_algorithm,
    "particle swarm": particle_swarm,
    **BY_GRADIENT,
}
