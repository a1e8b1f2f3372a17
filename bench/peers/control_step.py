"""One control step of a NextGait policy in PyTorch: the peer of bench/control.ts.

Reads a bundle (policy.json, weights.safetensors) of the default kind: concat tokens, pre-LN blocks, ReLU, fixed
normaliser. Requests and answers are JSON lines on stdin and stdout:
  {"observation": [...], "previous_action": [...], "newest": k}   sets the window, answers {"action": [...]}
  {"steps": n, "mode": "eager" | "compile", "robots": b}          answers {"ms": [n times]} of b such windows at once
"""

import json
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional


def read_weights(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    start = 8 + length
    return {
        name: torch.from_numpy(
            np.frombuffer(raw[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], "<f4")
            .reshape(entry["shape"])
            .copy()
        )
        for name, entry in header.items()
    }


class Policy(torch.nn.Module):
    def __init__(self, description, weights):
        super().__init__()
        model, tokens = description["model"], description["tokens"]
        supported = (tokens["layout"], model["block"], model["activation"], model["inputNorm"])
        if supported != ("concat", "preln", "relu", "fixed"):
            sys.exit(f"this peer knows concat tokens, preln, relu, fixed; found {supported}")
        self.heads, self.blocks = model["heads"], model["blocks"]
        self.actions = len(description["jointNames"])
        for name, value in weights.items():
            # Stored [inputs, outputs]; functional.linear wants [outputs, inputs].
            value = value.t().contiguous() if value.ndim == 2 and name != "position" else value
            self.register_buffer(name.replace(".", "_"), value)
        for key in ("mean", "deviation"):
            self.register_buffer(key, torch.tensor(description["normaliser"][key], dtype=torch.float32))

    def linear(self, x, name):
        return functional.linear(x, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias"))

    def norm(self, x, name):
        gain = getattr(self, f"{name}_gain")
        return functional.layer_norm(x, gain.shape, gain, getattr(self, f"{name}_bias"), 1e-5)

    def forward(self, observation, action, newest: int):
        rows = (torch.cat([observation, action], -1) - self.mean) / self.deviation
        batch, steps = rows.shape[:2]
        x = self.linear(rows, "embed") + self.position[:steps]
        for block in range(self.blocks):
            name = f"blocks_{block}"
            qkv = self.linear(self.norm(x, f"{name}_norm1"), f"{name}_attention_qkv")
            query, key, value = (
                part.view(batch, steps, self.heads, -1).transpose(1, 2) for part in qkv.chunk(3, dim=-1)
            )
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            x = x + self.linear(mixed.transpose(1, 2).reshape(batch, steps, -1), f"{name}_attention_out")
            up = functional.relu(self.linear(self.norm(x, f"{name}_norm2"), f"{name}_mlp_up"))
            x = x + self.linear(up, f"{name}_mlp_down")
        row = self.linear(self.norm(x[:, newest], "norm"), "head") * self.deviation + self.mean
        return row[:, -self.actions :]


def main():
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    description = json.loads((folder / "policy.json").read_text())
    policy = Policy(description, read_weights(folder / "weights.safetensors")).eval()
    modes = {}
    context = description["tokens"]["context"]
    window = None
    print(json.dumps({"torch": torch.__version__}), flush=True)
    with torch.inference_mode():
        for line in sys.stdin:
            request = json.loads(line)
            if "observation" in request:
                observation = torch.tensor(request["observation"], dtype=torch.float32).view(1, context, -1)
                action = torch.tensor(request["previous_action"], dtype=torch.float32).view(1, context, -1)
                window = (observation, action, request["newest"])
                print(json.dumps({"action": policy(*window)[0].tolist()}), flush=True)
                continue
            mode, robots = request["mode"], request["robots"]
            windows = (window[0].repeat(robots, 1, 1), window[1].repeat(robots, 1, 1), window[2])
            if (mode, robots) not in modes:
                modes[mode, robots] = policy if mode == "eager" else torch.compile(policy, dynamic=False)
                for _ in range(3 if robots > 1 else 20):
                    modes[mode, robots](*windows)
            times = []
            for _ in range(request["steps"]):
                start = time.perf_counter()
                modes[mode, robots](*windows).numpy()
                times.append(1000 * (time.perf_counter() - start))
            print(json.dumps({"ms": times}), flush=True)


main()
