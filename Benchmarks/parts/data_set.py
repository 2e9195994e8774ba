"""An iteration with an encrypted data set, beside one with a plain data set, by batch; five convolutions, as in the paper's figure 8."""

from contest import EVALUATION, hold, median, publish, ratio, result_of, significant
from plot import line_plot

BATCHES = [16, 32, 64, 128, 256, 512, 1024]
FILTERS = [16, 32, 32, 64, 10]


def configuration(batch):
    layers = "".join(
        f"[convolutional]\nbatch_normalize={int(filters != 10)}\nfilters={filters}\nsize=3\nstride={1 + index % 2}\npad=1\nactivation=leaky\n"
        for index, filters in enumerate(FILTERS))
    return (
        f"[net]\nbatch={batch}\nheight=28\nwidth=28\nchannels=1\nlearning_rate=0.01\nmomentum=0.9\ndecay=0.0005\n{layers}[avgpool]\n[softmax]\n")


def measure(setting):
    program = setting.programs / "data-set"
    rows, lines = [], {"encrypted": [], "plain": []}
    for batch in BATCHES:
        config = setting.work / f"five-{batch}.cfg"
        config.write_text(configuration(batch))
        results = hold(
            [("both", lambda: result_of([
                program, "--config", config, "--data", setting.digits(), "--key", setting.key, "--folder", setting.work,
                "--threads", setting.threads, "--iterations", max(10, 2048 // batch)]))], setting.rounds)["both"]
        sealed, plain = median(results, "sealedMilliseconds"), median(results, "plainMilliseconds")
        times = sorted(result["sealedMilliseconds"] / result["plainMilliseconds"] for result in results)
        rows.append([batch, significant(sealed), significant(plain), f"{times[len(times) // 2]:.3f}"])
        lines["encrypted"].append(sealed)
        lines["plain"].append(plain)
    publish(setting, "data-set", ["batch", "encrypted, ms", "plain, ms", "×"], rows)
    (EVALUATION / "data-set.svg").write_text(line_plot("Iteration: milliseconds", "batch", BATCHES, list(lines.items())))
