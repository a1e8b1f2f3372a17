"""The training step of bench/transformer-step.ts in PyTorch, for bench/training.ts.

Reads one line a round from stdin, the number of steps to run, and answers with one JSON list of milliseconds.
Arguments: width blocks heads batch time features threads mode(float32|bfloat16)
"""

import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTH, BLOCKS, HEADS, BATCH, TIME, FEATURES, THREADS = (int(word) for word in sys.argv[1:8])
MODE = sys.argv[8]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        batch, steps, _ = x.shape
        query, key, value = self.qkv(self.norm1(x)).view(batch, steps, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, steps, WIDTH))
        return x + self.down(F.relu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(FEATURES, WIDTH)
        self.position = nn.Parameter(torch.zeros(TIME, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, FEATURES)

    def forward(self, x):
        x = self.embed(x) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def main():
    if THREADS > 0:
        torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    model = Transformer()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    values, targets = torch.randn(BATCH, TIME, FEATURES), torch.randn(BATCH, TIME, FEATURES)
    weights = torch.rand(BATCH, TIME, FEATURES)

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=MODE == "bfloat16"):
            loss = (weights * (model(values) - targets) ** 2).sum() / weights.sum()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return loss.item()

    print(json.dumps({"version": torch.__version__, "parameters": sum(p.numel() for p in model.parameters())}), flush=True)
    for line in sys.stdin:
        durations = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            durations.append(1e3 * (time.perf_counter() - start))
        print(json.dumps(durations), flush=True)


main()
