#!/usr/bin/env python3
"""The same training steps in PyTorch and in vaetop, in turns; needs torch (any release) and a build of vaetop.

    python3 tests/bench/torch_compare.py build/dev/vaetop [ROUNDS [SECONDS [PYTHON...]]]

Each PYTHON is an interpreter with a torch of its own, such as V/bin/python of a virtual environment (default: the one
that runs this); all are measured in the same rounds, OMP_WAIT_POLICY=PASSIVE unless it is set.
PyTorch: eager, the data resident as floats, batches sliced from them, Adam, the loss as pytorch/examples/vae has it, the
better of 1 and 2 threads. vaetop: `bench`, one lane, so its gather, conversion and noise are in its figure. Last, many
trials of 784-64-2: a pack of 8 against two PyTorch processes of one thread each. Medians over the rounds; a ratio above
1 says that vaetop is the faster one.
"""
import json
import os
import statistics
import subprocess
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
MANY = (784, 64, 2, 64)
NETWORKS = ((784, 400, 20, 128), MANY, (784, 1024, 64, 128))
ROWS = 2048


def torch_steps(threads, network, seconds):
    """Steps a second of one process that trains `network`."""
    import torch
    from torch import nn
    from torch.nn import functional

    data, width, latent, batch = network
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    encoder, mu, logvar = nn.Linear(data, width), nn.Linear(width, latent), nn.Linear(width, latent)
    decoder, logits = nn.Linear(latent, width), nn.Linear(width, data)
    parameters = [p for layer in (encoder, mu, logvar, decoder, logits) for p in layer.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    x = torch.rand(ROWS, data)

    def step(at):
        rows = x[at:at + batch]
        hidden = functional.relu(encoder(rows))
        m, v = mu(hidden), logvar(hidden)
        z = m + torch.exp(0.5 * v) * torch.randn_like(m)
        out = logits(functional.relu(decoder(z)))
        loss = functional.binary_cross_entropy_with_logits(out, rows, reduction="sum")
        loss = (loss - 0.5 * torch.sum(1 + v - m * m - v.exp())) / batch
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    places = range(0, ROWS - batch + 1, batch)
    for at in places:
        step(at)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for at in places:
            step(at)
        done += len(places)
    return done / (time.perf_counter() - start)


def child(python, threads, network, seconds):
    """The same in a process of its own: as started by a person, and with nothing left over from another network."""
    words = [python, __file__, "--steps", str(threads), ",".join(map(str, network)), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def result(process):
    text, _ = process.communicate()
    if process.returncode:
        sys.exit("a PyTorch process ended with status %d" % process.returncode)
    return float(text)


def version(python):
    words = "import torch; print(torch.__version__, torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, " \
            "'cpu') and hasattr(torch.backends.cpu, 'get_cpu_capability') else '')"
    done = subprocess.run([python, "-c", words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if done.returncode:
        sys.exit("%s has no torch: python3 -m venv V && V/bin/pip install torch, then name V/bin/python" % python)
    return " ".join(("torch " + done.stdout).split())


def ours(vaetop, network):
    """Steps a second of one lane and of eight, together."""
    name = "%d-%d-%d:%d" % network
    text = subprocess.run([vaetop, "bench", "--json", "--quiet", "--rounds", "5", "--networks", name], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    rate = {s["lanes"]: s["steps_per_s"] for s in json.loads(text)["steps"]}
    return rate[1], rate[8]


def one_round(vaetop, pythons, network, seconds):
    """Steps a second: of vaetop's one and eight lanes, and for each PyTorch of 1 thread, 2 threads and two processes."""
    rate = dict(zip(("one", "eight"), ours(vaetop, network)))
    for python in pythons:
        for threads in (1, 2):
            rate[python, threads] = result(child(python, threads, network, seconds))
        if network == MANY:
            pair = [child(python, 1, network, seconds) for _ in range(2)]
            rate[python, "pair"] = sum(result(p) for p in pair)
    return rate


def print_network(network, rounds, pythons, names):
    def median(key):
        return statistics.median(key(r) for r in rounds)

    print("%d-%d-%d, batch %d: vaetop %.0f steps a second" % (*network, median(lambda r: r["one"])))
    for python in pythons:
        print("  %-24s 1 thread %.0f, 2 threads %.0f; ratio %.2f" % (
            names[python], median(lambda r: r[python, 1]), median(lambda r: r[python, 2]),
            median(lambda r: r["one"] / max(r[python, 1], r[python, 2]))))
        if network == MANY:
            print("  %-24s two processes %.0f, vaetop's 8 trials %.0f; ratio %.2f" % (
                names[python], median(lambda r: r[python, "pair"]), median(lambda r: r["eight"]),
                median(lambda r: r["eight"] / r[python, "pair"])))


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--steps":
        network = tuple(int(n) for n in sys.argv[3].split(","))
        print(torch_steps(int(sys.argv[2]), network, float(sys.argv[4])))
        return
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    vaetop, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    pythons = sys.argv[4:] or [sys.executable]
    names = {python: version(python) for python in pythons}
    rates = {n: [] for n in NETWORKS}
    for _ in range(rounds):
        for n in NETWORKS:
            rates[n].append(one_round(vaetop, pythons, n, seconds))
    print("medians of %d rounds" % rounds)
    for n in NETWORKS:
        print_network(n, rates[n], pythons, names)


main()
