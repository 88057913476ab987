"""Train on scikit-learn's 1,797 handwritten digits by plain gradient descent.

The gradient is the emitted module's; nothing of symdiff is imported here:

    symdiff compile loss.py:loss -o gradient.py
    python train.py
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from rich.progress import track
from sklearn.datasets import load_digits

import gradient
from loss import ARGS, logits

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402 (after the choice of Agg)

NOISE = 0.15  # of each grey level, so that 1,438 images are not learned by heart


def split_digits(rng):
    """Return images and labels to train on, then those of a held-out fifth."""
    images, labels = load_digits(return_X_y=True)
    images = images / 16.0  # grey levels are 0 to 16
    order = rng.permutation(len(labels))
    held_out, kept = np.split(order, [len(labels) // 5])
    return images[kept], labels[kept], images[held_out], labels[held_out]


def initial_params(rng):
    """Return random weights that keep the signal's variance, and zero biases."""
    return [
        {
            "W": rng.normal(scale=layer["W"][0] ** -0.5, size=layer["W"]),
            "b": np.zeros(layer["b"]),
        }
        for layer in ARGS["params"]
    ]


def descend(params, d_params, rate):
    """Change the parameters in place: w <- w - a * dL/dw."""
    for layer, d_layer in zip(params, d_params, strict=True):
        for name, d_w in d_layer.items():
            layer[name] -= rate * d_w


def train_epoch(params, images, labels, rng, *, batch, rate):
    """Return the mean loss over one pass through the shuffled images."""
    order = rng.permutation(len(labels))
    losses = []
    for rows in np.array_split(order, len(labels) // batch):
        X = images[rows]
        X = X + rng.normal(scale=NOISE, size=X.shape)
        value, d_params = gradient.value_and_grad(params, X, labels[rows])
        descend(params, d_params, rate)
        losses.append(value)
    return np.mean(losses)


def accuracy(params, images, labels):
    """Return the fraction of images whose label has the largest output."""
    return np.mean(logits(params, images).argmax(axis=1) == labels)


def plot(losses, accuracies, path):
    """Write the picture of the learning curve."""
    epochs = np.arange(1, len(losses) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.semilogy(epochs, losses)
    left.set(xlabel="epoch", ylabel="training loss", title="Loss")
    right.plot(epochs, 100 * np.asarray(accuracies))
    right.axhline(97, color="grey", linewidth=1, linestyle="--")
    right.set(xlabel="epoch", ylabel="%", title="Accuracy on the held-out fifth")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def parse_arguments():
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description="Train on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=16, help="images in a minibatch")
    parser.add_argument("--rate", type=float, default=0.4, help="the first step a")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("learning_curve.png")
    )
    return parser.parse_args()


def main():
    """Train, print the accuracy on the held-out fifth, write the picture."""
    options = parse_arguments()
    rng = np.random.default_rng(options.seed)
    images, labels, held_images, held_labels = split_digits(rng)
    params = initial_params(rng)
    losses, accuracies = [], []
    for epoch in track(range(options.epochs), description="Training"):
        rate = options.rate * (1 - epoch / options.epochs)  # smaller and smaller steps
        loss = train_epoch(params, images, labels, rng, batch=options.batch, rate=rate)
        losses.append(loss)
        accuracies.append(accuracy(params, held_images, held_labels))
    plot(losses, accuracies, options.out)
    print(f"loss {losses[-1]:.5f} on the {len(labels)} training images")
    print(f"accuracy {accuracies[-1]:.2%} on the {len(held_labels)} held-out images")


if __name__ == "__main__":
    main()
