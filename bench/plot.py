"""Line plots as SVG, without a library: what scripts/bench draws for docs/benchmarks.md."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 74, 150, 36, 52
COLOURS = ("#0b6e99", "#c2571a", "#4d7c0f", "#7c3aed", "#b91c1c")


def ticks(low, high, logarithmic):
    """Round numbers from low to high."""
    if logarithmic:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return [10 ** e for e in range(first, last + 1)]
    step = 10 ** math.floor(math.log10((high - low) or 1))
    for factor in (0.2, 0.5, 1, 2, 5):
        if (high - low) / (step * factor) <= 6:
            step *= factor
            break
    count = math.ceil(high / step)
    return [round(i * step, 10) for i in range(math.floor(low / step), count + 1)]


def short(value):
    for limit, sign in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{sign}"
    return f"{value:g}"


def line_plot(title, across, up, series, log_across=False, log_up=False):
    """series: {name: [(x, y), ...]}. `across` and `up` are the names of the axes. Gives the SVG's text."""
    points = [point for line in series.values() for point in line]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_ticks = ticks(min(xs), max(xs), True) if log_across else sorted(set(xs))
    y_ticks = ticks(min(ys) if log_up else 0, max(ys), log_up)

    def place(value, low, high, logarithmic):
        if logarithmic:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return (value - low) / ((high - low) or 1)

    def x_of(value):
        return LEFT + place(value, x_ticks[0], x_ticks[-1], log_across) * (WIDTH - LEFT - RIGHT)

    def y_of(value):
        return HEIGHT - BOTTOM - place(value, y_ticks[0], y_ticks[-1], log_up) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>']
    for value in x_ticks:
        out.append(f'<line x1="{x_of(value):.1f}" y1="{TOP}" x2="{x_of(value):.1f}" y2="{HEIGHT - BOTTOM}" stroke="#e5e7eb"/>'
                   f'<text x="{x_of(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{short(value)}</text>')
    for value in y_ticks:
        out.append(f'<line x1="{LEFT}" y1="{y_of(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y_of(value):.1f}" stroke="#e5e7eb"/>'
                   f'<text x="{LEFT - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{short(value)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>'
               f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>')
    for index, (name, line) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in sorted(line))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        out.append(f'<text x="{WIDTH - RIGHT + 10}" y="{TOP + 14 + 18 * index}" fill="{colour}">{escape(name)}</text>')
    return "\n".join(out) + "\n</svg>\n"
