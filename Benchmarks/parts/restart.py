"""From the start of the program to the first iteration after a kill, by size of the data set."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from contest import ROOT, hold, median, publish, significant

RECORDS = [1_000, 10_000, 100_000]


def resume(setting, data):
    """Kills a run, and returns how long the same command takes until its first iteration begins."""
    config = ROOT / "configs/mnist.cfg"
    with tempfile.TemporaryDirectory(prefix="plinius-bench-", dir="/dev/shm") as folder:
        pool, log = pathlib.Path(folder) / "bench.pool", pathlib.Path(folder) / "events"
        command = list(map(str, setting.train(config, data, pool, "--threads", setting.threads, "--events", log)))

        def iterations():
            lines = log.read_text().splitlines() if log.exists() else []
            return [event for event in map(json.loads, lines) if event["event"] == "iteration"]

        def start():
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

        def wait_for(count):
            while len(iterations()) < count:
                time.sleep(0.01)

        first = start()
        wait_for(2)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        before = len(iterations())
        started = time.time()
        second = start()
        wait_for(before + 1)
        os.killpg(second.pid, signal.SIGKILL)
        second.wait()
        event = iterations()[before]
        return {"milliseconds": 1000 * (event["time"] - started) - event["iterationMilliseconds"]}


def measure(setting):
    data = {count: setting.digits(count) for count in RECORDS}
    results = hold([(f"{count:,}", lambda file=file: resume(setting, file)) for count, file in data.items()], setting.rounds)
    publish(
        setting, "restart", ["records", "milliseconds to the first iteration"],
        [[name, significant(median(runs, "milliseconds"))] for name, runs in results.items()])
