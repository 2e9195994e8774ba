"""A training iteration with everything on, beside PyTorch's plain one."""

import pathlib
import tempfile

from contest import ROOT, hold, median, publish, ratio, result_of, significant

NETWORKS = {"MNIST": ("configs/mnist.cfg", "digits"), "CIFAR-10, ResNet-18-like": ("configs/cifar-resnet18.cfg", "pictures")}
PEERS = {"eager": "PyTorch, fp32, eager", "channels-last": "PyTorch, channels last", "compiled": "PyTorch, compiled", "bf16": "PyTorch, bf16"}


def measure(setting):
    rows = []
    for network, (config, data) in NETWORKS.items():
        config, data = ROOT / config, getattr(setting, data)()
        # A slow iteration needs fewer of them for the same median.
        few = max(5, setting.iterations // 3)

        def plinius(executor, folder, iterations):
            def work():
                with tempfile.TemporaryDirectory(prefix="plinius-bench-", dir=folder) as pools:
                    return result_of(setting.train(
                        config, data, pathlib.Path(pools) / "bench.pool", "--executor", executor, "--threads", setting.threads,
                        "--iterations", iterations))
            return work

        def torch(variant):
            return lambda: result_of(setting.peer(
                "train", "--config", config, "--threads", setting.threads, "--variant", variant,
                "--iterations", setting.iterations if network == "MNIST" else few))

        folders = setting.folders()
        contestants = [(name, torch(variant)) for variant, name in PEERS.items()]
        if network == "MNIST":
            contestants += [(f"Plinius, oneDNN, pool {where}", plinius("onednn", folder, setting.iterations)) for where, folder in folders.items()]
            contestants.append(("Plinius, reference, pool in memory", plinius("reference", folders["in memory"], few)))
        else:
            contestants.append(("Plinius, oneDNN, pool in memory", plinius("onednn", folders["in memory"], few)))
        results = hold(contestants, setting.rounds)
        plain = results[PEERS["eager"]]
        for name, runs in results.items():
            iteration = median(runs, "iterationMilliseconds", "median")
            row = [
                network, name, significant(iteration), f"{ratio(runs, plain, 'iterationMilliseconds', 'median'):.2f}",
                significant(median(runs, "iterationMilliseconds", "p95")), f"{median(runs, 'peakMiB'):.0f}",
                f"{ratio(runs, plain, 'peakMiB'):.2f}",
            ]
            for part in ("mirrorMilliseconds", "batchMilliseconds"):
                row.append(f"{100 * median(runs, part, 'median') / iteration:.2f}" if part in runs[0] else "")
            rows.append(row)
    publish(
        setting, "iteration", ["network", "program", "iteration, ms", "× PyTorch", "95th percentile, ms", "peak memory, MiB", "peak memory, × PyTorch", "mirror, %", "batch, %"],
        rows)
