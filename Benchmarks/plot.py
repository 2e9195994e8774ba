"""Line plots as SVG, logarithmic in both directions, without a library."""

import html
import math

COLOURS = ["#0b6e4f", "#c8553d", "#3d5a98", "#8a8a8a", "#b8860b", "#7b3f8c"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 210, 44, 52


def bounds(values):
    """The thirds of powers of ten that values lie between, as exponents."""
    return math.floor(math.log10(min(values)) * 3) / 3, math.ceil(math.log10(max(values)) * 3) / 3


def frame(title, axis, low, high, y, marks):
    """The lines of a plot without its curves; `marks` are (x, text) pairs on the horizontal axis."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{html.escape(title)}</text>',
    ]
    for exponent in range(math.floor(low), math.ceil(high) + 1):
        for digit in (1, 2, 5):
            value = digit * 10**exponent
            if low - 1e-9 <= math.log10(value) <= high + 1e-9:
                lines.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
                lines.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for x, text in marks:
        lines.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{text}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{html.escape(axis)}</text>')
    return lines


def line_plot(title, axis, points, curves):
    """`curves` are (name, values at `points`) pairs; all values are positive."""
    low, high = bounds([value for _, curve in curves for value in curve])
    first, last = math.log2(points[0]), math.log2(points[-1])

    def x(point):
        return LEFT + (math.log2(point) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - (math.log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    lines = frame(title, axis, low, high, y, [(x(point), point) for point in points])
    # Names at the curves' ends, pushed apart where they would overlap.
    ends = sorted(range(len(curves)), key=lambda index: y(curves[index][1][-1]))
    place = TOP
    for index in ends:
        name, curve = curves[index]
        colour = COLOURS[index % len(COLOURS)]
        path = "L".join(f"{x(point):.1f} {y(value):.1f}" for point, value in zip(points, curve))
        lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x(point):.1f}" cy="{y(value):.1f}" r="2.5" fill="{colour}"/>' for point, value in zip(points, curve)]
        place = max(place, y(curve[-1]))
        lines.append(f'<text x="{WIDTH - RIGHT + 10}" y="{place + 4:.1f}" fill="{colour}">{html.escape(name)}</text>')
        place += 15
    return "\n".join([*lines, "</svg>", ""])


def roofline_plot(title, axis, peak, bandwidths, points):
    """Rates over operations a byte, under roofs of a peak and of (name, bandwidth) pairs; `points` are (name, operations a byte, rate)."""
    low, high = bounds([peak, *(rate for _, _, rate in points)])
    first, last = bounds([intensity for _, intensity, _ in points])
    last = max(last, math.log10(2 * max(peak / bandwidth for _, bandwidth in bandwidths)))

    def x(intensity):
        return LEFT + (math.log10(intensity) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(rate):
        return HEIGHT - BOTTOM - (math.log10(rate) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    marks = [(x(10**exponent), f"{10**exponent:g}") for exponent in range(math.ceil(first), math.floor(last) + 1)]
    lines = frame(title, axis, low, high, y, marks)
    for name, bandwidth in bandwidths:
        left = max(10**first, 10**low / bandwidth)
        ridge = peak / bandwidth
        lines.append(
            f'<path d="M{x(left):.1f} {y(left * bandwidth):.1f}L{x(ridge):.1f} {y(peak):.1f}H{WIDTH - RIGHT}" fill="none" stroke="#444444"/>')
        lines.append(f'<text x="{x(ridge) + 4:.1f}" y="{y(peak) + 14:.1f}" fill="#444444" font-size="10">{html.escape(name)}</text>')
    for index, (name, intensity, rate) in enumerate(points):
        colour = COLOURS[index % len(COLOURS)]
        lines.append(f'<circle cx="{x(intensity):.1f}" cy="{y(rate):.1f}" r="4" fill="{colour}"/>')
        lines.append(f'<text x="{x(intensity) + 6:.1f}" y="{y(rate) - 4:.1f}" fill="{colour}">{index + 1}</text>')
        lines.append(
            f'<text x="{WIDTH - RIGHT + 8}" y="{TOP + 16 * index + 4}" fill="{colour}" font-size="10">{index + 1}  {html.escape(name)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def grid(plots, columns):
    """Plots beside and below each other in one picture; an empty one leaves its place empty."""
    height = HEIGHT * math.ceil(len(plots) / columns)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * columns} {height}">']
    for index, plot in enumerate(plots):
        if plot:
            lines.append(f'<svg x="{index % columns * WIDTH}" y="{index // columns * HEIGHT}" width="{WIDTH}" height="{HEIGHT}">\n{plot}</svg>')
    return "\n".join([*lines, "</svg>", ""])
