"""The peers' side of the steps of `./run bench cpu`: another program with the same random weights, asked as bench/networks.cpp.

    python bench/peers.py KIND LAYOUT CHECKPOINT        KIND: openvino, openvino-default, pytorch, pytorch-compiled

Needs torch, diffusers and safetensors, and openvino for its kinds. One question per line, words apart by tabs, one line
of JSON per answer; times are seconds. Two threads.

    open              loads and converts the networks
    case FILE         the inputs of the next questions; whatever is compiled for a shape is compiled now
    step              the UNet once
    decode            the VAE's decoder once, on the first of the latents
    compare FILE      how far our result is from the last one: norm of the difference over the norm
"""
import contextlib
import json
import os
import pathlib
import sys
import time

import torch
from safetensors.torch import load_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/golden"))
import diffusers_models  # noqa: E402
import make_checkpoint  # noqa: E402

THREADS = 2


class Decoder(torch.nn.Module):
    """post_quant_conv and decoder, as AutoencoderKL.decode."""

    def __init__(self, vae):
        super().__init__()
        self.first, self.decoder = vae.post_quant_conv, vae.decoder

    def forward(self, latents):
        return self.decoder(self.first(latents))


class Step(torch.nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, latents, timesteps, context):
        return self.unet(latents, timesteps, encoder_hidden_states=context, return_dict=False)[0]


class PyTorch:
    """Weights and activations channels last; with torch.compile or without."""

    def __init__(self, unet, decoder, compiled):
        unet, decoder = (m.to(memory_format=torch.channels_last) for m in (unet, decoder))
        if compiled:
            unet, decoder = torch.compile(unet), torch.compile(decoder)
        self.unet, self.decoder, self.compiled = unet, decoder, compiled
        self.precision = self.default_precision = "f32"
        self.name = f"PyTorch {torch.__version__.split('+')[0]}, channels last" + (", compiled" if compiled else "")

    def prepare(self, latents, timesteps, context):
        self.inputs = latents.to(memory_format=torch.channels_last), timesteps, context
        if self.compiled:
            self.step()

    def step(self):
        return self.unet(*self.inputs)

    def decode(self):
        return self.decoder(self.inputs[0][:1])


def name_of(element_type):
    return element_type.to_string() if hasattr(element_type, "to_string") else str(element_type)


class OpenVino:
    """Compiled for each shape; precision f32, or what the plugin chooses for this processor."""

    def __init__(self, unet, decoder, inputs, precise):
        import openvino
        self.core = openvino.Core()
        latents, timesteps, context = inputs
        self.models = [openvino.convert_model(unet, example_input=inputs),
                       openvino.convert_model(decoder, example_input=latents[:1])]
        self.hints = {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY"}
        if precise:
            self.hints["INFERENCE_PRECISION_HINT"] = "f32"
        self.name = f"OpenVINO {openvino.__version__.split('-')[0]}" + (", f32" if precise else "")
        self.decoder = None

    def compiled(self, model, inputs):
        model.reshape({port.any_name: list(value.shape) for port, value in zip(model.inputs, inputs)})
        return self.core.compile_model(model, "CPU", self.hints)

    def prepare(self, latents, timesteps, context):
        self.inputs = [v.numpy() for v in (latents, timesteps, context)]
        self.unet = self.decoder = None  # its memory first
        self.unet = self.compiled(self.models[0], self.inputs)
        self.precision = name_of(self.unet.get_property("INFERENCE_PRECISION_HINT"))
        self.default_precision = name_of(self.core.get_property("CPU", "INFERENCE_PRECISION_HINT"))

    def step(self):
        return torch.from_numpy(self.unet(self.inputs)[0])

    def decode(self):
        if self.decoder is None:
            self.decoder = self.compiled(self.models[1], [self.inputs[0][:1]])
        return torch.from_numpy(self.decoder([self.inputs[0][:1]])[0])


class Worker:
    def __init__(self, kind, layout, checkpoint):
        self.kind, self.layout, self.checkpoint = kind, make_checkpoint.LAYOUTS[layout], checkpoint
        self.modules = self.peer = self.result = None

    def open(self):
        _, unet, vae = diffusers_models.load(self.layout, self.checkpoint)
        self.modules = Step(unet), Decoder(vae)
        return {}

    def case(self, path):
        tensors = load_file(path)
        inputs = tensors["latents"], tensors["timesteps"], tensors["context"]
        if self.peer is None and self.kind.startswith("openvino"):
            self.peer = OpenVino(*self.modules, inputs, self.kind == "openvino")
        elif self.peer is None:
            self.peer = PyTorch(*self.modules, self.kind == "pytorch-compiled")
        self.modules = None
        self.peer.prepare(*inputs)
        return {"name": self.peer.name, "precision": self.peer.precision,
                "default_precision": self.peer.default_precision}

    def timed(self, work):
        begin = time.perf_counter()
        self.result = work()
        return {"seconds": time.perf_counter() - begin}

    def step(self):
        return self.timed(self.peer.step)

    def decode(self):
        return self.timed(self.peer.decode)

    def compare(self, path):
        ours = load_file(path)["result"]
        return {"difference": float((ours - self.result).norm() / self.result.norm())}

    def answer(self, question, *words):
        if question not in ("open", "case", "step", "decode", "compare"):
            raise ValueError(f"no such question: {question}")
        return getattr(self, question)(*words)


def main():
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    torch.set_num_threads(THREADS)
    answers = sys.stdout
    worker = Worker(*sys.argv[1:4])
    for line in sys.stdin:
        try:
            with contextlib.redirect_stdout(sys.stderr), torch.inference_mode():
                answer = worker.answer(*line.rstrip("\n").split("\t"))
        except Exception as error:  # told to who asks
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
