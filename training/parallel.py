"""Training on a few processor cores: one process a core, parameters in shared memory.

Every process computes the gradient of its own part of the batch, then each updates its own share of the tensors with everyone's gradients.
Two barriers a step are all the communication there is; two threads in one process would wait for each other in every layer.
"""
import json
import math
import multiprocessing
import os
import time

import torch

from .muon import Adam, Muon

STALL = 20.0  # seconds a step counts for at most, so that a pause of the machine does not eat the schedule


class SharedWeights:
    """The trainable tensors of some modules, moved into shared memory, with a gradient buffer per process and an average over time."""

    def __init__(self, modules, processes):
        self.named = [(f"{key}.{name}", tensor) for key, module in modules.items() for name, tensor in module.named_parameters() if tensor.requires_grad]
        for _, tensor in self.named:
            tensor.data = tensor.data.clone().share_memory_()
        self.gradients = [[torch.zeros_like(tensor).share_memory_() for _, tensor in self.named] for _ in range(processes)]
        self.averages = [tensor.detach().clone().share_memory_() for _, tensor in self.named]

    def shares(self, processes):
        """Tensor numbers for each process, of about equal total size."""
        parts, sizes = [[] for _ in range(processes)], [0] * processes
        for number in sorted(range(len(self.named)), key=lambda n: -self.named[n][1].numel()):
            smallest = sizes.index(min(sizes))
            parts[smallest].append(number)
            sizes[smallest] += self.named[number][1].numel()
        return parts

    def averaged(self, key):
        """The averaged weights of one of the modules, by their own names."""
        return {name[len(key) + 1:]: value.clone() for (name, _), value in zip(self.named, self.averages) if name.startswith(key + ".")}

    def keep_averages(self):
        for (_, tensor), average in zip(self.named, self.averages):
            tensor.data.copy_(average)


class Schedule:
    """Progress from 0 to 1 in elapsed time, and the learning rate: a short warm-up, then half a cosine."""

    def __init__(self, seconds, rate, warm_up, final=.03, start=0.0):
        self.seconds, self.rate, self.warm_up, self.final = seconds, rate, warm_up, final
        self.elapsed, self.last = start, time.monotonic()

    def advance(self):
        now = time.monotonic()
        self.elapsed += min(now - self.last, STALL)
        self.last = now
        return min(1.0, self.elapsed / self.seconds)

    def learning_rate(self, progress, step):
        cosine = .5 * (1 + math.cos(math.pi * progress))
        return self.rate * min(1, (step + 1) / self.warm_up) * (self.final + (1 - self.final) * cosine)


def wants_muon(name, tensor):
    """Hidden weights only: not tables, nor the layers that touch pictures, latents and their moments."""
    outer = ("embedding", "conv_in", "conv_out", "quant_conv", "input_blocks.0.0", "out.2", "time_embed", "heads.")
    return tensor.ndim >= 2 and not any(part in name for part in outer)


def train(modules, loss_of, seconds, rate, *, processes=2, warm_up=50, clip=1.0, average=.998, seed=0, log=None, every=20, save=None, save_every=240.0,
          start=0.0):
    """Train for some seconds of wall clock and leave the averaged weights in the modules.

    loss_of(progress, generator) returns a loss and a dict of floats to log; save(weights, seconds) is called now and then with SharedWeights
    and the seconds trained so far, which is what `start` takes to go on from there.
    Returns a summary: steps and seconds.
    """
    weights = SharedWeights(modules, processes)
    shares = weights.shares(processes)
    shared = torch.zeros(3 + processes).share_memory_()       # progress, stop, learning rate, squared gradient norms
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(processes)
    schedule = Schedule(seconds, rate, warm_up, start=start)
    summary = {}

    def work(rank):
        torch.set_num_threads(1)
        torch.manual_seed(seed * 1000 + rank)
        generator = torch.Generator().manual_seed(seed * 1000 + rank)
        for (_, tensor), gradient in zip(weights.named, weights.gradients[rank]):
            tensor.grad = gradient
        rules = {n: (Muon if wants_muon(*weights.named[n]) else Adam)(weights.named[n][1].data) for n in shares[rank]}
        record = Record(log, every) if rank == 0 else None
        step, next_save = 0, start + save_every
        while not shared[1]:
            for gradient in weights.gradients[rank]:
                gradient.zero_()
            loss, values = loss_of(float(shared[0]), generator)
            loss.backward()
            if rank == 0:
                progress = schedule.advance()
                shared[0], shared[2] = progress, schedule.learning_rate(progress, step)
            barrier.wait()
            sums = {n: torch.stack([part[n] for part in weights.gradients]).mean(0) for n in shares[rank]}
            shared[3 + rank] = float(sum(value.square().sum() for value in sums.values()))
            barrier.wait()
            norm = math.sqrt(float(shared[3:].sum()))
            if math.isfinite(norm):
                shrink, keep = min(1.0, clip / (norm + 1e-12)), min(average, (1 + step) / (10 + step))
                with torch.no_grad():
                    for n, rule in rules.items():
                        rule.step(sums[n] * shrink, float(shared[2]))
                        weights.averages[n].lerp_(rule.parameter, 1 - keep)
            step += 1
            if rank == 0:
                record.add(step, schedule.elapsed, dict(values, loss=float(loss.detach()), norm=norm, rate=float(shared[2])))
                shared[1] = float(shared[0] >= 1)
            barrier.wait()
            if rank == 0 and save and schedule.elapsed > next_save and not shared[1]:
                save(weights, schedule.elapsed)
                next_save += save_every
        if rank:
            os._exit(0)
        summary.update(steps=step, seconds=round(schedule.elapsed, 1))

    helpers = [context.Process(target=work, args=(rank,)) for rank in range(1, processes)]
    for helper in helpers:
        helper.start()
    work(0)
    for helper in helpers:
        helper.join()
    weights.keep_averages()
    return summary


class Record:
    """Averages what is logged over some steps and prints it, and appends it to a file of JSON lines."""

    def __init__(self, path, every):
        self.path, self.every, self.sums, self.count = path, every, {}, 0

    def add(self, step, elapsed, values):
        for key, value in values.items():
            self.sums[key] = self.sums.get(key, 0.0) + value
        self.count += 1
        if self.count < self.every:
            return
        line = dict(step=step, seconds=round(elapsed, 1), **{key: round(value / self.count, 5) for key, value in self.sums.items()})
        print(line, flush=True)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self.sums, self.count = {}, 0
