"""AequilibraE on a TNTP network, where it is installed (extra `bench`): CPU seconds to a relative gap, one core.

`python benchmarks/peer_aequilibrae.py NETWORK GAP` prints JSON; `bench_equilibrium.py` runs it with a time limit. From
the arrays of the network to the flows, graph building included, by its default algorithm, bi-conjugate Frank-Wolfe.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from importlib.metadata import version

# set before the library is loaded: waiting threads would spin, and their CPU seconds be counted (4 times as many)
os.environ |= {"AEQ_SHOW_PROGRESS": "FALSE", "OMP_WAIT_POLICY": "passive", "OMP_THREAD_LIMIT": "1"}

import numpy as np
import pandas as pd
from aequilibrae.matrix import AequilibraeMatrix
from aequilibrae.paths import Graph, TrafficAssignment, TrafficClass
from bench_equilibrium import OPTIMA, read


def flows(name: str, gap: float) -> dict[str, object]:
    """Assign a network to a gap."""
    problem, zones = read(name)
    time_, room, b, power = (problem.delays.table[:, k].copy() for k in range(4))
    power[b == 0.0] = 1.0  # it asks for a power of at least 1 and a capacity even where B is nought
    capacity = np.divide(1.0, room, out=np.ones_like(room), where=room > 0.0)
    began = time.process_time()
    network = pd.DataFrame(
        {
            "link_id": np.arange(1, problem.n_links + 1), "a_node": problem.tail + 1, "b_node": problem.head + 1,
            "direction": 1, "free_flow_time": time_, "capacity": capacity, "b": b, "power": power,
            "fixed": problem.fixed[0],
        }
    )  # fmt: skip
    graph = Graph()
    graph.network = network
    graph.prepare_graph(np.arange(1, zones + 1))
    graph.set_graph("free_flow_time")
    graph.set_blocked_centroid_flows(not bool(problem.through[:zones].all()))
    matrix = AequilibraeMatrix()
    matrix.create_empty(zones=zones, matrix_names=["trips"], memory_only=True)
    matrix.index = np.arange(1, zones + 1)
    table = np.zeros((zones, zones))
    np.add.at(table, (problem.origin, problem.destination), problem.demand)
    matrix.matrix["trips"][:] = table
    matrix.computational_view(["trips"])
    goods = TrafficClass("vehicles", graph, matrix)
    if network["fixed"].any():
        goods.set_fixed_cost("fixed", 1.0)
        goods.set_vot(1.0)
    work = TrafficAssignment()
    work.set_classes([goods])
    work.set_vdf("BPR")
    work.set_vdf_parameters({"alpha": "b", "beta": "power"})
    work.set_capacity_field("capacity")
    work.set_time_field("free_flow_time")
    work.set_algorithm("bfw")
    work.set_cores(1)
    work.max_iter, work.rgap_target = 100_000, gap
    work.execute()
    seconds = time.process_time() - began
    x = work.results().sort_index()["PCE_AB"].to_numpy()
    integral = time_ * (x + b * x / (power + 1.0) * (x / capacity) ** power) + network["fixed"].to_numpy() * x
    return {
        "version": version("aequilibrae"), "cpu_s": seconds, "gap": float(work.assignment.rgap),
        "iterations": int(work.assignment.iter), "off_optimum": float(integral.sum()) / OPTIMA[name] - 1,
    }  # fmt: skip


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(flows(sys.argv[1], float(sys.argv[2]))))
