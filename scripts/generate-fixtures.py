#!/usr/bin/env python3
"""Writes Tests/PliniusNNTests/Fixtures: small networks with inputs, and what PyTorch computes for them in double precision.

Darknet's formulas are written out in tensors, and autograd differentiates them, so nothing here repeats a gradient by hand. Tests/_PliniusTestSupport/
Fixtures.swift describes the format. The files depend on PyTorch's double arithmetic only to its last digits; run this again when a case is added:

    python3 -m venv .venv && .venv/bin/pip install -r Benchmarks/requirements.txt && .venv/bin/python scripts/generate-fixtures.py
"""

import math
import pathlib
import random
import struct
import warnings

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests/PliniusNNTests/Fixtures"
SEED, ITERATION, FIRST_IMAGE = 0x5EED_0123_4567_89AB, 11, 6

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


# Darknet's layers


def stair(x):
    floor = torch.floor(x)
    return torch.where(floor % 2 == 0, torch.floor(x / 2), x - floor + torch.floor(x / 2))


ACTIVATIONS = {
    "linear": lambda x: x,
    "logistic": torch.sigmoid,
    "loggy": lambda x: 2 * torch.sigmoid(x) - 1,
    "relu": torch.relu,
    "elu": F.elu,
    "selu": lambda x: 1.0507 * torch.where(x >= 0, x, 1.6732 * torch.expm1(x)),
    "relie": lambda x: torch.where(x > 0, x, 0.01 * x),
    "ramp": lambda x: torch.relu(x) + 0.1 * x,
    "leaky": lambda x: torch.where(x > 0, x, 0.1 * x),
    "tanh": torch.tanh,
    "plse": lambda x: torch.where(x < -4, 0.01 * (x + 4), torch.where(x > 4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5)),
    "stair": stair,
    "hardtan": lambda x: x.clamp(-1, 1),
    "lhtan": lambda x: torch.where(x < 0, 0.001 * x, torch.where(x > 1, 0.001 * (x - 1) + 1, x)),
}


def philox(counter, key):
    """Philox4x32-10, after Salmon et al., SC'11."""
    c, k, mask = list(counter), list(key), 0xFFFFFFFF
    for _ in range(10):
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [second >> 32 ^ c[1] ^ k[0], second & mask, first >> 32 ^ c[3] ^ k[1], first & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def dropout_mask(shape, probability, layer, iteration, first_image):
    """Whether each element is kept; elements of an image in NCHW order, images by their place in the batch."""
    count, size = shape[0], math.prod(shape[1:])
    kept = torch.empty(count, size)
    for image in range(count):
        for element in range(size):
            counter = [element // 4, first_image + image | 4 << 24, iteration, layer]
            word = philox(counter, [SEED & 0xFFFFFFFF, SEED >> 32])[element % 4]
            kept[image, element] = 1.0 if (word >> 8) / 2**24 >= float32(probability) else 0.0
    return kept.reshape(shape)


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


# Parts of recurrent layers, in Darknet's order: what each sums up, and what for.
PARTS = {
    "rnn": ("xh", "hh", "hy"), "crnn": ("xh", "hh", "hy"), "gru": ("hh",) * 3 + ("xh",) * 3, "lstm": ("hh",) * 4 + ("xh",) * 4,
}


class Layer:
    """A section of the configuration, with its options as numbers where they are numbers."""

    def __init__(self, index, kind, options, shape, steps=1):
        self.index, self.kind, self.options, self.input, self.steps = index, kind, options, shape, steps
        self.learned = kind in ("convolutional", "connected", "batchnorm", "local", "deconvolutional")
        self.normalized = kind == "batchnorm" or bool(options.get("batch_normalize"))

    def tensors(self):
        """Roles and shapes of the state, in the arena's order; those of a part behind its number."""
        if self.kind in PARTS:
            return {f"{i}.{role}": shape for i, part in enumerate(PARTS[self.kind]) for role, shape in self.part_tensors(part).items()}
        if not self.learned:
            return {}
        o, (c, h, w) = self.options, self.input
        if self.kind == "convolutional":
            count, weights = o["filters"], (o["filters"], c // o.get("groups", 1), o["size"], o["size"])
        elif self.kind == "connected":
            count, weights = o["output"], (o["output"], c * h * w)
        elif self.kind == "local":
            area, count = self.local_extents(), o["filters"]
            return {"biases": (count, *area), "weights": (math.prod(area), count, c, o["size"], o["size"])}
        elif self.kind == "deconvolutional":
            count, weights = o["filters"], (c, o["filters"], o["size"], o["size"])
        else:
            count, weights = c, None
        roles = {"biases": (count,)}
        if self.normalized:
            roles |= {"scales": (count,), "rolling_mean": (count,), "rolling_variance": (count,)}
        return roles | ({"weights": weights} if weights else {})

    def part_tensors(self, part):
        """Of a recurrent layer's part: by the source and the target of its sums."""
        (source, target), o, (c, h, w) = part, self.options, self.input
        if self.kind == "crnn":
            channels = {"x": c, "h": o["hidden_filters"], "y": o["output_filters"]}
            count, weights = channels[target], (channels[target], channels[source], 3, 3)
        else:
            count, weights = o["output"], (o["output"], c * h * w if source == "x" else o["output"])
        roles = {"biases": (count,)}
        if self.normalized:
            roles |= {"scales": (count,), "rolling_mean": (count,), "rolling_variance": (count,)}
        return roles | {"weights": weights}

    def recurrent(self, x, state, training):
        """Darknet's recurrent layers over all steps of each sequence; the first rows are the first step of all sequences."""
        o, sequences = self.options, len(x) // self.steps
        act = ACTIVATIONS[o.get("activation", "logistic")]

        def part(index, x):
            weights = state[f"{index}.weights"]
            y = F.conv2d(x, weights, padding=1) if self.kind == "crnn" else (x.flatten(1) @ weights.T)[:, :, None, None]
            if self.normalized:
                y = self.normalize(y, state, training, f"{index}.")
            return y + state[f"{index}.biases"].view(1, -1, 1, 1)

        if self.kind == "lstm" and not self.normalized:
            # PyTorch's own, whose gates are in another order.
            lstm = torch.nn.LSTM(math.prod(self.input), o["output"])
            names = {"weight_hh_l0": "0.weights 1.weights 3.weights 2.weights", "bias_hh_l0": "0.biases 1.biases 3.biases 2.biases",
                     "weight_ih_l0": "4.weights 5.weights 7.weights 6.weights", "bias_ih_l0": "4.biases 5.biases 7.biases 6.biases"}
            own = {name: torch.cat([state[role] for role in roles.split()]) for name, roles in names.items()}
            y, _ = torch.func.functional_call(lstm, own, (x.reshape(self.steps, sequences, -1),))
            return y.reshape(len(x), -1, 1, 1)
        channels = o.get("hidden_filters", o.get("output"))
        h = c = torch.zeros(sequences, channels, *(x.shape[2:] if self.kind == "crnn" else (1, 1)))
        outputs = []
        for x in x.split(sequences):
            if self.kind == "gru":
                z = torch.sigmoid(part(3, x) + part(0, h))
                r = torch.sigmoid(part(4, x) + part(1, h))
                n = (torch.tanh if o.get("tanh") else torch.sigmoid)(part(5, x) + part(2, r * h))
                h = z * h + (1 - z) * n
            elif self.kind == "lstm":
                i, f, g = (torch.sigmoid(part(4 + gate, x) + part(gate, h)) for gate in range(3))
                g, out = torch.tanh(part(7, x) + part(3, h)), g
                c = f * c + i * g
                h = out * torch.tanh(c)
            else:
                h = act(part(0, x)) + act(part(1, h)) + (h if o.get("shortcut") else 0)
            outputs.append(h if self.kind in ("gru", "lstm") else act(part(2, h)))
        return torch.cat(outputs)

    def local_extents(self):
        """Windows down and across; a padded layer without strides keeps the image's size."""
        o, (_, h, w) = self.options, self.input
        missing = 0 if o.get("pad") else o["size"] - 1
        return tuple((extent - 1 - missing) // o.get("stride", 1) + 1 for extent in (h, w))

    def local(self, x, state):
        """A convolution with weights and biases of their own at each position."""
        o, area = self.options, self.local_extents()
        size, before = o["size"], o["size"] // 2 if o.get("pad") else 0
        x = F.pad(x, (before, size, before, size))
        columns = F.unfold(x, size, stride=o.get("stride", 1))
        across = (x.shape[3] - size) // o.get("stride", 1) + 1
        places = torch.tensor([row * across + column for row in range(area[0]) for column in range(area[1])])
        weights = state["weights"].flatten(2)
        return torch.einsum("nkp,pfk->nfp", columns[:, :, places], weights).unflatten(2, area) + state["biases"]

    def normalize(self, x, state, training, part=""):
        """Darknet's: the variance has the divisor N - 1, and epsilon stands outside the root."""
        view = (1, -1, 1, 1)
        if training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=True)
            for role, value in (("rolling_mean", mean), ("rolling_variance", variance)):
                state[part + role] = 0.99 * state[part + role] + 0.01 * value.detach()
        else:
            mean, variance = state[part + "rolling_mean"], state[part + "rolling_variance"]
        # A state of zeros has no variance, whose root has no slope there.
        deviation = torch.where(variance > 0, variance, torch.ones(())).sqrt() * (variance > 0)
        return state[part + "scales"].view(view) * (x - mean.view(view)) / (deviation.view(view) + 1e-6)

    def forward(self, x, state, truth, training, iteration, first_image, earlier):
        """Returns the output, the cost to report, and the loss that is differentiated."""
        o, cost, loss = self.options, None, 0
        if self.learned:
            if self.kind == "convolutional":
                padding = o["size"] // 2 if o.get("pad") else o.get("padding", 0)
                x = F.conv2d(x, state["weights"], stride=o.get("stride", 1), padding=padding, groups=o.get("groups", 1))
            elif self.kind == "connected":
                x = (x.flatten(1) @ state["weights"].T)[:, :, None, None]
            elif self.kind == "local":
                x = self.local(x, state)
            elif self.kind == "deconvolutional":
                padding = o["size"] // 2 if o.get("pad") else o.get("padding", 0)
                x = F.conv_transpose2d(x, state["weights"], stride=o.get("stride", 1), padding=padding)
            if self.normalized:
                x = self.normalize(x, state, training)
            activation = "linear" if self.kind == "batchnorm" else o.get("activation", "logistic")
            biases = 0 if self.kind == "local" else state["biases"].view(1, -1, 1, 1)
            x = ACTIVATIONS[activation](x + biases)
        elif self.kind == "normalization":
            # PyTorch divides alpha by the size; its windows are these where the size is odd.
            size, (alpha, beta, kappa) = o.get("size", 5), (float32(o.get(*k)) for k in (("alpha", 1e-4), ("beta", 0.75), ("kappa", 1)))
            x = F.local_response_norm(x, size, alpha * size, beta, kappa)
        elif self.kind == "l2norm":
            x = F.normalize(x, dim=1)
        elif self.kind == "logistic":
            cost = loss = F.binary_cross_entropy_with_logits(x, truth.reshape(x.shape), reduction="sum")
            x = torch.sigmoid(x)
        elif self.kind == "route":
            groups, group = o.get("groups", 1), o.get("group_id", 0)
            parts = [self.find(int(number), earlier) for number in str(o["layers"]).split(",")]
            parts = [part.chunk(groups, 1)[group] for part in parts]
            if len({part.shape[2:] for part in parts}) > 1:
                parts = [part.reshape(len(part), -1, 1, 1) for part in parts]
            x = torch.cat(parts, 1)
        elif self.kind == "shortcut":
            x = ACTIVATIONS[o.get("activation", "linear")](self.shortcut(x, self.find(o["from"], earlier)))
        elif self.kind == "activation":
            x = ACTIVATIONS[o.get("activation", "linear")](x)
        elif self.kind == "upsample":
            stride = o.get("stride", 2)
            if stride > 0:
                x = F.interpolate(x, scale_factor=stride, mode="nearest")
            else:
                x = F.avg_pool2d(x, -stride) * stride * stride
            x = x * float32(o.get("scale", 1))
        elif self.kind == "reorg":
            x = self.reorg(x)
        elif self.kind == "crop":
            x = self.crop(x, training, iteration, first_image)
            x = x if o.get("noadjust") else 2 * x - 1
        elif self.kind in PARTS:
            x = self.recurrent(x, state, training)
        elif self.kind == "maxpool":
            size, stride = o.get("size", o.get("stride", 1)), o.get("stride", 1)
            padding = o.get("padding", size - 1)
            rows, columns = ((extent + padding - size) // stride + 1 for extent in x.shape[2:])
            # More than enough on the far sides; what the windows do not reach is cut off.
            x = F.pad(x, (padding // 2, size + padding) * 2, value=-math.inf)
            x = F.max_pool2d(x, size, stride)[:, :, :rows, :columns]
        elif self.kind == "avgpool":
            x = x.mean((2, 3), keepdim=True)
        elif self.kind == "dropout":
            if training:
                probability = o.get("probability", 0.5)
                x = x * dropout_mask(x.shape, probability, self.index, iteration, first_image) / (1 - float32(probability))
        elif self.kind == "softmax" and "tree" in o:
            parents, parts, cost = [int(part) for part in o["tree"].split(",")], [], 0
            truth = truth.clone()
            for parent in sorted(set(parents), reverse=True):
                children = [index for index, other in enumerate(parents) if other == parent]
                if parent >= 0:
                    truth[:, parent] = torch.maximum(truth[:, parent], truth[:, children].sum(1))
            for parent in sorted(set(parents)):
                children = [index for index, other in enumerate(parents) if other == parent]
                logits = x.flatten(1)[:, children] / float32(o.get("temperature", 1))
                cost = cost - (truth[:, children] * F.log_softmax(logits, 1)).sum()
                parts.append(F.softmax(logits, 1))
            # Children stand side by side, in the order of their parents.
            parts, loss = list(torch.cat(parts, 1).unbind(1)), cost
            if not training:
                # Each leaf's own probability, and nothing for the others.
                for index, parent in enumerate(parents):
                    parts[index] = parts[index] * (parts[parent] if parent >= 0 else 1)
                parts = [part * (index not in parents) for index, part in enumerate(parts)]
            x = torch.stack(parts, 1).reshape(x.shape)
        elif self.kind == "softmax" and o.get("spatial"):
            logits = x / float32(o.get("temperature", 1))
            cost = loss = -(truth.reshape(x.shape) * F.log_softmax(logits, 1)).sum()
            x = F.softmax(logits, 1)
        elif self.kind == "softmax":
            groups = x.reshape(len(x), o.get("groups", 1), -1) / float32(o.get("temperature", 1))
            if not o.get("noloss"):
                cost = loss = -(truth.reshape(groups.shape) * F.log_softmax(groups, 2)).sum()
            x = F.softmax(groups, 2).reshape(x.shape)
        elif self.kind == "cost":
            cost, loss = self.cost(truth.reshape(x.shape) - x, x, truth.reshape(x.shape))
            loss = loss * float32(o.get("scale", 1))
        return x, cost, loss

    def find(self, number, earlier):
        """What a layer made that is named by its index, or backwards from here; `earlier` begins with the images."""
        return earlier[(number if number >= 0 else self.index + number) + 1]

    def shortcut(self, x, other):
        """The corner that both have; the larger is taken at every so many positions."""
        o, channels = self.options, min(x.shape[1], other.shape[1])
        own, far = max(x.shape[2] // other.shape[2], 1), max(other.shape[2] // x.shape[2], 1)
        height, width = min(x.shape[2], other.shape[2]), min(x.shape[3], other.shape[3])
        target = (slice(None), slice(channels), slice(0, height * own, own), slice(0, width * own, own))
        added = other[:, :channels, : height * far : far, : width * far : far]
        y = x.clone()
        y[target] = float32(o.get("alpha", 1)) * x[target] + float32(o.get("beta", 1)) * added
        return y

    def reorg(self, x):
        o, (n, c, h, w), s = self.options, x.shape, self.options.get("stride", 1)
        if "extra" in o:
            return F.pad(x.flatten(1), (0, o["extra"]))[:, :, None, None]
        if o.get("reverse"):
            shape = (n, c // s**2, h * s, w * s)
            if o.get("flatten"):
                return x.reshape(n, h * w, c).transpose(1, 2).reshape(shape)
            return x.reshape(n, s, s, c // s**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(shape)
        shape = (n, c * s**2, h // s, w // s)
        if o.get("flatten"):
            return x.flatten(2).transpose(1, 2).reshape(shape)
        # Darknet reads the numbers as those of an image s times as wide and high.
        return x.reshape(n, c // s**2, h, s, w, s).permute(0, 3, 5, 1, 2, 4).reshape(shape)

    def crop(self, x, training, iteration, first_image):
        o, (height, width) = self.options, x.shape[2:]
        down, across = height - o["crop_height"], width - o["crop_width"]
        windows = []
        for index, image in enumerate(x):
            top, left, flips = down // 2, across // 2, False
            if training:
                words = philox([first_image + index, 7 << 24, iteration, self.index], [SEED & 0xFFFFFFFF, SEED >> 32])
                top, left = words[0] * (down + 1) >> 32, words[1] * (across + 1) >> 32
                flips = o.get("flip") and words[2] >> 31
            image = image.flip(2) if flips else image
            windows.append(image[:, top : top + o["crop_height"], left : left + o["crop_width"]])
        return torch.stack(windows)

    def cost(self, d, x, t):
        """Darknet differentiates half of its squared errors, and all of the others."""
        form = self.options.get("type", "sse")
        if form == "L1":
            return d.abs().sum(), d.abs().sum()
        if form == "wgan":
            error = torch.where(t > 0, -x, x).sum()
            return error, error
        if form == "smooth":
            error = torch.where(d.abs() < 1, d * d, 2 * d.abs() - 1).sum()
        elif form == "masked":
            error = torch.where(t == -1234, torch.zeros(()), d * d).sum()
        else:
            error = (d * d).sum()
        return error, error / 2


# Networks


class Network:
    def __init__(self, name, net, sections, mini_batch, generator):
        self.name, self.generator, self.mini_batch = name, generator, mini_batch
        steps = net.get("time_steps", 1)
        self.net = {"batch": mini_batch // steps} | net
        self.sections = sections
        self.input = (net["channels"], net["height"], net["width"])
        self.layers, shape = [], self.input
        probes = [torch.zeros((2 * steps, *shape))]
        self.state = []
        for index, (kind, options) in enumerate(sections):
            layer = Layer(index, kind, options, shape, steps)
            self.layers.append(layer)
            self.state.append({role: self.initial(role, extents) for role, extents in layer.tensors().items()})
            truth = torch.zeros((len(probes[0]), math.prod(shape)))
            probes.append(layer.forward(probes[-1], dict(self.state[-1]), truth, False, 0, 0, probes)[0])
            shape = tuple(probes[-1].shape[1:])
            if kind != "cost":
                self.outputs = math.prod(shape)

    def initial(self, role, shape):
        role = role.split(".")[-1]
        if role == "weights":
            return (self.numbers(shape) * 2 / math.sqrt(math.prod(shape[1:]))).float().double()
        if role in ("scales", "rolling_variance"):
            return (self.numbers(shape) * 0.4 + 1).float().double()
        # Wide enough to reach all branches of an activation.
        return (self.numbers(shape) * (6 if self.name.startswith("activation") else 0.5)).float().double()

    def numbers(self, shape):
        """Uniform in (-1, 1), and exact in binary32."""
        values = [self.generator.uniform(-1, 1) for _ in range(math.prod(shape))]
        return torch.tensor(values).reshape(shape).float().double()

    def truth(self, shape):
        kinds = {kind for kind, _ in self.sections}
        form = next((options.get("type") for kind, options in self.sections if kind == "cost"), None)
        if any(options.get("spatial") for _, options in self.sections):
            return self.numbers(shape).abs()
        if "softmax" in kinds:
            groups = next(options.get("groups", 1) for kind, options in self.sections if kind == "softmax")
            truth = torch.zeros(*shape[:-1], groups, shape[-1] // groups)
            for row in truth.reshape(-1, truth.shape[-1]):
                row[self.generator.randrange(len(row))] = 1
            return truth.reshape(shape)
        truth = self.numbers(shape)
        if form == "wgan":
            return (truth > 0).double()
        if "logistic" in kinds:
            return truth.abs()
        if form == "smooth":
            return truth * 2
        if form == "masked":
            truth.reshape(-1)[:: 3] = -1234
        return truth

    def config(self):
        lines = ["[net]", *(f"{key}={value}" for key, value in self.net.items())]
        for kind, options in self.sections:
            lines += ["", f"[{kind}]", *(f"{key}={value}" for key, value in options.items())]
        return "\n".join(lines) + "\n"

    def forward(self, images, truth, training, iteration=0, first_image=0):
        """Returns all outputs, the mean of the costs, and the loss that is differentiated."""
        outputs, costs, loss, x = [], [], 0, images
        stops = max((i for i, layer in enumerate(self.layers) if layer.options.get("stopbackward")), default=-1)
        for layer, state in zip(self.layers, self.state):
            x, cost, part = layer.forward(x, state, truth, training, iteration, first_image, [images, *outputs])
            if layer.index == stops:
                x = x.detach().requires_grad_()
            if training:
                x.requires_grad_(), x.retain_grad()
            outputs.append(x)
            costs += [] if cost is None else [cost]
            loss = loss + part
        return outputs, (sum(costs) / len(costs)).detach() if costs else None, loss

    def predicted(self, outputs):
        return next(x for x, layer in zip(reversed(outputs), reversed(self.layers)) if layer.kind != "cost").flatten(1)

    def learnable(self):
        return [
            (index, role, tensor) for index, state in enumerate(self.state) for role, tensor in state.items()
            if "rolling" not in role
        ]

    def one_pass(self):
        """Inputs, and everything that one training pass and one inference give."""
        images = self.numbers((self.mini_batch, *self.input))
        truth = self.truth((self.mini_batch, self.outputs))
        inputs = {"images": images, "truth": truth}
        inputs |= {f"{i}.{role}": t.clone() for i, state in enumerate(self.state) for role, t in state.items()}
        results = {"inference": self.predicted(self.forward(images, truth, False)[0]).clone()}

        for _, _, tensor in self.learnable():
            tensor.requires_grad_()
        outputs, cost, loss = self.forward(images, truth, True, ITERATION, FIRST_IMAGE)
        loss.backward()
        results["loss"] = cost.reshape(1)
        for index, output in enumerate(outputs):
            # A cost passes its input on.
            if self.layers[index].kind == "cost":
                continue
            results[f"{index}.output"] = output
            if output.grad is not None:
                results[f"{index}.output.gradient"] = -output.grad
        for index, role, tensor in self.learnable():
            results[f"{index}.{role}.gradient"] = torch.zeros_like(tensor) if tensor.grad is None else -tensor.grad
        for index, state in enumerate(self.state):
            results |= {f"{index}.{role}.after": t for role, t in state.items() if "rolling" in role}
        write(self.name, self.config(), inputs, results, ITERATION, FIRST_IMAGE)

    def trajectory(self, steps):
        """Inputs, the losses of some updates, and the state that they end with."""
        subdivisions = self.net.get("subdivisions", 1)
        self.net["batch"] = batch = self.mini_batch * subdivisions
        passes = steps * subdivisions
        images = self.numbers((passes, self.mini_batch, *self.input))
        truth = self.truth((passes, self.mini_batch, self.outputs))
        inputs = {"images": images, "truth": truth}
        inputs |= {f"{i}.{role}": t.clone() for i, state in enumerate(self.state) for role, t in state.items()}
        velocity = {(i, role): torch.zeros_like(tensor) for i, role, tensor in self.learnable()}
        momentum, decay = float32(self.net["momentum"]), float32(self.net["decay"])
        losses, optimizers = [], {}
        for step in range(steps):
            for part in range(subdivisions):
                number = step * subdivisions + part
                for _, _, tensor in self.learnable():
                    tensor.requires_grad_()
                _, cost, loss = self.forward(images[number], truth[number], True, step, part * self.mini_batch)
                loss.backward()
                losses.append(cost)
                for index, role, tensor in self.learnable():
                    velocity[index, role] -= tensor.grad
                    self.state[index][role] = tensor.detach()
            # The rate of update n, from 1, as policy=poly has it.
            rate = float32(self.net["learning_rate"]) * (1 - (step + 1) / self.net["max_batches"]) ** self.net["power"]
            for index, role, tensor in self.learnable():
                scale = rate * float32(self.layers[index].options.get("learning_rate", 1)) / batch
                if self.net.get("adam"):
                    # PyTorch's own, on the sum of the losses: the gradient that it is given is not divided by the batch.
                    if (index, role) not in optimizers:
                        tensor.requires_grad_()
                        optimizers[index, role] = torch.optim.Adam(
                            [tensor], betas=(float32(self.net["B1"]), float32(self.net["B2"])), eps=float32(self.net["eps"]),
                            weight_decay=decay * batch if role == "weights" else 0)
                    optimizer = optimizers[index, role]
                    optimizer.param_groups[0]["lr"] = scale * batch
                    parameter, = optimizer.param_groups[0]["params"]
                    parameter.grad = -velocity[index, role]
                    optimizer.step()
                    self.state[index][role] = parameter.detach().clone()
                    velocity[index, role].zero_()
                    continue
                if role == "weights":
                    velocity[index, role] -= decay * batch * tensor
                tensor += scale * velocity[index, role]
                velocity[index, role] *= momentum
        results = {"losses": torch.stack(losses)}
        results |= {f"{i}.{role}.after": t for i, state in enumerate(self.state) for role, t in state.items()}
        names = {"biases": "bias_momentum", "scales": "scale_momentum", "weights": "weight_momentum"}
        results |= {f"{i}.{names[role]}.after": t for (i, role), t in velocity.items()}
        for (i, role), optimizer in optimizers.items():
            moments, = optimizer.state.values()
            results[f"{i}.{names[role].replace('momentum', 'mean')}.after"] = -moments["exp_avg"]
            results[f"{i}.{names[role].replace('momentum', 'square')}.after"] = moments["exp_avg_sq"]
        write(self.name, self.config(), inputs, results, 0, 0)


def write(name, config, inputs, results, iteration, first_image):
    text = config.encode()
    data = b"PLINFIX1" + struct.pack("<QQQI", SEED, iteration, first_image, len(text)) + text
    data += struct.pack("<I", len(inputs) + len(results))
    for tensors, letter, width in ((inputs, "f", 4), (results, "d", 8)):
        for key, tensor in tensors.items():
            values = tensor.detach().reshape(-1).tolist()
            assert all(map(math.isfinite, values)), (name, key)
            assert width == 8 or all(float32(value) == value for value in values), (name, key)
            data += struct.pack("<B", len(key)) + key.encode() + struct.pack(f"<B{tensor.dim()}I", tensor.dim(), *tensor.shape)
            data += struct.pack(f"<B{len(values)}{letter}", width, *values)
    (FOLDER / f"{name}.fixture").write_bytes(data)


# Cases


def conv(filters, size=3, **options):
    return ("convolutional", {"filters": filters, "size": size, "activation": "linear"} | options)


def connected(output, **options):
    return ("connected", {"output": output, "activation": "linear"} | options)


def image(channels, height, width):
    return {"channels": channels, "height": height, "width": width}


def sequences(steps, *shape):
    return image(*shape) | {"time_steps": steps}


SSE = ("cost", {"type": "sse"})
SOFTMAX = ("softmax", {})
# In front of a layer under test: its weights' gradients show whether that layer hands the right gradient down.
PROBE = conv(2, 1)

CASES = {
    "convolution": (image(2, 4, 3), [PROBE, conv(3, pad=1, activation="leaky"), SSE], 9),
    "convolution-stride": (image(2, 8, 7), [PROBE, conv(3, stride=2, pad=1, activation="relu"), SSE], 2),
    "convolution-large": (image(1, 9, 9), [PROBE, conv(2, 5, stride=3, padding=1, activation="logistic"), SSE], 2),
    "convolution-unpadded": (image(2, 5, 6), [PROBE, conv(5, activation="elu"), SSE], 3),
    "convolution-groups": (image(2, 4, 5), [conv(4, 1), conv(6, pad=1, groups=2, activation="tanh"), SSE], 3),
    "convolution-depthwise": (image(2, 4, 4), [conv(4, 1), conv(4, pad=1, groups=4, batch_normalize=1, activation="leaky"), SSE], 3),
    "convolution-pointwise-stride": (image(2, 5, 5), [PROBE, conv(4, 1, stride=2, activation="leaky"), SSE], 3),
    "convolution-pointwise-padding": (image(2, 3, 3), [PROBE, conv(2, 1, padding=1, activation="loggy"), SSE], 3),
    "convolution-normalized": (image(2, 4, 3), [PROBE, conv(4, pad=1, batch_normalize=1, activation="leaky"), SSE], 9),
    "convolution-normalized-stride": (image(2, 7, 7), [PROBE, conv(3, stride=2, pad=1, batch_normalize=1, activation="tanh"), SSE], 2),
    "convolution-wide": (image(2, 3, 3), [conv(17, pad=1, batch_normalize=1, activation="leaky"), conv(3, 1), SSE], 2),
    "connected": (image(2, 3, 3), [PROBE, connected(5, activation="leaky"), connected(4), SSE], 9),
    "connected-normalized": (image(2, 3, 3), [PROBE, connected(5, batch_normalize=1, activation="leaky"), connected(3), SSE], 5),
    "batchnorm": (image(2, 3, 4), [PROBE, ("batchnorm", {}), conv(2, activation="tanh"), SSE], 9),
    "local": (image(2, 5, 4), [PROBE, ("local", {"filters": 3, "size": 3, "pad": 1, "activation": "leaky"}), SSE], 9),
    "local-stride": (image(2, 6, 7), [PROBE, ("local", {"filters": 2, "size": 2, "stride": 2, "pad": 1, "activation": "tanh"}), SSE], 2),
    "local-unpadded": (image(2, 5, 6), [PROBE, ("local", {"filters": 2, "size": 3, "stride": 2, "activation": "linear"}), SSE], 3),
    "deconvolution": (image(2, 3, 4), [PROBE, ("deconvolutional", {"filters": 3, "size": 3, "stride": 2, "pad": 1, "activation": "leaky"}), SSE], 9),
    "deconvolution-normalized": (
        image(2, 3, 2), [PROBE, ("deconvolutional", {"filters": 5, "size": 4, "stride": 2, "padding": 1, "batch_normalize": 1, "activation": "tanh"}), SSE], 3),
    "deconvolution-gaps": (image(2, 2, 3), [PROBE, ("deconvolutional", {"filters": 2, "size": 2, "stride": 3, "activation": "linear"}), SSE], 2),
    "normalization": (image(2, 3, 3), [conv(7, 1), ("normalization", {"alpha": 0.1}), SSE], 3),
    "normalization-wide": (image(2, 2, 3), [conv(4, 1), ("normalization", {"size": 9, "alpha": 0.5, "beta": 2, "kappa": 0.5}), SSE], 9),
    "l2norm": (image(2, 3, 3), [conv(5, 1), ("l2norm", {}), SSE], 9),
    "logistic": (image(2, 3, 3), [PROBE, connected(5), ("logistic", {})], 9),
    "logistic-and-cost": (image(2, 2, 2), [PROBE, ("logistic", {}), ("cost", {"type": "sse", "scale": 0.5})], 3),
    "maxpool": (image(2, 5, 5), [PROBE, ("maxpool", {"size": 2, "stride": 2}), SSE], 3),
    "maxpool-unpadded": (image(2, 5, 5), [PROBE, ("maxpool", {"size": 2, "stride": 2, "padding": 0}), SSE], 3),
    "maxpool-overlapping": (image(2, 6, 5), [PROBE, ("maxpool", {"size": 3, "stride": 2}), SSE], 3),
    "maxpool-same-size": (image(1, 4, 5), [PROBE, ("maxpool", {"size": 2, "stride": 1}), SSE], 2),
    "maxpool-gaps": (image(1, 7, 8), [PROBE, ("maxpool", {"size": 2, "stride": 3, "padding": 0}), SSE], 2),
    "avgpool": (image(2, 4, 3), [PROBE, ("avgpool", {}), SSE], 3),
    "dropout": (image(2, 4, 3), [PROBE, ("dropout", {"probability": 0.3}), conv(3, pad=1), SSE], 3),
    "dropout-of-curve": (image(2, 3, 3), [conv(3, 1, activation="tanh"), ("dropout", {}), connected(4), SSE], 3),
    "softmax": (image(2, 3, 3), [PROBE, connected(5), SOFTMAX], 9),
    "softmax-groups": (image(2, 2, 2), [PROBE, connected(6), ("softmax", {"groups": 2, "temperature": 2})], 3),
    "softmax-spatial": (image(2, 3, 2), [conv(4, 1), ("softmax", {"spatial": 1, "temperature": 2})], 9),
    "softmax-tree": (image(2, 2, 2), [PROBE, connected(7), ("softmax", {"tree": "-1,-1,0,0,0,2,2", "temperature": 0.5})], 9),
    "softmax-image": (image(2, 2, 2), [PROBE, SOFTMAX], 3),
    "softmax-without-loss": (image(2, 2, 2), [PROBE, connected(5), ("softmax", {"noloss": 1}), SSE], 3),
    "softmax-and-cost": (image(2, 2, 2), [PROBE, connected(5), SOFTMAX, ("cost", {"type": "sse", "scale": 0.5})], 3),
    "stop-backward": (image(2, 4, 4), [PROBE, conv(3, stopbackward=1), conv(2, pad=1, activation="leaky"), connected(3), SOFTMAX], 3),
    "route": (
        image(2, 4, 4),
        [PROBE, conv(3, pad=1), ("route", {"layers": "-1,0,1"}), conv(2, 1), ("route", {"layers": "-1,-5,2"}), connected(3), SSE], 3),
    "route-groups": (
        image(2, 4, 4),
        [conv(4, 1), ("route", {"layers": -1, "groups": 2, "group_id": 1}), conv(2, 1), ("route", {"layers": "-1,0"}), conv(2), SSE], 9),
    "route-of-sizes": (
        image(2, 4, 4), [PROBE, ("maxpool", {"size": 2, "stride": 2}), ("route", {"layers": "0,-1"}), connected(3), SOFTMAX], 3),
    "shortcut": (
        image(2, 4, 3),
        [PROBE, conv(2, pad=1, batch_normalize=1), ("shortcut", {"from": 0, "activation": "leaky"}), conv(2, 1), SSE], 9),
    "shortcut-downward": (
        image(2, 6, 4),
        [conv(5, 1), ("maxpool", {"size": 2, "stride": 2, "padding": 0}), conv(3, 1),
         ("shortcut", {"from": 0, "alpha": 0.5, "beta": 2, "activation": "tanh"}), conv(2, 1), SSE], 3),
    "shortcut-upward": (
        image(2, 6, 4),
        [conv(3, 1), conv(5, 2, stride=2, activation="tanh"), ("route", {"layers": 0}),
         ("shortcut", {"from": 1, "alpha": 0.5, "beta": 2}), conv(2, 1), SSE], 3),
    "activation": (image(2, 3, 3), [PROBE, ("activation", {"activation": "elu"}), conv(2, 1), SSE], 3),
    "upsample": (image(2, 3, 2), [PROBE, ("upsample", {"stride": 3, "scale": 0.5}), conv(2, pad=1), SSE], 3),
    "upsample-downward": (image(2, 4, 6), [PROBE, ("upsample", {"stride": -2, "scale": 0.5}), conv(2, 1), SSE], 3),
    "reorg": (image(2, 4, 6), [conv(8, 1), ("reorg", {"stride": 2}), conv(2, 1), SSE], 3),
    "reorg-reverse": (image(2, 2, 3), [conv(8, 1), ("reorg", {"stride": 2, "reverse": 1}), conv(2, pad=1), SSE], 3),
    "reorg-flatten": (
        image(2, 2, 3), [conv(3, 1), ("reorg", {"flatten": 1}), conv(4, 1), ("reorg", {"flatten": 1, "reverse": 1}), conv(2, 1), SSE], 3),
    "reorg-extra": (image(2, 2, 3), [conv(3, 1), ("reorg", {"extra": 4}), connected(3), SSE], 3),
    "crop": (
        image(2, 6, 5), [PROBE, ("crop", {"crop_height": 3, "crop_width": 4, "flip": 1}), conv(3), SSE], 11),
    "crop-unadjusted": (
        image(2, 5, 5), [PROBE, ("crop", {"crop_height": 2, "crop_width": 2, "noadjust": 1}), conv(3, 1), SSE], 3),
    "network": (
        image(1, 7, 6),
        [
            conv(3, pad=1, batch_normalize=1, activation="leaky"), ("maxpool", {"size": 2, "stride": 2}),
            conv(5, pad=1, batch_normalize=1, activation="leaky"), ("dropout", {"probability": 0.5}),
            conv(4, 1, activation="leaky"), ("avgpool", {}), SOFTMAX,
        ], 5),
}
CASES |= {
    "recurrent-rnn": (sequences(3, 2, 1, 2), [PROBE, ("rnn", {"output": 5, "activation": "tanh"}), connected(3), SSE], 9),
    "recurrent-rnn-shortcut": (sequences(4, 1, 1, 3), [PROBE, ("rnn", {"output": 3, "activation": "leaky", "shortcut": 1, "batch_normalize": 1}), SSE], 20),
    "recurrent-gru": (sequences(3, 2, 1, 2), [PROBE, ("gru", {"output": 5}), connected(3), SSE], 9),
    "recurrent-gru-tanh": (sequences(3, 2, 1, 2), [PROBE, ("gru", {"output": 3, "tanh": 1, "batch_normalize": 1}), SSE], 12),
    "recurrent-lstm": (sequences(4, 2, 1, 2), [PROBE, ("lstm", {"output": 5}), connected(3), SSE], 12),
    "recurrent-lstm-normalized": (sequences(2, 2, 1, 2), [PROBE, ("lstm", {"output": 3, "batch_normalize": 1}), SSE], 8),
    "recurrent-crnn": (
        sequences(3, 2, 3, 4), [PROBE, ("crnn", {"output_filters": 2, "hidden_filters": 3, "activation": "tanh", "shortcut": 1}), SSE], 6),
}
for form in ("masked", "L1", "smooth", "seg", "wgan"):
    CASES[f"cost-{form}"] = (image(2, 2, 2), [PROBE, connected(5), ("cost", {"type": form, "scale": 1.5})], 3)
for activation in ACTIVATIONS:
    CASES[f"activation-{activation}"] = (image(1, 2, 2), [connected(4), connected(9, activation=activation), connected(3), SSE], 3)

TRAINING = {"learning_rate": 0.2, "momentum": 0.9, "decay": 0.01, "policy": "poly", "power": 2, "max_batches": 10}
TRAJECTORIES = {
    "trajectory": (image(1, 6, 6) | TRAINING, [
        conv(4, pad=1, batch_normalize=1, activation="leaky"), ("maxpool", {"size": 2, "stride": 2}),
        conv(6, activation="leaky", learning_rate=0.5), connected(4), SOFTMAX,
    ], 4),
    "trajectory-subdivisions": (image(1, 5, 5) | TRAINING | {"subdivisions": 2}, [
        conv(4, pad=1, batch_normalize=1, activation="leaky"), ("dropout", {"probability": 0.25}),
        connected(6, batch_normalize=1, activation="tanh"), connected(3, activation="leaky"), SOFTMAX,
    ], 3),
    "trajectory-adam": (image(1, 5, 5) | TRAINING | {"learning_rate": 0.05, "subdivisions": 2, "adam": 1, "B1": 0.8, "B2": 0.99, "eps": 0.001}, [
        conv(4, pad=1, batch_normalize=1, activation="leaky", learning_rate=0.5), conv(3, activation="tanh"),
        connected(4), SOFTMAX,
    ], 3),
}


def main():
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.fixture"):
        file.unlink()
    for name, (net, sections, mini_batch) in CASES.items():
        Network(name, net, sections, mini_batch, random.Random(name)).one_pass()
    for name, (net, sections, mini_batch) in TRAJECTORIES.items():
        Network(name, net, sections, mini_batch, random.Random(name)).trajectory(5)
    files = list(FOLDER.glob("*.fixture"))
    print(f"{len(files)} fixtures, {sum(file.stat().st_size for file in files)} bytes")


if __name__ == "__main__":
    main()
