"""Formulas for a column: test R2 of `vecfield symreg` and Operon (pyoperon) at equal wall time and threads.

python symbolic.py VECFIELD [SECONDS] [THREADS] [SEEDS]

Three quarters of the rows train, the rest test; targets have noise of 1 % of
their root mean square. Operon runs until the same wall time is over, without a limit on evaluations, with its constants fitted.
"""
import csv
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

# A law, the ranges of its variables, and how many rows are drawn.
LAWS = [
    ("2.5*x0^3 - 1.3*x0*x1 + 0.7", {"x0": (-2, 2), "x1": (-2, 2), "x2": (-2, 2)}, 200),
    ("1.2*exp(-0.5*x0)*sin(3*x0)", {"x0": (0, 6)}, 200),
    ("(x0 + 2*x1)/(1 + x0^2)", {"x0": (-3, 3), "x1": (-3, 3)}, 200),
    ("3*log(1 + x0) + sqrt(x1)", {"x0": (0, 5), "x1": (0, 5), "x2": (0, 5)}, 200),
    ("0.8*x1*x0^2/(2.25 + x0^2)", {"x0": (0, 6), "x1": (0.5, 2)}, 200),
    ("tanh(1.7*x0 - 0.4*x1) + 0.1*x2", {"x0": (-2, 2), "x1": (-2, 2), "x2": (-2, 2)}, 300),
    ("abs(x0)*cos(1.4*x1)", {"x0": (-3, 3), "x1": (-3, 3)}, 300),
    ("2.4*x0^0.75*x1^(-0.5)", {"x0": (0.1, 10), "x1": (0.1, 10)}, 200),
]
FUNCTIONS = {name: getattr(math, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "asin", "acos", "atan", "sinh", "cosh")}
FUNCTIONS |= {"abs": abs, "min": min, "max": max, "pi": math.pi, "sign": lambda x: (x > 0) - (x < 0)}


def compiled(text, names):
    code = compile(text.replace("^", "**"), text, "eval")
    return lambda row: eval(code, {"__builtins__": {}}, FUNCTIONS | dict(zip(names, row)))


def draw(ranges, rng, count):
    return [[rng.uniform(*ends) for ends in ranges.values()] for _ in range(count)]


def r2(truth, found):
    mean = statistics.fmean(truth)
    left = sum((t - f) ** 2 for t, f in zip(truth, found))
    return 1 - left / sum((t - mean) ** 2 for t in truth)


def ours(program, names, rows, target, seconds, threads, seed, folder):
    path = folder / "rows.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "y"])
        writer.writerows([*map(repr, row), repr(y)] for row, y in zip(rows, target))
    begun = time.perf_counter()
    options = ["--target", "y", "--seconds", str(seconds), "--threads", str(threads), "--seed", str(seed), "--json", "--quiet"]
    done = subprocess.run([program, "symreg", path, *options], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["best"]["expression"]
    return compiled(found, names), found, time.perf_counter() - begun


def operon(names, rows, target, seconds, threads, seed):
    import numpy as np
    from pyoperon.sklearn import SymbolicRegressor

    symbols = "add,sub,mul,div,sin,cos,exp,log,sqrt,tanh,abs,pow,constant,variable"
    model = SymbolicRegressor(
        allowed_symbols=symbols, population_size=1000, pool_size=1000, generations=10**6, max_evaluations=10**9, max_length=40, max_depth=10,
        tournament_size=5, objectives=["r2", "length"], optimizer_iterations=10, n_threads=threads, random_state=seed + 1, max_time=int(seconds),
        model_selection_criterion="mean_squared_error",
    )
    begun = time.perf_counter()
    model.fit(np.array(rows), np.array(target))
    return lambda row: float(model.predict(np.array([row]))[0]), model.get_model_string(model.model_, 3), time.perf_counter() - begun


def valid(f, row):
    try:
        value = float(f(row))
        return value if math.isfinite(value) else 0.0
    except (ArithmeticError, ValueError, TypeError):
        return 0.0


def main(program, seconds="5", threads="2", seeds="3"):
    seconds, threads = float(seconds), int(threads)
    scores = {"vecfield": [], "Operon": []}
    for formula, ranges, count in LAWS:
        names = list(ranges)
        truth = compiled(formula, names)
        for seed in range(int(seeds)):
            rng = random.Random(f"{formula}{seed}")
            rows = draw(ranges, rng, count)
            clean = [float(truth(row)) for row in rows]
            size = math.sqrt(statistics.fmean(y * y for y in clean))
            target = [y + 0.01 * size * rng.gauss(0, 1) for y in clean]
            cut = 3 * len(rows) // 4
            with tempfile.TemporaryDirectory() as folder:
                runs = {
                    "vecfield": ours(program, names, rows[:cut], target[:cut], seconds, threads, seed, pathlib.Path(folder)),
                    "Operon": operon(names, rows[:cut], target[:cut], seconds, threads, seed),
                }
            line = []
            for name, (f, text, wall) in runs.items():
                # Against the law itself: noise is nobody's fault.
                score = r2(clean[cut:], [valid(f, row) for row in rows[cut:]])
                scores[name].append(score)
                line.append(f"{name} {score:.9f} in {wall:.1f} s: {text[:60]}")
            print(f"{formula}, {seed}:  " + "   ".join(line), flush=True)
    for name, found in scores.items():
        print(f"{name}: median 1 - R2 {1 - statistics.median(found):.2e}, worst {1 - min(found):.2e}, {sum(s > 0.999999 for s in found)} of {len(found)} beyond 0.999999")


if __name__ == "__main__":
    main(*sys.argv[1:])
