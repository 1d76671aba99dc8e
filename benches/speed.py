#!/usr/bin/env python3
"""Runs the same playbooks with rplay and with ansible-core, and prints medians and ratios.

usage: speed.py INVENTORY RUNS      (rplay, ansible-playbook on PATH; mitogen beside the latter)
"""
import glob
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def ansible(**more):
    base = {"ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_FORKS": "10", "ANSIBLE_LOCALHOST_WARNING": "False"}
    return dict(os.environ, **base, **more)


def mitogen():
    bin_dir = os.path.dirname(shutil.which("ansible-playbook"))
    folders = glob.glob(os.path.join(bin_dir, "../lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))
    return ansible(ANSIBLE_STRATEGY="mitogen_linear", ANSIBLE_STRATEGY_PLUGINS=os.path.realpath(folders[0]))


ENGINES = {
    "rplay": ("rplay", lambda: dict(os.environ)),
    "mitogen": ("ansible-playbook", mitogen),
    "pipelining": ("ansible-playbook", lambda: ansible(ANSIBLE_PIPELINING="True")),
}


def seconds(command, env):
    start = time.monotonic()
    done = subprocess.run(command, env=env, cwd=HERE, capture_output=True, text=True)
    took = time.monotonic() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return took


def measure(engine, arguments, runs):
    program, env = ENGINES[engine]
    command = [program, *arguments]
    seconds(command, env())  # warm: the agent is there, the files are as they will be
    return statistics.median(seconds(command, env()) for _ in range(runs))


def compare(title, arguments, runs, engines=tuple(ENGINES)):
    figures = {engine: measure(engine, arguments, runs) for engine in engines}
    for engine, figure in figures.items():
        print(f"{title:28} {engine:12} {figure * 1000:10.1f} ms {figure / figures['rplay']:8.1f} x", flush=True)


def peak():
    """The most memory that hello needs, in MB: of a child that alone counts."""
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); " \
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    said = subprocess.run([sys.executable, "-c", script, "rplay", "hello.yml"], cwd=HERE, capture_output=True, text=True)
    return int(said.stdout) / 1024


def main(inventory, runs):
    runs = int(runs)
    compare("hello, no host", ["hello.yml"], max(runs, 10) if runs > 1 else 1, ("rplay",))
    print(f"{'hello, peak memory':28} {'rplay':12} {peak():10.1f} MB")
    hosts = ["-i", inventory, "-l", "airflow"]
    compare("100 separate tasks, 3 hosts", ["separate.yml", *hosts], runs)
    compare("100 looped tasks, 3 hosts", ["looped.yml", *hosts], runs)


main(*sys.argv[1:])
