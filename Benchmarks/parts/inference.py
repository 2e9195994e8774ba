"""Images a second through the trained network: opened, predicted and counted, beside PyTorch's forward pass alone."""

import pathlib
import tempfile

from contest import ROOT, hold, median, publish, ratio, result_of, significant

BATCHES = {1: 500, 32: 1_600, 1000: 3_000}


def measure(setting):
    config = ROOT / "configs/mnist.cfg"
    with tempfile.TemporaryDirectory(prefix="plinius-bench-", dir="/dev/shm") as folder:
        pool = pathlib.Path(folder) / "bench.pool"
        result_of(setting.train(config, setting.digits(), pool, "--threads", setting.threads, "--iterations", 2))
        rows = []
        for batch, images in BATCHES.items():
            def plinius(executor):
                return lambda: result_of([
                    setting.programs / "plinius", "test", "--config", config, "--data", setting.digits(images), "--pool", pool,
                    "--insecure-local-key", setting.key, "--threads", setting.threads, "--executor", executor, "--batch", batch, "--json"])

            def torch(variant):
                return lambda: result_of(setting.peer(
                    "infer", "--config", config, "--threads", setting.threads, "--batch", batch, "--images", images, "--variant", variant))

            results = hold(
                [("PyTorch, fp32, eager", torch("eager")), ("PyTorch, channels last", torch("channels-last")),
                 ("Plinius, oneDNN", plinius("onednn")), ("Plinius, reference", plinius("reference"))], setting.rounds)
            plain = results["PyTorch, fp32, eager"]
            rows += [
                [name, batch, significant(median(runs, "imagesPerSecond")), f"{ratio(runs, plain, 'imagesPerSecond'):.2f}"]
                for name, runs in results.items()
            ]
    publish(setting, "inference", ["program", "images a pass", "images a second", "× PyTorch"], rows)
