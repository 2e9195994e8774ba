"""What PyTorch needs on the CPU for the work that the benchmarks time: training, inferring, saving and loading a model.

Prints one JSON object. The network is read from the configuration that Plinius runs, so that both always mean the same one.
Batches are prepared before the clock starts: PyTorch pays for no decoding and no decryption.
"""

import argparse
import json
import os
import resource
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


def activation(name):
    if name == "linear":
        return nn.Identity()
    if name == "leaky":
        return nn.LeakyReLU(0.1, inplace=True)
    if name == "relu":
        return nn.ReLU(inplace=True)
    raise ValueError(f"activation={name} is not in this benchmark")


class Shortcut(nn.Module):
    def __init__(self, source, name):
        super().__init__()
        self.source, self.activation = source, activation(name)

    def forward(self, x, outputs):
        return self.activation(x + outputs[self.source])


class Route(nn.Module):
    def __init__(self, sources):
        super().__init__()
        self.sources = sources

    def forward(self, x, outputs):
        return torch.cat([outputs[source] for source in self.sources], 1) if len(self.sources) > 1 else outputs[self.sources[0]]


class Network(nn.Module):
    """The layers of a configuration. Softmax and cost are left to the loss."""

    def __init__(self, path):
        super().__init__()
        (_, self.net), *layers = sections(path)
        channels = int(self.net["channels"])
        modules, shapes = [], []
        for index, (name, options) in enumerate(layers):
            if name == "convolutional":
                kernel, filters = int(options.get("size", 1)), int(options["filters"])
                # Darknet's pad=1 means half the kernel, so a 1x1 convolution is not padded.
                padding = kernel // 2 if int(options.get("pad", 0)) else 0
                normalised = int(options.get("batch_normalize", 0)) == 1
                parts = [nn.Conv2d(channels, filters, kernel, int(options.get("stride", 1)), padding, bias=not normalised)]
                if normalised:
                    parts.append(nn.BatchNorm2d(filters))
                modules.append(nn.Sequential(*parts, activation(options.get("activation", "logistic"))))
                channels = filters
            elif name == "maxpool":
                kernel = int(options.get("size", 2))
                modules.append(nn.MaxPool2d(kernel, int(options.get("stride", kernel))))
            elif name == "dropout":
                modules.append(nn.Dropout(float(options.get("probability", 0.5))))
            elif name == "avgpool":
                modules.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
            elif name == "connected":
                modules.append(nn.Sequential(
                    nn.Flatten(), nn.LazyLinear(int(options["output"])), activation(options.get("activation", "logistic"))))
                channels = int(options["output"])
            elif name == "shortcut":
                source = int(options["from"])
                modules.append(Shortcut(source if source >= 0 else index + source, options.get("activation", "linear")))
            elif name == "route":
                sources = [int(part) for part in options["layers"].split(",")]
                sources = [source if source >= 0 else index + source for source in sources]
                modules.append(Route(sources))
                channels = sum(shapes[source] for source in sources)
            elif name not in ("softmax", "cost"):
                raise ValueError(f"[{name}] is not in this benchmark")
            shapes.append(channels)
        self.layers = nn.ModuleList(modules)
        self.read_again = {source for layer in modules for source in getattr(layer, "sources", [getattr(layer, "source", None)])}

    def forward(self, x):
        outputs = {}
        for index, layer in enumerate(self.layers):
            x = layer(x, outputs) if isinstance(layer, (Shortcut, Route)) else layer(x)
            if index in self.read_again:
                outputs[index] = x
        return x


def make(options):
    """The network and its input shape, in the variant that is asked for."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = Network(options.config)
    shape = tuple(int(model.net[key]) for key in ("channels", "height", "width"))
    model(torch.rand(2, *shape))  # makes what is as large as its input
    net = model.net
    if options.variant == "channels-last":
        model = model.to(memory_format=torch.channels_last)
    if options.variant == "compiled":
        model = torch.compile(model)
    return model, net, shape


def random_images(batch, shape, variant):
    # Never zeros: their arithmetic can be faster than any real image's.
    images = torch.rand(batch, *shape)
    return images.to(memory_format=torch.channels_last) if variant == "channels-last" else images


def summary(times):
    times = sorted(times)
    return {"median": statistics.median(times), "p95": times[min(len(times) - 1, int(0.95 * len(times)))]}


def train(options):
    model, net, shape = make(options)
    batch = int(net["batch"])
    images = [random_images(batch, shape, options.variant) for _ in range(BATCHES)]
    labels = [torch.randint(0, 10, (batch,)) for _ in range(BATCHES)]
    rate, decay = float(net["learning_rate"]), float(net["decay"])
    if net.get("adam") == "1":
        optimiser = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay)
    else:
        optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=float(net["momentum"]), weight_decay=decay)
    loss_of = nn.CrossEntropyLoss()
    model.train()
    times = []
    for iteration in range(options.warm_up + options.iterations):
        start = time.perf_counter()
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.variant == "bf16"):
            loss = loss_of(model(images[iteration % BATCHES]), labels[iteration % BATCHES])
        loss.backward()
        optimiser.step()
        loss.item()
        if iteration >= options.warm_up:
            times.append(1000 * (time.perf_counter() - start))
    return {"parameters": sum(p.numel() for p in model.parameters()), "iterationMilliseconds": summary(times)}


def infer(options):
    model, _, shape = make(options)
    model.eval()
    images = [random_images(options.batch, shape, options.variant) for _ in range(BATCHES)]
    passes = max(2, options.images // options.batch)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=options.variant == "bf16"):
        for index in range(options.warm_up):
            model(images[index % BATCHES])
        start = time.perf_counter()
        for index in range(passes):
            torch.softmax(model(images[index % BATCHES]), 1)
        seconds = time.perf_counter() - start
    return {"imagesPerSecond": passes * options.batch / seconds}


def save(options):
    """Saves and loads as many bytes of parameters as a mirror holds, durably: file and folder are waited for."""
    count = options.megabytes * 1_000_000 // 4
    # As many tensors as a network of this size has; their number costs as their bytes do.
    size = 589_824
    state = {f"layer{index}.weight": torch.rand(min(size, count - start)) for index, start in enumerate(range(0, count, size))}
    path = os.path.join(options.folder, f"plinius-torch-{os.getpid()}")
    if options.variant == "safetensors":
        from safetensors.torch import load_file, save_file
        write, read = (lambda: save_file(state, path)), (lambda: load_file(path))
    else:
        write, read = (lambda: torch.save(state, path)), (lambda: torch.load(path, weights_only=True))
    saved, loaded = [], []
    try:
        for round in range(options.warm_up + options.iterations):
            start = time.perf_counter()
            write()
            for name in (path, options.folder):
                descriptor = os.open(name, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)
            middle = time.perf_counter()
            back = read()
            end = time.perf_counter()
            if not all(torch.equal(back[name], tensor) for name, tensor in state.items()):
                raise SystemExit("what was loaded is not what was saved")
            if round >= options.warm_up:
                saved.append(1000 * (middle - start))
                loaded.append(1000 * (end - middle))
    finally:
        if os.path.exists(path):
            os.remove(path)
    return {"saveMilliseconds": summary(saved), "loadMilliseconds": summary(loaded)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    for work in (train, infer, save):
        command = commands.add_parser(work.__name__)
        command.set_defaults(work=work)
        command.add_argument("--variant", default="eager", choices=["eager", "channels-last", "bf16", "compiled", "safetensors"])
        command.add_argument("--warm-up", type=int, default=3)
        command.add_argument("--iterations", type=int, default=20)
        if work is save:
            command.add_argument("--folder", required=True)
            command.add_argument("--megabytes", type=int, required=True)
        else:
            command.add_argument("--config", required=True)
            command.add_argument("--threads", type=int, required=True)
        if work is infer:
            command.add_argument("--batch", type=int, required=True)
            command.add_argument("--images", type=int, default=2000)
    options = parser.parse_args()
    result = options.work(options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads(), "peakKiB": peak, **result}))


main()
