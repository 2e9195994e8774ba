"""Times PyTorch's training iteration for the network of a Darknet configuration: fp32, eager, on the CPU.

Prints one JSON object. The network is read from the configuration that Plinius trains, so that both always mean the same one.
Batches are prepared before the clock starts: PyTorch pays for no decoding, decryption or saving.
"""

import argparse
import json
import statistics
import time
import warnings

warnings.filterwarnings("ignore", message=".*NumPy")  # PyTorch wants it installed and does not need it here

import torch  # noqa: E402
from torch import nn  # noqa: E402

BATCHES = 8  # prepared batches, used in turn; one alone would stay in the cache


def sections(path):
    """The sections of a Darknet configuration, in order: (name, {key: value})."""
    found = []
    for line in open(path, encoding="utf-8"):
        line = line.split("#")[0].split(";")[0].strip()
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        elif line:
            key, value = line.split("=", 1)
            found[-1][1][key.strip()] = value.strip()
    return found


def network(path):
    """The network and the [net] section. Softmax and cost are left to the loss."""
    (_, net), *layers = sections(path)
    channels, size = int(net["channels"]), int(net["height"])
    modules = []
    for name, options in layers:
        if name == "convolutional":
            kernel, filters = int(options.get("size", 1)), int(options["filters"])
            stride = int(options.get("stride", 1))
            # Darknet's pad=1 means half the kernel, so a 1x1 convolution is not padded.
            padding = kernel // 2 if int(options.get("pad", 0)) else 0
            normalised = int(options.get("batch_normalize", 0)) == 1
            modules.append(nn.Conv2d(channels, filters, kernel, stride, padding, bias=not normalised))
            if normalised:
                modules.append(nn.BatchNorm2d(filters))
            activation = options.get("activation", "logistic")
            if activation == "leaky":
                modules.append(nn.LeakyReLU(0.1, inplace=True))
            elif activation != "linear":
                raise ValueError(f"activation={activation} is not in this benchmark")
            channels, size = filters, (size + 2 * padding - kernel) // stride + 1
        elif name == "maxpool":
            kernel = int(options.get("size", 2))
            stride = int(options.get("stride", kernel))
            modules.append(nn.MaxPool2d(kernel, stride))
            size = (size - kernel) // stride + 1
        elif name == "dropout":
            modules.append(nn.Dropout(float(options.get("probability", 0.5))))
        elif name == "avgpool":
            modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        elif name not in ("softmax", "cost"):
            raise ValueError(f"[{name}] is not in this benchmark")
    return nn.Sequential(*modules), net


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=3)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model, net = network(options.config)
    batch, shape = int(net["batch"]), (int(net["channels"]), int(net["height"]), int(net["width"]))
    # Never zeros: their arithmetic can be faster than any real image's.
    images = [torch.rand(batch, *shape) for _ in range(BATCHES)]
    labels = [torch.randint(0, 10, (batch,)) for _ in range(BATCHES)]
    optimiser = torch.optim.SGD(
        model.parameters(), lr=float(net["learning_rate"]), momentum=float(net["momentum"]), weight_decay=float(net["decay"]))
    loss_of = nn.CrossEntropyLoss()
    model.train()

    times = []
    for iteration in range(options.warm_up + options.iterations):
        start = time.perf_counter()
        optimiser.zero_grad()
        loss = loss_of(model(images[iteration % BATCHES]), labels[iteration % BATCHES])
        loss.backward()
        optimiser.step()
        loss.item()
        if iteration >= options.warm_up:
            times.append(1000 * (time.perf_counter() - start))
    times.sort()
    print(json.dumps({
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "iterationMilliseconds": {"median": statistics.median(times), "p95": times[min(len(times) - 1, int(0.95 * len(times)))]},
    }))


main()
