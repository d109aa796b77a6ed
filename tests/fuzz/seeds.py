#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets: seeds.py SOURCE_DIR OUT_DIR. Same files every time."""
import gzip
import json
import os
import struct
import sys

source, out = sys.argv[1:]


def put(target, name, data):
    folder = os.path.join(out, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def idx(kind, shape, data):
    return bytes([0, 0, kind, len(shape)]) + b"".join(struct.pack(">I", s) for s in shape) + data


def npy(version, header, data):
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return bytes([version, 0]) + length + header.encode() + data  # the target puts the magic in front


FLOATS = struct.pack(">4f", 0, 0.5, 1, 0.25)
IDX = {
    "images": idx(8, [3, 2, 2], bytes(range(12))),
    "vectors": idx(8, [2, 3], b"abcdef"),
    "floats": idx(13, [2, 2], FLOATS),
    "labels": idx(8, [3], b"\0\1\2"),
    "other": idx(11, [1, 2], b"\0\1\0\2"),
}
for name, data in IDX.items():
    for how in (0, 3, 16, 62):
        put("idx", f"{name}-{how}", data + bytes([how]))
        put("gzip", f"{name}-{how}", gzip.compress(data, 9, mtime=0) + bytes([how]))
put("gzip", "members", gzip.compress(IDX["images"][:9], mtime=0) + gzip.compress(IDX["images"][9:], mtime=0) + b"\0")
put("gzip", "cut", gzip.compress(IDX["images"], mtime=0)[:-5] + b"\0")
put("gzip", "table", gzip.compress(b"label,a,b\n1,0,1\n2,1,0\n", mtime=0) + b"\0")

TYPES = [("|u1", "6B"), ("|b1", "6B"), ("|i1", "6b"), ("<u2", "<6H"), (">i2", ">6h"), ("<i4", "<6i"), (">u4", ">6I"),
         ("<i8", "<6q"), (">u8", ">6Q"), ("<f2", "<6e"), ("<f4", "<6f"), (">f4", ">6f"), (">f8", ">6d")]
for i, (descr, code) in enumerate(TYPES):
    for order in ("True", "False"):
        shape = "2, 3" if i % 2 else "2L, 3, 1"
        head = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n"
        put("npy", f"{i}-{order}", npy(1 + i % 3, head, struct.pack(code, 0, 1, 1, 0, 0, 1)) + bytes([i * 7 % 60]))
put("npy", "object", npy(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04.") + b"\0")
put("npy", "labels", npy(1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2,)}", b"\1\0\2\0") + b"\x10")

TABLES = ["0,1\n1,0\n", "label,a,b\n1,0,.5\n2,1e-1,0\n", "a;b\n0;1\n", "a\tb\r\n0\t1\r\n", "0 1\n 1  0 \n",
          "name,a\ncat,0\ndog,1\n", "\"a \"\"x\"\"\",\"b\nc\"\n\"0\",1\n", "\xef\xbb\xbf0,1\n", "0,nan\n", "0,\n",
          "0,300\n1,1\n", "0|1|1|0\n1|1|1|1\n", "1\n2\n"]
for i, text in enumerate(TABLES):
    for how in (0, 3, 8, 12, 16):
        put("csv", f"{i}-{how}", text.encode("latin-1") + bytes([how]))
NUMBERS = ["0.1", "1e22", "-1.5E-3", "9007199254740993", "1e400", ".5", "5.", "+1", "0x1", "1e", "00.00e00"]
for i, number in enumerate(NUMBERS):
    put("csv", f"number-{i}", number)


def tensors(header, data):
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


A = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
B = {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]}
META = {"format": "x", "k": "v\u00e9\n"}
put("safetensors", "two", tensors({"__metadata__": META, "a": A, "b": B}, bytes(11)) + b"\0")
put("safetensors", "none", tensors({}, b"") + b"\0")
put("safetensors", "scalar", tensors({"s": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]}}, bytes(8)) + b"\0")
put("safetensors", "empty", tensors({"e": {"dtype": "I64", "shape": [0, 4], "data_offsets": [0, 0]}}, b"") + b"\0")
put("safetensors", "hole", tensors({"a": A, "b": {**B, "data_offsets": [9, 12]}}, bytes(12)) + b"\0")
put("safetensors", "overlap", tensors({"a": A, "b": {**B, "data_offsets": [7, 10]}}, bytes(10)) + b"\0")
CRC = {"dtype": "U32", "shape": [1], "data_offsets": [0, 4]}
put("safetensors", "crc", tensors({"vaetop.crc32": CRC}, bytes(4)) + b"\1")

presets = os.path.join(source, "presets")
for name in sorted(os.listdir(presets)):
    with open(os.path.join(presets, name), "rb") as f:
        put("preset", name, f.read())
put("preset", "set", "study:\n  trials: 4\n\1model.latent=2 .. 64 log\n"
    "optimizer.lr=1e-4 .. 1e-2 log if kind = adam; 1e-5 .. 1e-3 if kind = sgd\noptimizer.kind=adam | sgd\n"
    "data.shape=28x28\ndata.test=last 3\ndata.labels=column a b\nmodel.encoder=512,256 | 128")
put("preset", "list", "model:\n  width:\n    - 1 .. 4\n    - 8 | 9 if activation = tanh\n  activation: relu | tanh\n")
put("preset", "quoted", "study:\n  name: 'a.b'\ndata:\n  source: \"x \\\"y\\\".npy\" # why\n")
put("preset", "flow", "study: {trials: 4}\nmodel: [1]\n")
put("preset", "anchor", "study: &a\n  trials: 4\nmodel: *a\n--- !!map\n")

put("config", "some", "model.latent=2\noptimizer.lr=0.01\ndata.source=/a b/c=d\n\ndata.shape=28x28\n"
    "data.test=0.1\ndata.validation=last 3\nmodel.encoder=5, 4\nloss.beta_schedule=linear\nloss.beta_warmup=30\n"
    "train.epochs=3\n")
LINES = ["optimizer.lr=1e999", "model.latent=1.5", "x.y=1", "study.name=..", "data.scale=256", "=", "model.width=-0"]
for i, line in enumerate(LINES):
    put("config", f"line-{i}", line)

FILTERS = ["value < 100 and optimizer.kind = adam", "not (state = done | failed) or kl >= 1e-3",
           "((number != 3)) rank <= 2", "device = pocl rate > 0.5", "phase = R", "model.latent = 2 | 4 | 8", "value <",
           "(((", "not not not epoch = 1", "wrongword = 1", "value = nan", "", "a\x1b[2Jb = 1"]
for i, line in enumerate(FILTERS):
    put("filter", f"{i}", line)

for i, line in enumerate(["# mine\nglyphs = block\ntheme=mono\r\n\n mouse = on \nslow-link = off", "theme = ", "=", "glyphs"]):
    put("settings", f"{i}", line)


def text(s):
    return struct.pack("<I", len(s)) + s.encode()


def message(kind, payload):
    return bytes([kind]) + struct.pack("<H", len(payload)) + payload


INT, REAL = struct.pack("<q", 1), struct.pack("<d", 0.5)
for kind in range(40):  # more than there are; each finds the messages whose fields these are
    for n, payload in enumerate([INT, INT + REAL, INT * 2 + text("a") * 3, text("x") * 2, INT * 5, INT + text("y"),
                                 INT + REAL * 2, INT * 3 + text("z"), b""]):
        if (kind + n) % 3 == 0:
            put("frames", f"{kind}-{n}", b"\x7f" + message(kind, payload) * 2)
snapshot = INT * 2 + struct.pack("<2q", 2, 1) + REAL * 2 + struct.pack("<I2f", 8, 0, 1)
snapshot += struct.pack("<I2h", 4, 1, 2) + b"\1\0\0\0\3"
snapshot += struct.pack("<3qI", 1, 1, 2, 6) + bytes(range(6))
put("frames", "snapshot", b"\x01" + b"".join(message(k, snapshot) for k in range(28, 44)))
put("frames", "raw", b"\x10" + struct.pack("<IHH", 0xFFFFFFFF, 2, 1) + b"x")
put("frames", "version", b"\x10" + struct.pack("<IHH", 0, 1, 1))

for column in range(96):
    for kind in (1, 6, 21, 26, 2, 22, 37):
        if (column + kind) % 3 == 0:
            put("store", f"{column}-{kind}", bytes([1, column, column % 3, 1, kind]))
    put("store", f"{column}-text", bytes([1, column, 1, 9, 3]) + b"a\x1b[2J\xff;x")
for at in (0, 18, 100, 4096, 9000):
    put("store", f"byte-{at}", bytes([0]) + struct.pack(">I", at)[1:] + b"\xff")
