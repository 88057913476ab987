"""Set three kinds of derivatives of one small network side by side.

    symdiff compile loss.py:loss -o gradient.py
    python compare.py         # networks of up to 5 layers
    python compare.py --full  # of up to 8

Symbolic: `sympy.diff` of the loss's formula by each weight. Recorded: the operations of
a run on values, and the walk back over them. Numerical: the loss alone, evaluated at
moved weights. Beside them the emitted gradient, which is recorded once and for all
values. An operation is one addition, multiplication, power, sign or function of numbers.
What is recorded and what is emitted has the loss's own among them, the formulas have not.

Theory: a formula repeats what it uses twice, so that derivatives of formulas swell
exponentially with the number of layers. With each common subexpression computed once
they grow as the square of it, as every weight has a derivative of its own; the walk
back, which all weights share, grows with the number itself.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import sympy
from rich.console import Console
from rich.progress import track
from rich.table import Table

import gradient
import symdiff
from loss import ARGS, loss
from symdiff import numerical

DIGITS = 50  # of the derivatives against which all others are held
METHODS = {
    "forward differences": numerical.forward_difference,
    "central differences": numerical.central_difference,
    "Richardson": numerical.richardson,
    "complex step": numerical.complex_step,
}


def specs(layers):
    """Return the specs of a network of so many layers of two units."""
    return ARGS | {"layers": ARGS["layers"][:1] * layers + ARGS["layers"][-1:]}


def make_data(args, rng):
    """Return random weights, inputs and a target, nested as the specs are."""
    if args == ():
        return float(rng.uniform(-1, 1))
    if isinstance(args, dict):
        return {name: make_data(one, rng) for name, one in args.items()}
    return [make_data(one, rng) for one in args]


def flat(nested):
    """Return the numbers of nested lists."""
    if not isinstance(nested, list):
        return [nested]
    return [number for one in nested for number in flat(one)]


class Formulas:
    """The loss's derivatives by each weight as formulas, and what they cost.

    operations: of the formulas as they stand; shared: with common subexpressions
    computed once.
    """

    def __init__(self, compiled):
        loss_formula = compiled.expression
        named = sorted(loss_formula.free_symbols, key=str)
        self.weights = [one for one in named if one.name.startswith("layers")]
        self.others = [one for one in named if one not in self.weights]
        self.derivatives = [loss_formula.diff(weight) for weight in self.weights]
        replaced, reduced = sympy.cse(self.derivatives)
        self.operations = sum(map(sympy.count_ops, self.derivatives))
        self.shared = sum(map(sympy.count_ops, [one for _, one in replaced] + reduced))

    def at(self, data, module):
        """Return the derivatives' values, computed by a module's functions."""
        symbols = [*self.weights, *self.others]
        function = sympy.lambdify(symbols, self.derivatives, module, cse=True)
        numbers = [number for one in data.values() for number in flat(one)]
        return function(*map(mpmath.mpf if module == "mpmath" else float, numbers))


def error(slopes, exact):
    """Return the largest error, relative to the largest slope."""
    gaps = [abs(one - right) for one, right in zip(slopes, exact, strict=True)]
    return float(max(gaps) / max(map(abs, exact)))


def operations_of(report):
    """Return the operations of both emitted passes."""
    return report.forward.operations + report.backward.operations


def by_method(data):
    """Return a table of the derivatives of the network in `ARGS`."""
    compiled = symdiff.compile(loss, ARGS)
    formulas = Formulas(compiled)
    with mpmath.workdps(DIGITS):
        exact = formulas.at(data, "mpmath")
    tape = symdiff.tape.record(loss, **data)
    recorded = tape.backward()
    once = compiled.report.forward.operations
    table = Table(*("derivative", "evaluations", "operations", "unshared", "error"))
    rows = [
        (
            "symbolic",
            "",
            formulas.shared,
            formulas.operations,
            formulas.at(data, "math"),
        ),
        ("recorded", "", len(tape.steps), "", flat(recorded)),
        (
            "emitted",
            "",
            operations_of(compiled.report),
            compiled.report.unshared,
            flat(gradient.grad(**data)),
        ),
    ]
    for name, method in METHODS.items():
        found = method(loss, data)
        rows.append((name, found.needed, found.needed * once, "", found.slopes))
    for name, evaluations, operations, unshared, slopes in rows:
        cells = (
            str(evaluations),
            f"{operations:,}",
            f"{unshared:,}" if unshared else "",
        )
        table.add_row(name, *cells, f"{error(slopes, exact):.0e}")
    table.caption = (
        f"{len(exact)} weights; the loss has {once} operations\n"
        "unshared: if what is used twice were computed twice\n"
        f"error: against {DIGITS} digits"
    )
    return table


def count_operations(layers):
    """Return the operations of each kind of derivative of a network of so many layers."""
    args = specs(layers)
    compiled = symdiff.compile(loss, args, verify=False)
    formulas = Formulas(compiled)
    tape = symdiff.tape.record(loss, **make_data(args, np.random.default_rng(layers)))
    tape.backward()
    evaluations = len(formulas.weights) + 1
    return {
        "symbolic": formulas.operations,
        "symbolic, shared": formulas.shared,
        "forward differences": evaluations * compiled.report.forward.operations,
        "recorded": len(tape.steps),
        "emitted": operations_of(compiled.report),
    }


def by_layers(counts):
    """Return a table of operations by the number of layers."""
    table = Table("layers", *counts[0])
    for layers, row in enumerate(counts, 1):
        table.add_row(str(layers), *(f"{count:,}" for count in row.values()))
    return table


def plot(counts, path):
    """Write the picture of operations by the number of layers."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    layers = range(1, len(counts) + 1)
    for label in counts[0]:
        axes.semilogy(layers, [row[label] for row in counts], "o-", label=label)
    axes.set(
        xlabel="layers of two units", ylabel="operations for a gradient", xticks=layers
    )
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Compare kinds of derivatives.")
    parser.add_argument(
        "--full", action="store_true", help="networks of up to 8 layers"
    )
    parser.add_argument("--layers", type=int, default=5, help="of the deepest network")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("operations.png")
    )
    return parser.parse_args()


def main():
    """Print the tables of one network and of deeper ones, write the picture."""
    options = parse_arguments()
    console = Console()
    table = by_method(make_data(ARGS, np.random.default_rng(0)))
    table.title = "Three layers of two tanh units"
    console.print(table)
    layers = range(1, (8 if options.full else options.layers) + 1)
    counts = [count_operations(one) for one in track(layers, description="Networks")]
    table = by_layers(counts)
    table.title = "Operations for a gradient"
    console.print(table)
    plot(counts, options.out)


if __name__ == "__main__":
    main()
