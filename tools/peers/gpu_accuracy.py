# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""Errors of our attention and of PyTorch's on the same data, against double precision on the GPU."""
import json
import os
import struct
import subprocess
import tempfile

import torch

import gpu_sides
from gpu_sides import Theirs, block_mask

BLOCK = 128
TYPES = {"F32": torch.float32, "U8": torch.uint8}


def tensors_of(kind, shape):
    """A layer with q, k and v of a kind."""
    layer = Theirs(shape)
    if kind == "large logits":
        layer.q = layer.q * 32
    elif kind == "one hot row":
        layer.k[:, :, shape.length // 2] *= 64
    elif kind == "all equal":
        layer.q, layer.k = torch.ones_like(layer.q), torch.ones_like(layer.k)
    return layer


KINDS = ("random normal", "large logits", "one hot row", "all equal")


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.contiguous().view(torch.uint8).cpu().numpy().tobytes())


def read_safetensors(path, names):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8 : 8 + size])
    result = []
    for name in names:
        entry = header[name]
        tensor = torch.frombuffer(data, dtype=TYPES[entry["dtype"]], offset=8 + size + entry["data_offsets"][0],
                                  count=torch.Size(entry["shape"]).numel())
        result.append(tensor.view(entry["shape"]).to(gpu_sides.DEVICE))
    return result


def run_ours(sparsed, device, layer):
    """Dense output, sparse output, kept blocks, kernel; the outputs rounded to bf16, as PyTorch's are."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = (os.path.join(folder, name) for name in ("in.safetensors", "out.safetensors"))
        write_safetensors(source, {"q": layer.q, "k": layer.k, "v": layer.v})
        command = [sparsed, "attend", "--input", source, "--output", result, "--device", device,
                   "--mode", "upstream-dream", "--gen-length", str(layer.shape.length // 16),
                   "--block-size", str(BLOCK), "--select", "0.305", "--json"]
        run = subprocess.run(command, check=False, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(run.stderr.strip() or f"exit code {run.returncode}")
        dense, sparse, mask = read_safetensors(result, ("dense_out", "sparse_out", "block_mask"))
    return dense.bfloat16(), sparse.bfloat16(), mask[0].bool(), json.loads(run.stdout)["kernel"]


def reference(layer, kept=None):
    """Attention in double precision, over the kept blocks or all keys; head by head."""
    out = torch.empty(layer.q.shape, dtype=torch.float64, device=layer.q.device)
    group = layer.shape.heads // layer.shape.kv_heads
    for h in range(layer.shape.heads):
        q, k, v = (t[0, i].double() for t, i in ((layer.q, h), (layer.k, h // group), (layer.v, h // group)))
        logits = q @ k.T * layer.shape.head_dim**-0.5
        if kept is not None:
            wanted = kept[h].repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
            logits.masked_fill_(~wanted[: len(q), : len(k)], float("-inf"))
        out[0, h] = logits.softmax(-1) @ v
    return out


def errors(out, expected):
    """Relative to the Frobenius norm, and the largest of an element."""
    difference = out.double() - expected
    return (difference.norm() / expected.norm()).item(), difference.abs().max().item()


def compare(sparsed, device, shape):
    """Yields kind, pass, our kernel, our errors, their name, their errors."""
    for kind in KINDS:
        layer = tensors_of(kind, shape)
        dense, sparse, kept, kernel = run_ours(sparsed, device, layer)
        expected = reference(layer)
        yield kind, "dense", kernel, errors(dense, expected), "cuDNN", errors(layer.cudnn(), expected)
        expected = reference(layer, kept)
        flex = layer.flex(block_mask(kept))
        yield kind, "sparse", kernel, errors(sparse, expected), "flex", errors(flex, expected)
