"""readme_model.py README.md model.safetensors pairs.npy: runs the README's PyTorch lines on exported weights and holds
their reconstructions against those of `vaetop reconstruct`. Without PyTorch, NumPy stands in for the few calls."""
import importlib.util
import json
import math
import re
import struct
import sys
import types

import numpy


def stand_in():
    """torch and safetensors, as far as the README goes."""
    def linear(x, weight, bias):
        return x @ weight.T + bias

    def layer_norm(x, shape, weight, bias):
        assert shape == x.shape[-1:]
        return (x - x.mean(-1, keepdims=True)) / numpy.sqrt(x.var(-1, keepdims=True) + 1e-5) * weight + bias

    function = types.ModuleType("torch.nn.functional")
    vars(function).update(
        linear=linear, layer_norm=layer_norm, sigmoid=lambda x: 1 / (1 + numpy.exp(-x)),
        relu=lambda x: numpy.maximum(x, 0), tanh=numpy.tanh,
        leaky_relu=lambda x: numpy.where(x < 0, x / 100, x), elu=lambda x: numpy.where(x < 0, numpy.expm1(x), x),
        silu=lambda x: x / (1 + numpy.exp(-x)), softplus=lambda x: numpy.logaddexp(x, 0),
        gelu=numpy.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2))
    torch = types.ModuleType("torch")
    torch.nn = types.ModuleType("torch.nn")
    torch.nn.functional = function
    torch.from_numpy = lambda x: x

    class File:
        def __init__(self, path, framework):
            with open(path, "rb") as file:
                size, = struct.unpack("<Q", file.read(8))
                self.head, self.data = json.loads(file.read(size)), file.read()

        def metadata(self):
            return self.head["__metadata__"]

        def keys(self):
            return [name for name in self.head if name != "__metadata__"]

        def get_tensor(self, name):
            first, end = self.head[name]["data_offsets"]
            return numpy.frombuffer(self.data[first:end], "<f4").reshape(self.head[name]["shape"])

    safetensors = types.ModuleType("safetensors")
    safetensors.safe_open = File
    sys.modules.update({x.__name__: x for x in (torch, torch.nn, function, safetensors)})


def main(readme, model, pairs):
    if not all(importlib.util.find_spec(name) for name in ("torch", "safetensors")):
        stand_in()
    with open(readme, encoding="utf-8") as file:
        script, = re.findall(r"```python\n(.*?)```", file.read(), re.S)
    names = {}
    exec(script.replace("model.safetensors", model), names)
    images = numpy.load(pairs)
    images = images.reshape(len(images), 2, -1)
    mean, _ = names["encode"](sys.modules["torch"].from_numpy(numpy.ascontiguousarray(images[:, 0])))
    made = numpy.asarray(names["decode"](mean))
    worst = numpy.abs(made - images[:, 1]).max()
    assert worst < 1e-5, f"the README's model differs by {worst}"
    assert len(script.splitlines()) == 10, "the README speaks of ten lines"
    print(f"the README's {len(script.splitlines())} lines rebuild the model: largest difference {worst:.1e}")


main(*sys.argv[1:])
