"""The training step of bench/training-step.ts in PyTorch, for bench/training.ts.

Reads one line a round from stdin, the number of steps to run, and answers with their milliseconds and the processor time
of all (ms). The first line that it writes tells loss and gradient norm of the first step, by which the two networks are compared.
Arguments: folder(step.json, numbers.bin) threads mode(float32|bfloat16|compile) device(cpu|cuda)
"""

import json
import math
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

FOLDER, THREADS, MODE, DEVICE = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
STEP = json.load(open(f"{FOLDER}/step.json"))
MODEL, TRAIN = STEP["model"], STEP["train"]
WIDTH, HEADS = MODEL["width"], MODEL["heads"]
HIDDEN = math.floor(WIDTH * MODEL["mlpRatio"] + 0.5)
PAPER = MODEL["block"] == "paper"


def read_numbers():
    everything = torch.frombuffer(bytearray(open(f"{FOLDER}/numbers.bin", "rb").read()), dtype=torch.float32)
    sizes = [math.prod(tensor["shape"]) for tensor in STEP["tensors"]]
    parts = everything.split(sizes)
    return {tensor["name"]: part.view(tensor["shape"]).to(DEVICE, copy=True) for tensor, part in zip(STEP["tensors"], parts)}


def activation(x):
    return F.relu(x) if MODEL["activation"] == "relu" else F.gelu(x, approximate="tanh")


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        if not PAPER:
            self.norm2 = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, HIDDEN)
        self.down = nn.Linear(HIDDEN, WIDTH)

    def attention(self, x):
        batch, steps, _ = x.shape
        query, key, value = self.qkv(x).view(batch, steps, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, steps, WIDTH))

    def mlp(self, x):
        return self.down(activation(self.up(x)))

    def forward(self, x):
        if PAPER:
            x = self.norm1(x)
            x = x + self.attention(x)
            return x + self.mlp(x)
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, context, features):
        super().__init__()
        self.mask = nn.Parameter(torch.zeros(features))
        self.embed = nn.Linear(features, WIDTH)
        self.position = nn.Parameter(torch.zeros(context, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(MODEL["blocks"]))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, features)

    def forward(self, values, present):
        x = self.embed(torch.where(present, values, self.mask)) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def load(self, numbers):
        ours = dict(self.named_parameters())
        for name, value in numbers.items():
            name = name.replace("attention.", "").replace("mlp.", "").replace(".gain", ".weight")
            with torch.no_grad():
                ours.pop(name).copy_(value.T if name.endswith(".weight") and value.dim() == 2 else value)
        assert not ours, list(ours)


class InputNorm:
    """Batch normalisation of what is present, without gain, bias or gradient; keeps running statistics."""

    def __init__(self, features):
        self.mean, self.variance = torch.zeros(features, device=DEVICE), torch.ones(features, device=DEVICE)

    def __call__(self, values, present):
        rows, here = values.flatten(0, 1), present.flatten(0, 1)
        count = here.sum(0).clamp(min=1)
        mean = torch.where(here, rows, 0).sum(0) / count
        variance = torch.where(here, rows - mean, 0).square().sum(0) / count
        self.mean.lerp_(mean, 0.1)
        self.variance.lerp_(variance, 0.1)
        return (values - mean) / torch.sqrt(variance + 1e-5)


def main():
    if THREADS > 0:
        torch.set_num_threads(THREADS)
    torch.backends.cuda.matmul.allow_tf32 = True  # as ONNX Runtime does
    numbers = read_numbers()
    values, targets, present, weights = (numbers.pop(name) for name in ("values", "targets", "present", "weights"))
    present = present > 0
    _, context, features = values.shape
    model = Transformer(context, features).to(DEVICE)
    model.load(numbers)
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and name != "position"]
    others = [p for name, p in model.named_parameters() if p.dim() != 2 or name == "position"]
    optimiser = torch.optim.AdamW(
        [{"params": matrices}, {"params": others, "weight_decay": 0}],
        TRAIN["learningRate"],
        (TRAIN["beta1"], TRAIN["beta2"]),
        TRAIN["epsilon"],
        TRAIN["weightDecay"],
        fused=True,
    )
    mean = torch.tensor(STEP["normaliser"]["mean"], device=DEVICE)
    inverse = 1 / torch.tensor(STEP["normaliser"]["deviation"], device=DEVICE)
    input_norm = InputNorm(features) if MODEL["inputNorm"] == "batch" else None
    network = torch.compile(model) if MODE == "compile" else model
    limit = TRAIN["clipNorm"] if TRAIN["clipNorm"] > 0 else math.inf

    def step():
        with torch.no_grad():
            rows = (values - mean) * inverse
            if input_norm is not None:
                rows = input_norm(rows, present)
            wanted = (targets - mean) * inverse
        with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=MODE != "float32"):
            errors = weights * (network(rows, present) - wanted) ** 2
            loss = errors.sum() * STEP["inverseWeight"]
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return loss.detach(), norm

    loss, norm = step()
    first = {"version": torch.__version__, "loss": loss.item(), "gradientNorm": norm.item()}
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        steps, before = int(line), time.process_time()
        # A GPU works behind the program's back: only the end of all steps can be timed.
        calls, each = (1, steps) if DEVICE == "cuda" else (steps, 1)
        durations = []
        for _ in range(calls):
            start = time.perf_counter()
            for _ in range(each):
                loss, _ = step()
            loss.item()
            durations.append(1e3 * (time.perf_counter() - start) / each)
        print(json.dumps({"durations_ms": durations, "cost_ms": 1e3 * (time.process_time() - before)}), flush=True)


main()
