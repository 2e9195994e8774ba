"""Where an iteration of training spends its time, and how near each kernel comes to what the machine can do at most.

Operations and bytes are counted from shapes: each tensor is read or written once, and a convolution by Winograd counts as the direct one
that it replaces. The ceilings are measured in the same turns.
"""

import dataclasses
import itertools
import pathlib
import re
import statistics

from contest import EVALUATION, ROOT, hold, keep, median, result_of, run, significant, table
from page import write
from plot import grid, roofline_plot

NETWORKS = {"MNIST": ("configs/mnist.cfg", "digits", 20), "CIFAR-10, ResNet-18-like": ("configs/cifar-resnet18.cfg", "pictures", 6)}
# As the host starts an enclave.
THREADS = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0", "OMP_DYNAMIC": "false"}

# A letter for each kernel, so that the calls of a pass are a word and a network is a pattern.
LETTERS = {
    "forward_training": "f", "backward_data": "i", "backward_weights": "w", "reorder": "r", "statistics": "s", "normalize": "n",
    "normalize_sums": "S", "normalize_backward": "N", "bend": "b", "bend_backward": "B", "curve_forward": "k", "curve_backward": "K",
    "combine": "c", "copy_rows": "y", "channel_sums": "u", "maxpool": "p", "maxpool_backward": "P", "avgpool": "a",
    "avgpool_backward": "A", "dropout": "d", "descend": "D", "adapt": "D", "clamp": "x",
}
# Weights are packed right before they are used: the reorder before an f or an i. TENSORS is how many a layer learns.
LEARNED = {"forward": "r?r?f(?:sn|b)k?", "backward": "K?(?:SN|Bu)w[rc](?:r?i)?c?r?c?", "update": "(?:Dx?){TENSORS}r*"}
# What a layer calls in each pass; a sum of deltas (c) may follow where several layers read one.
PATTERNS = {
    "convolutional": LEARNED,
    "connected": LEARNED,
    "maxpool": {"forward": "p", "backward": "Pc?"},
    "avgpool": {"forward": "a", "backward": "Ac?"},
    "dropout": {"forward": "d", "backward": "dc?"},
    "route": {"forward": "r*y+", "backward": "y*r*"},
    "shortcut": {"forward": "r?cbk?", "backward": "K?Bc*r?c?"},
    "activation": {"forward": "cbk?", "backward": "K?Bc*"},
    "softmax": {"forward": "r?", "backward": "r?c?"},
}
WINOGRAD = "convolution by Winograd"
LAYOUT, SOLVER, REST = "changes of layout, sums of gradients", "solver, packing of weights", "all else"
WORK = [
    *(f"Winograd, {pass_}" for pass_ in ("forward", "backward to data", "backward to weights")),
    "other convolutions", *(f"batch norm and activation, {pass_}" for pass_ in ("forward", "backward")),
    "pools, shortcuts, dropout", LAYOUT, SOLVER, REST, "opening the batch", "mirror",
]


@dataclasses.dataclass
class Call:
    """One kernel of one iteration; the time is in milliseconds."""
    letter: str
    name: str
    code: str
    problem: str
    operations: float
    bytes: float
    time: float
    # Found later: which layer it is of, in which pass, and what a reader calls it.
    layer: str = ""
    direction: str = ""
    work: str = ""


@dataclasses.dataclass
class Phase:
    """A part of an iteration; `rest` is the time that no kernel of it claims."""
    name: str
    bytes: float
    time: float
    rest: float
    calls: list


def primitive(kind, code, direction, attributes, algorithm, problem, time):
    """A call of oneDNN, from its verbose line."""
    letter = LETTERS[kind if kind == "reorder" else direction]
    if kind == "reorder":
        adds = "sum" in attributes
        count = 1
        for extent in problem.split("x"):
            count *= int(extent)
        return Call(letter, "reorder", code, problem, count if adds else 0, 4 * count * (3 if adds else 2), time)
    size = {key: int(value) for key, value in re.findall(r"([a-z]+)(\d+)", problem)}
    get = lambda *keys: [size.get(key, 1) for key in keys]  # noqa: E731
    (images, inputs, outputs, groups), (height, width) = get("mb", "ic", "oc", "g"), get("kh", "kw")
    (in_height, in_width), (out_height, out_width) = get("ih", "iw"), get("oh", "ow")
    if kind == "inner_product":
        inputs, in_height, in_width = inputs * in_height * in_width, 1, 1
    weights = outputs * inputs // groups * height * width
    floats = images * inputs * in_height * in_width + weights + images * outputs * out_height * out_width
    return Call(
        letter, WINOGRAD if "winograd" in algorithm else kind, code, problem, 2 * images * out_height * out_width * weights, 4 * floats,
        time, direction={"f": "forward", "i": "backward to data", "w": "backward to weights"}[letter])


def phases_of(text):
    """The phases of a run, each with its calls."""
    phases, calls = [], []
    for line in text.splitlines():
        fields = line.split(",")
        if fields[0] == "kernel":
            calls.append(Call(LETTERS[fields[1]], fields[1], "", "", *map(float, fields[2:])))
        elif fields[0] == "phase":
            time = float(fields[3])
            phases.append(Phase(fields[1], float(fields[2]), time, time - sum(call.time for call in calls), calls))
            calls = []
        elif fields[0] == "onednn_verbose" and "exec" in fields:
            _, kind, code, direction, _, attributes, algorithm, problem, time = fields[fields.index("exec") + 1:]
            calls.append(primitive(kind, code, direction, attributes, algorithm, problem, float(time)))
    return phases


def profile_of(texts):
    """The phases of one iteration, every time the median over all iterations of all runs."""
    passes = {}
    for text in texts:
        phases = phases_of(text)
        names = list(dict.fromkeys(phase.name for phase in phases))
        # The first two iterations warm up.
        for phase in phases[2 * len(names):]:
            passes.setdefault(phase.name, []).append(phase)
    for phases in passes.values():
        calls = [[call.name for call in phase.calls] for phase in phases]
        if any(other != calls[0] for other in calls):
            raise SystemExit(f"roofline: two iterations differ in their calls of {phases[0].name}")

    def medians(same, *fields):
        return {field: statistics.median(getattr(one, field) for one in same) for field in fields}

    def middle(phases):
        calls = [dataclasses.replace(same[0], **medians(same, "time")) for same in zip(*(phase.calls for phase in phases))]
        return dataclasses.replace(phases[0], calls=calls, **medians(phases, "time", "rest"))

    return {name: middle(phases) for name, phases in passes.items()}


def layers_of(config):
    """The names of a configuration's layers, and how many tensors each learns if it learns any: scales where it normalises."""
    sections = re.findall(r"^\[(\w+)\]([^\[]*)", config.read_text(), re.MULTILINE)[1:]
    return [(name, 3 if re.search(r"^batch_normalize *= *1", body, re.MULTILINE) else 2) for name, body in sections]


def attribute(profile, layers):
    """Tells each call of a profile which layer it is of, and what kind of work it is."""
    for name in ("forward", "backward", "update"):
        calls = profile[name].calls
        word = "".join(call.letter for call in calls)
        order = list(enumerate(layers))[:: -1 if name == "backward" else 1]
        pattern = "".join(
            f"({PATTERNS[layer].get(name, '').replace('TENSORS', str(tensors))})" for _, (layer, tensors) in order)
        found = re.fullmatch(pattern + "(r*)", word)
        if not found:
            raise SystemExit(f"roofline: the calls of {name} are not those of the layers, as parts/roofline.py knows them: {word}")
        for group in range(1, len(order) + 2):
            # What follows the last layer brings predictions into rows.
            index, (layer, _) = order[min(group, len(order)) - 1]
            own = calls[found.start(group):found.end(group)]
            for call, after in itertools.zip_longest(own, own[1:]):
                call.layer, call.direction = f"{index} {layer}", call.direction or name
                packs = PATTERNS[layer] is LEARNED and call.letter == "r" and after and after.letter in "fi"
                call.work = SOLVER if packs else work_of(call, layer, name)


def work_of(call, layer, phase):
    if phase == "update":
        return SOLVER
    if call.letter == "r" or call.letter == "c" and PATTERNS[layer] is LEARNED:
        return LAYOUT
    if call.letter in "fiw":
        return f"Winograd, {call.direction}" if call.name == WINOGRAD else "other convolutions"
    return f"batch norm and activation, {phase}" if PATTERNS[layer] is LEARNED else "pools, shortcuts, dropout"


def everything(profile):
    """All calls of an iteration, the time that no kernel claims, batch and mirror."""
    inside = [phase for name, phase in profile.items() if name not in ("batch", "mirror")]
    calls = [call for phase in inside for call in phase.calls]
    rest = sum(phase.rest for phase in inside)
    return calls + [
        Call("", REST, "", "", 0, 0, rest, work=REST),
        *(Call("", name, "AES-256-GCM", "", 0, profile[name].bytes, profile[name].time, work=work)
          for name, work in (("batch", "opening the batch"), ("mirror", "mirror"))),
    ]


def last_cache():
    """The bytes of the last cache that a core has."""
    caches = sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    sizes = {int((cache / "level").read_text()): int((cache / "size").read_text().strip().removesuffix("K")) for cache in caches}
    if not sizes:
        raise SystemExit("roofline: the system does not say how large the last cache is")
    return sizes[max(sizes)] << 10


class Ceilings:
    """The best of all rounds."""

    def __init__(self, results, cache):
        self.results, self.cache_bytes = results, cache
        self.arithmetic = self.best("arithmetic")
        self.cache = max(self.best("cacheTriad"), self.best("cacheReading"))
        self.memory = max(self.best("memoryTriad"), self.best("memoryReading"))

    def best(self, key):
        return max(result[key] for result in self.results)

    def least(self, call):
        """The ceiling that holds a call back most, and the milliseconds that it takes there."""
        if call.work == "opening the batch":
            return "AES-GCM, one core", 1e-6 * call.bytes / self.best("cacheSealingCore")
        if call.work == "mirror":
            # The arena and what is sealed of it.
            place = "cache" if 2 * call.bytes <= self.cache_bytes else "memory"
            return "AES-GCM", 1e-6 * call.bytes / self.best(f"{place}Sealing")
        if not call.bytes:
            return "", 0
        bandwidth = ("cache", self.cache) if call.bytes <= self.cache_bytes else ("memory", self.memory)
        return max(
            ("arithmetic", 1e-6 * call.operations / self.arithmetic), (bandwidth[0], 1e-6 * call.bytes / bandwidth[1]),
            key=lambda limit: limit[1])

    def rows(self, threads):
        places = {"cache": f"in the last cache ({self.cache_bytes / 2**20:.0f} MiB)", "memory": "in memory"}
        rows = [[f"multiplications and additions, fp32, {self.results[0]['instructions']}, threads: {threads}", "arithmetic", "GFLOP/s"]]
        for place, words in places.items():
            rows += [
                [f"reading a tensor {words}, threads: {threads}", f"{place}Reading", "GB/s"],
                [f"a = b + x c on tensors {words}, threads: {threads}", f"{place}Triad", "GB/s"],
                [f"AES-256-GCM of chunks {words}, one thread", f"{place}SealingCore", "GB/s"],
                [f"AES-256-GCM of chunks {words}, threads: {threads}", f"{place}Sealing", "GB/s"],
            ]
        return [[name, significant(self.best(key)), unit] for name, key, unit in rows]


def summary(calls, ceilings, total):
    """Cells that say how much calls took, how fast they were, and what holds them back."""
    time, operations, size = (sum(getattr(call, field) for call in calls) for field in ("time", "operations", "bytes"))
    limits = {}
    for call in calls:
        name, least = ceilings.least(call)
        limits[name] = limits.get(name, 0) + least
    share = 100 * sum(limits.values()) / time
    return [
        significant(time), f"{100 * time / total:.1f}", significant(operations / size) if operations else "",
        significant(1e-6 * operations / time) if operations else "", significant(1e-6 * size / time) if size else "",
        max(limits, key=limits.get), f"{share:.0f}" if share else ""]


CELLS = ["ms", "% of the iteration", "FLOP a byte", "GFLOP/s", "GB/s", "ceiling", "% of it"]


def measure(setting):
    cache = last_cache()
    programs = {name: setting.programs / name for name in ("ceilings", "profile")}

    def profile(config, data, iterations):
        def work():
            text, _ = run(
                [programs["profile"], "--config", config, "--data", data, "--key", setting.key, "--folder", "/dev/shm", "--threads",
                 setting.threads, "--iterations", iterations], ONEDNN_VERBOSE="1", **THREADS)
            return {"text": text}
        return work

    results = hold(
        [("ceilings", lambda: result_of([programs["ceilings"], "--cache", cache, "--threads", setting.threads])),
         *((name, profile(ROOT / config, getattr(setting, data)(1_000), iterations))
           for name, (config, data, iterations) in NETWORKS.items())], setting.rounds)
    ceilings = Ceilings(results["ceilings"], cache)
    rows, whole, plots = [], [], []
    for network, (config, _, _) in NETWORKS.items():
        found = profile_of(result["text"] for result in results[network])
        attribute(found, layers_of(ROOT / config))
        calls = everything(found)
        total = sum(call.time for call in calls)
        points = []
        for work in WORK:
            if kind := [call for call in calls if call.work == work]:
                rows.append([network, work, *summary(kind, ceilings, total)])
                time, operations, size = (sum(getattr(call, field) for call in kind) for field in ("time", "operations", "bytes"))
                if operations:
                    points.append((work, operations / size, 1e-6 * operations / time))
        whole += [
            [network, call.layer, call.direction, call.name, call.code, call.problem, int(call.operations), int(call.bytes),
             *summary([call], ceilings, total)] for call in calls
        ]
        plots.append(roofline_plot(
            f"{network}: 10⁹ operations a second", "operations a byte", ceilings.arithmetic,
            [("last cache", ceilings.cache), ("memory", ceilings.memory)], points))
    keep("roofline", ["network", "layer", "pass", "kernel", "code", "problem", "operations", "bytes", *CELLS], whole)
    keep("ceilings", ["ceiling", "rate", "unit"], ceilings.rows(setting.threads))
    write("roofline", [
        setting.circumstances("roofline"), "", *table(["ceiling", "rate", "unit"], ceilings.rows(setting.threads)), "",
        *table(["network", "work", *CELLS], rows), "",
        "Each layer and pass: [`roofline.csv`](evaluation/roofline.csv); the kinds of work under their roofs: "
        "[`roofline.svg`](evaluation/roofline.svg)."])
    (EVALUATION / "roofline.svg").write_text(grid(plots, 2))
