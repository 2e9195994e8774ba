"""Contests between programs: each runs once a round, in turns, and what counts is the ratio to the peer of the same rounds."""

import csv
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile

from page import ROOT, circumstances, output_of, significant, write

EVALUATION = ROOT / "docs/evaluation"
PEER = ROOT / "Benchmarks/Peers/pytorch_peer.py"
# What each figure is to reach, by the plan of the house; a multiple of the peer's, or a number with its unit.
CORES = len(os.sched_getaffinity(0))


def prepare_python():
    """The interpreter of a virtual environment that has PyTorch."""
    folder = ROOT / ".venv"
    python = folder / "bin/python"
    requirements = ROOT / "Benchmarks/requirements.txt"
    stamp = folder / "requirements-installed.txt"
    if not (stamp.exists() and stamp.read_text() == requirements.read_text()):
        print("installing PyTorch into .venv", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], check=True)
        stamp.write_text(requirements.read_text())
    return python


class Setting:
    """What all parts share: programs, threads, rounds, sealed data, folders of both kinds."""

    def __init__(self, options, work):
        self.programs, self.threads, self.rounds, self.iterations = options.programs, options.threads, options.rounds, options.iterations
        self.python = prepare_python()
        self.work = work
        self.key = work / "owner.key"
        self.owner("keygen", "--out", self.key)
        self.load = os.getloadavg()[0]

    # Beside the checkout's own files lies the disk, because the system's temporary folder may lie in memory.
    def folders(self):
        return {"in memory": "/dev/shm", "on disk": str(self.work)}

    def owner(self, *arguments):
        return output_of(self.programs / "plinius-owner", *arguments)

    def seal(self, name, *arguments):
        path = self.work / f"{name}.sealed"
        if not path.exists():
            self.owner("seal", "--key", self.key, "--out", path, *arguments)
        return path

    def digits(self, count=10_000):
        return self.seal(f"digits-{count}", "--format", "synthetic-digits", "--count", str(count), "--seed", "1")

    def pictures(self, count=10_000):
        return self.seal(
            f"pictures-{count}", "--format", "synthetic-shapes", "--count", str(count), "--side", "32", "--channels", "3", "--seed", "1")

    def train(self, config, data, pool, *arguments):
        return [
            self.programs / "plinius", "train", "--config", config, "--data", data, "--pool", pool, "--insecure-local-key", self.key,
            "--json", *arguments,
        ]

    def peer(self, work, *arguments):
        return [self.python, PEER, work, *arguments]

    def circumstances(self, part):
        return circumstances(f"{self.threads} of {CORES} cores", self.load, f"make bench PARTS={part}")


def run(command, **variables):
    """What a program prints, and the peak of its memory, and of its children's, in MiB."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=errors, cwd=ROOT, env={**os.environ, **variables})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), errors.seek(0)
        if process.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{errors.read().decode()}")
        return out.read().decode(), usage.ru_maxrss / 1024


def result_of(command):
    """Runs a program that prints one JSON object, and adds the peak of its memory."""
    text, peak = run(command)
    return {**json.loads(text), "peakMiB": peak}


def hold(contestants, rounds):
    """Runs (name, work) pairs in turns; `work` returns a dictionary of results. Every other round runs backwards, so that none always
    follows the same other."""
    results = {name: [] for name, _ in contestants}
    for turn in range(rounds):
        for name, work in contestants[:: 1 if turn % 2 == 0 else -1]:
            print(f"round {turn + 1} of {rounds}: {name}", file=sys.stderr)
            results[name].append(work())
    return results


def median(results, *keys):
    """The median over rounds of one of their figures."""
    def figure(result):
        for key in keys:
            result = result[key]
        return result
    return statistics.median(figure(result) for result in results)


def ratio(results, peers, *keys):
    """The median over rounds of the multiple of what the peer had in the same round."""
    return statistics.median(median([mine], *keys) / median([peer], *keys) for mine, peer in zip(results, peers))


def table(header, rows):
    """The lines of a table, the first column to the left."""
    return [
        "| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
    ]


def keep(name, header, rows):
    """Writes a file of comma-separated values."""
    with open(EVALUATION / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def publish(setting, part, header, rows, *below):
    """Puts a part's table into docs/performance.md, with what it depends on, and into a file of comma-separated values."""
    write(part, [setting.circumstances(part), "", *table(header, rows), *below])
    keep(part, header, rows)


def versions(python):
    """The libraries that figures depend on, in a sentence."""
    found = []
    for package in ("libdnnl-dev", "libipsec-mb-dev"):
        shown = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True).stdout
        found.append(f"{package} {shown or 'not from a package'}")
    torch = output_of(python, "-W", "ignore", "-c", "import torch; print(torch.__version__)").splitlines()[-1]
    swift = re.search(r"Swift version ([\d.]+)", output_of("swift", "--version"))
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return (
        f"PyTorch {torch}, Swift {swift[1] if swift else 'unknown'}, {', '.join(found)}, Linux {platform.release().split('-')[0]}, "
        f"{memory / 2**20:.0f} GiB of memory.")
