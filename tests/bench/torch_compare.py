#!/usr/bin/env python3
"""The same training steps in PyTorch and in vaetop, in turns; needs torch (any release) and a build of vaetop.

    OMP_WAIT_POLICY=PASSIVE python3 tests/bench/torch_compare.py build/dev/vaetop [ROUNDS [SECONDS]]

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
NETWORKS = ((784, 400, 20, 128), (784, 64, 2, 64), (784, 1024, 64, 128))
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


def child(threads, network, seconds):
    """The same in a process of its own: as started by a person, and with nothing left over from another network."""
    words = [sys.executable, __file__, "--steps", str(threads), ",".join(map(str, network)), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def result(process):
    text, _ = process.communicate()
    if process.returncode:
        sys.exit("a PyTorch process ended with status %d" % process.returncode)
    return float(text)


def ours(vaetop, network):
    """Steps a second of one lane and of eight, together."""
    name = "%d-%d-%d:%d" % network
    text = subprocess.run([vaetop, "bench", "--json", "--quiet", "--rounds", "5", "--networks", name], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    rate = {s["lanes"]: s["steps_per_s"] for s in json.loads(text)["steps"]}
    return rate[1], rate[8]


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--steps":
        network = tuple(int(n) for n in sys.argv[3].split(","))
        print(torch_steps(int(sys.argv[2]), network, float(sys.argv[4])))
        return
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    vaetop, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    try:
        import torch
    except ImportError:
        sys.exit("torch is not installed: python3 -m venv V && V/bin/pip install torch, then V/bin/python " + __file__)
    print("torch %s, %s" % (torch.__version__, torch.__config__.parallel_info().split("ATen parallel backend: ")[1].split()[0]))
    rows = {n: {"1": [], "2": [], "one": [], "eight": [], "two": []} for n in NETWORKS}
    for _ in range(rounds):
        for n in NETWORKS:
            one, eight = ours(vaetop, n)
            rows[n]["one"].append(one)
            rows[n]["eight"].append(eight)
            for threads in (1, 2):
                rows[n][str(threads)].append(result(child(threads, n, seconds)))
            if n == NETWORKS[1]:
                pair = [child(1, n, seconds) for _ in range(2)]
                rows[n]["two"].append(sum(result(p) for p in pair))
    print("steps a second, medians of %d rounds" % rounds)
    for n in NETWORKS:
        m = {k: statistics.median(v) for k, v in rows[n].items() if v}
        best = max(m["1"], m["2"])
        ratio = statistics.median(o / max(a, b) for o, a, b in zip(rows[n]["one"], rows[n]["1"], rows[n]["2"]))
        print("%-16s vaetop %8.0f   torch 1 thread %8.0f, 2 threads %8.0f   ratio %.2f (of medians %.2f)" %
              ("%d-%d-%d b%d" % n, m["one"], m["1"], m["2"], ratio, m["one"] / best))
        if "two" in m:
            ratio = statistics.median(o / t for o, t in zip(rows[n]["eight"], rows[n]["two"]))
            print("%-16s vaetop %8.0f   two processes of torch %8.0f   ratio %.2f (of medians %.2f)" %
                  ("  8 trials", m["eight"], m["two"], ratio, m["eight"] / m["two"]))


main()
