"""The chart of `./run bench cpu`: how time grows with pixels, batch and steps, and ours beside the others."""
import sys


def draw(results, path):
    try:
        import matplotlib
    except ImportError:
        print(f"bench: no chart: {sys.executable} has no matplotlib", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = []
    if "steps" in results:
        panels += [pixels, steps]
    if any(s["peer"] for s in results.get("kernels", [])):
        panels.append(kernels)
    if any("ratio" in p for p in results.get("peers", [])):
        panels.append(peers)
    if results.get("programs", {}).get("lines"):
        panels.append(programs)
    if not panels:
        return
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4.4 * len(panels), 3.8), layout="constrained")
    for panel, axis in zip(panels, axes if len(panels) > 1 else [axes]):
        panel(axis, results)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=90)


def pixels(axis, results):
    """Seconds of a step and of a decode over the picture's pixels, one line per batch."""
    lines = [s for s in results["steps"]["lines"] if s["steps"] == 2]
    for batch in 1, 2:
        points = sorted((s["side"] ** 2 / 1e6, s["step_seconds"]) for s in lines if s["batch"] == batch)
        axis.plot(*zip(*points), marker="o", label=f"step, batch {batch}" + (" (guided)" if batch == 2 else ""))
    points = sorted((s["side"] ** 2 / 1e6, s["decode_seconds"]) for s in lines if s["batch"] == 2)
    axis.plot(*zip(*points), marker="s", linestyle="--", label="decode")
    axis.set(title="by pixels and batch", xlabel="megapixels", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    axis.legend(frameon=False)


def steps(axis, results):
    lines = results["steps"]["lines"]
    side = min(s["side"] for s in lines)
    points = sorted((s["steps"], s["total_seconds"]) for s in lines if s["side"] == side and s["batch"] == 2)
    axis.plot(*zip(*points), marker="o")
    axis.set(title=f"by steps, {side} x {side}, guided", xlabel="steps", ylabel="seconds, the whole run", xlim=(0, None),
             ylim=(0, None))


def bars(axis, labels, ratios, title):
    axis.barh(range(len(ratios)), ratios, color=["tab:green" if r >= 1 else "tab:red" for r in ratios])
    axis.set_yticks(range(len(ratios)), labels, fontsize=7)
    axis.invert_yaxis()
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set(title=title, xlabel="times as fast")


def kernels(axis, results):
    shown = [(f"{s['kind']} {s['name']}", s["ratios"][s["peer"]]) for s in results["kernels"] if s["peer"]]
    bars(axis, *zip(*shown), f"kernels beside {results['library']} (3x3: direct)")


def peers(axis, results):
    def label(p):
        return f"{p['what']} {p['side']}², {p['name']}" + ("" if p["precision"] == "f32" else f", {p['precision']}") + (
            "" if p["ours"] == "full" else f" (ours {p['ours']})")

    shown = [(label(p), p["ratio"]) for p in results["peers"] if "ratio" in p]
    bars(axis, *zip(*shown), "networks beside others")


def programs(axis, results):
    lines = results["programs"]["lines"]
    shown = [(f"{what} {p['side']}²" + ("" if p["ours"] == "full" else f" (ours {p['ours']})"), ratio)
             for p in lines for what, ratio in p["ratios"].items()]
    bars(axis, *zip(*shown), "beside stable-diffusion.cpp")
