"""The physics of bench/record.ts in MuJoCo's own Python package: the same compiled model, the same controls.

Arguments: the model as MJB. Reads one JSON line {"qpos", "controls": [[..], ..], "substeps"}, then one line a round, and
answers each with one JSON number, the milliseconds of a control step.
"""

import json
import sys
import time

import mujoco
import numpy as np

model = mujoco.MjModel.from_binary_path(sys.argv[1])
data = mujoco.MjData(model)
print(json.dumps({"version": mujoco.__version__}), flush=True)
script = json.loads(sys.stdin.readline())
controls = np.array(script["controls"])
print("null", flush=True)
for _ in sys.stdin:
    mujoco.mj_resetData(model, data)
    data.qpos[:] = script["qpos"]
    mujoco.mj_forward(model, data)
    start = time.perf_counter()
    for control in controls:
        data.ctrl[:] = control
        mujoco.mj_step(model, data, script["substeps"])
    print(json.dumps(1000 * (time.perf_counter() - start) / len(controls)), flush=True)
