"""What the parts of `./run bench cpu` have in common to say what they measured."""
import statistics


def median_ratio(others, ours):
    return statistics.median(other / our for other, our in zip(others, ours))


def verdict(met):
    return {True: "met", False: "NOT MET", None: ""}[met]


def table(rows):
    """Markdown, so that docs/performance.md can take it as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |" for row in rows)
