"""Goldens of PyTorch's files: one checkpoint in the zip and in the legacy format, and what is in it.

    pip install torch==1.13.1 "numpy<2"                         then   python torch_files.py
    pip install torch==2.15.0 numpy safetensors==0.8.0          then   python torch_files.py
                                                        (each in an environment of its own)

Writes ../data/foreign/torch_VERSION_zip.pt and torch_VERSION_legacy.pt; with the newer version also torch.safetensors, what all four
hold, and torch_new_types.pt with its .safetensors. tests/foreign/torch_test.cpp reads them.
"""
import argparse
import collections
import pathlib

import torch

FOLDER = pathlib.Path(__file__).parent / "../data/foreign"
VERSION = ".".join(torch.__version__.split(".")[:2])


def state_dict():
    base = torch.arange(24, dtype=torch.float32) / 7 - 1
    table = base.reshape(4, 6)
    state = collections.OrderedDict()
    for name in ["float32", "float64", "float16", "bfloat16"]:
        state[f"types.{name}"] = table.to(getattr(torch, name))
    for name in ["int8", "int16", "int32", "int64", "uint8"]:
        state[f"types.{name}"] = torch.arange(-5, 7).reshape(3, 4).to(getattr(torch, name))
    state["types.bool"] = torch.tensor([True, False, True])
    state["types.complex64"] = torch.complex(base[:4], base[4:8])
    shared = torch.arange(12, dtype=torch.float32)
    state["shared.first"] = shared
    state["shared.second"] = shared
    state["shared.part"] = shared[5:9]
    state["strided.transposed"] = table.t()
    state["strided.every_other"] = table[::2, 1::3]
    state["strided.permuted"] = torch.arange(24, dtype=torch.int16).reshape(2, 3, 4).permute(2, 0, 1)
    state["strided.expanded"] = torch.arange(3, dtype=torch.int64).reshape(1, 3).expand(4, 3)
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 3)
    state["parameter"] = torch.nn.Parameter(torch.ones(2, 2))
    state["gradient"] = torch.full((2,), 3.0, requires_grad=True)
    return state


def checkpoint():
    return {
        "epoch": 3,
        "state_dict": state_dict(),
        "optimizer_states": [{"state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(2, 2)}}, "lr": 1e-3}],
        "hyper_parameters": argparse.Namespace(lr=1e-3, name="a name", sizes=(1, 2, 3)),
        "callbacks": {"best": float("inf"), 5: None},
    }


def contiguous(tensors):
    return {name: t.detach().clone().contiguous() for name, t in tensors.items()}


def new_types():
    bits = torch.arange(8, dtype=torch.uint8)
    names = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"]
    tensors = {name: bits.view(getattr(torch, name)) for name in names}
    tensors |= {name: bits.to(getattr(torch, name)) for name in ["uint16", "uint32", "uint64"]}
    tensors["strided"] = bits.reshape(2, 4).t().view(torch.float8_e4m3fn)
    return {"model": {"deep": tensors}, "optimizer": {"state": torch.zeros(3)}}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind, zipped in [("zip", True), ("legacy", False)]:
        torch.save(checkpoint(), FOLDER / f"torch_{VERSION}_{kind}.pt", _use_new_zipfile_serialization=zipped)
    if VERSION.startswith("1."):
        return
    from safetensors.torch import save_file

    save_file(contiguous(state_dict()), FOLDER / "torch.safetensors")
    torch.save(new_types(), FOLDER / "torch_new_types.pt")
    raw = {f"deep.{n}": t.clone().contiguous() for n, t in new_types()["model"]["deep"].items()}
    save_file(raw, FOLDER / "torch_new_types.safetensors")
    layer = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    torch.manual_seed(0)
    for p in layer.parameters():
        torch.nn.init.uniform_(p)
    torch.save(layer, FOLDER / "torch_whole_model.pt")
    save_file(contiguous(layer.state_dict()), FOLDER / "torch_whole_model.safetensors")


if __name__ == "__main__":
    main()
