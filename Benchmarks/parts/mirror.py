"""Mirror-out and mirror-in by size of the model, beside a plain copy of the same bytes, torch.save and safetensors."""

from contest import EVALUATION, hold, median, publish, ratio, result_of, significant
from plot import grid, line_plot

MEGABYTES = [10, 25, 50, 75, 100]


def measure(setting):
    program = setting.programs / "mirror"
    rows, curves = [], {}
    for where, folder in setting.folders().items():
        for megabytes in MEGABYTES:
            arguments = ["--folder", folder, "--megabytes", megabytes]
            results = hold(
                [("mirror", lambda: result_of([program, *arguments])),
                 ("torch.save", lambda: result_of(setting.peer("save", *arguments, "--iterations", 5))),
                 ("safetensors", lambda: result_of(setting.peer("save", *arguments, "--iterations", 5, "--variant", "safetensors")))],
                setting.rounds)
            for direction, (ours, copy, theirs) in {
                "out": ("mirrorOut", "copyOut", "saveMilliseconds"), "in": ("mirrorIn", "copyIn", "loadMilliseconds")}.items():
                mirror = median(results["mirror"], ours)
                plain = median(results["mirror"], copy)
                # What loads a file opens it too.
                whole = mirror + (median(results["mirror"], "opening") if direction == "in" else 0)
                others = [median(results[name], theirs, "median") for name in ("torch.save", "safetensors")]
                rows.append([
                    f"{direction}, {where}", megabytes, significant(mirror), significant(plain), f"{mirror / plain:.2f}",
                    *(cell for other in others for cell in (significant(other), f"{other / whole:.1f}"))])
                for name, value in zip(("mirror", "plain copy", "torch.save", "safetensors"), (mirror, plain, *others)):
                    curves.setdefault((direction, where), {}).setdefault(name, []).append(value)
    publish(
        setting, "mirror",
        ["mirror", "MB", "ms", "plain copy, ms", "× copy", "torch, ms", "faster than torch", "safetensors, ms", "faster than safetensors"], rows)
    plots = [
        line_plot(f"Mirror-{direction}, {where}: milliseconds", "model, MB", MEGABYTES, list(lines.items()))
        for (direction, where), lines in curves.items()
    ]
    (EVALUATION / "mirror.svg").write_text(grid(plots, 2))
