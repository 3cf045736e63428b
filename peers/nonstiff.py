"""The problems that are not stiff in SciPy and diffrax: one JSON object a solve, like the Rust program beside it.

    vecfield-peers references | python nonstiff.py scipy|diffrax
"""
import json
import os
import statistics
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

RTOLS = [1e-4, 1e-6, 1e-8, 1e-10]


def lorenz(t, y, xp):
    return xp.stack([10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]])


def lotka_volterra(t, y, xp):
    eaten = y[0] * y[1]
    return xp.stack([1.5 * y[0] - eaten, eaten - 3.0 * y[1]])


def kepler(t, y, xp):
    cube = (y[0] * y[0] + y[1] * y[1]) ** 1.5
    return xp.stack([y[2], y[3], -y[0] / cube, -y[1] / cube])


def arenstorf(t, y, xp):
    mu = 0.012277471
    p = ((y[0] + mu) ** 2 + y[1] ** 2) ** 1.5
    q = ((y[0] - 1 + mu) ** 2 + y[1] ** 2) ** 1.5
    return xp.stack([
        y[2], y[3],
        y[0] + 2 * y[3] - (1 - mu) * (y[0] + mu) / p - mu * (y[0] - 1 + mu) / q,
        y[1] - 2 * y[2] - (1 - mu) * y[1] / p - mu * y[1] / q])


def pleiades(t, y, xp):
    x, z = y[:7], y[7:14]
    dx, dz = x[None, :] - x[:, None], z[None, :] - z[:, None]
    cube = (dx * dx + dz * dz + xp.eye(7)) ** 1.5
    pull = xp.arange(1.0, 8.0)[None, :] * (1.0 - xp.eye(7)) / cube
    return xp.concatenate([y[14:], (pull * dx).sum(1), (pull * dz).sum(1)])


FIELDS = {f.__name__: f for f in (lorenz, lotka_volterra, kepler, arenstorf, pleiades)}


def timed(solve, repeat=5):
    y = solve()
    seconds = []
    for _ in range(repeat):
        clock = time.perf_counter()
        solve()
        seconds.append(time.perf_counter() - clock)
    return y, statistics.median(seconds)


def emit(case, peer, rtol, y, seconds, reference):
    error = float(np.max(np.abs(y - reference) / (np.abs(reference) + 1.0)))
    print(json.dumps(dict(case=case, peer=peer, work=dict(rtol=rtol), seconds=seconds, result=dict(error=error))), flush=True)


def scipy(problem):
    from scipy.integrate import solve_ivp

    field = FIELDS[problem["case"]]
    for method in ("RK45", "DOP853", "LSODA"):
        for rtol in RTOLS:
            y, seconds = timed(lambda: solve_ivp(field, (0.0, problem["end"]), problem["start"], method, args=(np,), rtol=rtol,
                                                 atol=rtol, t_eval=[problem["end"]]).y[:, -1], repeat=3)
            emit(problem["case"], f"scipy_{method}", rtol, y, seconds, problem["reference"])


def diffrax(problem):
    import diffrax as dx
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    field = FIELDS[problem["case"]]
    term = dx.ODETerm(lambda t, y, _: field(t, y, jnp))
    start = jnp.asarray(problem["start"])
    for name in ("Tsit5", "Dopri8"):
        for rtol in RTOLS:
            @jax.jit
            def solve(y, rtol=rtol, name=name):
                return dx.diffeqsolve(term, getattr(dx, name)(), 0.0, problem["end"], None, y, saveat=dx.SaveAt(t1=True),
                                      stepsize_controller=dx.PIDController(rtol=rtol, atol=rtol), max_steps=100_000,
                                      adjoint=dx.ForwardMode()).ys[-1]
            y, seconds = timed(lambda: jax.block_until_ready(solve(start)))
            emit(problem["case"], f"diffrax_{name}", rtol, np.asarray(y), seconds, problem["reference"])


if __name__ == "__main__":
    run = {"scipy": scipy, "diffrax": diffrax}[sys.argv[1]]
    for problem in json.load(sys.stdin):
        problem["reference"] = np.asarray(problem["reference"])
        run(problem)
