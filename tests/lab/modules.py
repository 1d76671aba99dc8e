#!/usr/bin/env python3
"""Modules that want a real host, by rplay and by ansible-core: the same tasks, results compared one by one.

usage: PYTHON modules.py RPLAY ANSIBLE_PLAYBOOK
A lab is up: airflow1, airflow2 and services1, with PostgreSQL on it. PYTHON is ansible-core's, for its reader of YAML.
Services are compared on two hosts, PostgreSQL on one, emptied in between. What a case says of `differs` is not compared.
"""
import json
import os
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CASES = os.path.join(ROOT, "tests/cases")
INVENTORY = os.path.join(ROOT, "inventory/lab")
# Of the moment, of the engine, or of the host's name.
SKIPPED = {"action", "elapsed", "invocation", "warnings", "deprecations", "exception", "start", "end", "delta", "status",
           "ansible_facts", "stdout", "stderr", "stdout_lines", "stderr_lines", "module_stdout", "module_stderr", "cmd"}
EMPTY = "for d in $(psql -Atc \"select datname from pg_database where datname not in ('postgres','template0','template1'," \
    "'airflow','airflow_old')\"); do psql -qc \"drop database \\\"$d\\\"\"; done; for r in $(psql -Atc \"select rolname from " \
    "pg_roles where rolname !~ '^pg_' and rolname not in ('postgres','airflow','airflow_old')\"); do " \
    "psql -qc \"drop owned by \\\"$r\\\"\"; psql -qc \"drop role \\\"$r\\\"\"; done"


def host(name, *command):
    return subprocess.run([os.path.join(HERE, "host.sh"), "exec", name, *command], check=True, capture_output=True)


def tasks(case):
    with open(os.path.join(CASES, "lab" if case == "host" else "modules", case + ".yml")) as text:
        # A refused task ends rplay before it begins; tests/modules.rs knows these.
        return [task for task in yaml.safe_load(text) if not task.pop("refused", None)]


def results(program, case, target, more, folder):
    """What each task came to, in order."""
    play = {"hosts": target, "gather_facts": False, "ignore_errors": True, "vars": more.get("vars", {}), "tasks": []}
    play.update({key: value for key, value in more.items() if key != "vars"})
    for number, task in enumerate(tasks(case)):
        task.pop("differs", None)
        play["tasks"].append({**task, "name": f"{number}: {task.get('name', '')}"})
    path = os.path.join(folder, case + ".json")
    with open(path, "w") as file:
        json.dump([play], file, indent=1)
    # ansible-core takes playbooks in YAML, of which JSON is a part.
    env = dict(os.environ, ANSIBLE_STDOUT_CALLBACK="ansible.posix.json", ANSIBLE_PIPELINING="True",
               ANSIBLE_HOST_KEY_CHECKING="False")
    command = [program, path, "-i", INVENTORY] + (["--output", "json"] if program.endswith("rplay") else [])
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    try:
        document = json.loads(done.stdout[done.stdout.index("{"):])
    except ValueError:
        sys.exit(f"{' '.join(command)}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return [(task["task"]["name"], next(iter(task["hosts"].values()))) for play in document["plays"]
            for task in play["tasks"]]


def seen(result):
    """What is compared: of a failure that it failed, of the rest every key that is not of the moment."""
    if result.get("failed"):
        return {"failed": True}
    result = dict(result)
    if "queries" in result:  # ansible-core takes a role's attributes in any order
        result["queries"] = [sorted(query.split()) for query in result["queries"]]
    flags = {key: bool(result.get(key)) for key in ("changed", "skipped", "failed")}
    return {**flags, **{key: value for key, value in result.items() if key not in SKIPPED and not key.startswith("_")
                        and key not in flags}}


def compare(case, ours, theirs):
    differs = {str(number): set(task.get("differs") or ()) for number, task in enumerate(tasks(case))}
    wrong = 0
    for (name, our), (_, their) in zip(ours, theirs, strict=True):
        a, b = seen(our), seen(their)
        keys = {key for key in a.keys() | b.keys() if a.get(key) != b.get(key)} - differs[name.split(":")[0]]
        # A key that only says nothing is no difference.
        for key in sorted(key for key in keys if a.get(key) or b.get(key)):
            wrong += 1
            said = f"{our.get('msg', '')} {their.get('msg', '')}"
            print(f"{case}, {name}: {key} is {a.get(key)!r}, ansible-core's {b.get(key)!r} {said}")
    print(f"{case}: {len(ours)} tasks, {wrong} differences", flush=True)
    return wrong


def main(rplay, ansible):
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in ("host", "systemd"):
            found = [results(program, case, target, {}, folder)
                     for program, target in ((rplay, "airflow1"), (ansible, "airflow2"))]
            wrong += compare(case, *found)
        host("services1", "sh", "-c", "apt-get install -y -qq python3-psycopg2 acl >/dev/null 2>&1 || "
             "{ apt-get update -qq && apt-get install -y -qq python3-psycopg2 acl >/dev/null; }")
        more = {"become": True, "become_user": "postgres",
                "vars": {"pg_socket": "/var/run/postgresql", "pg_port": 5432, "root": "/tmp/pg-root"}}
        for case in ("postgresql_user", "postgresql_db"):
            found = []
            for program in (rplay, ansible):
                host("services1", "rm", "-rf", "/tmp/pg-root")
                host("services1", "install", "-d", "-o", "postgres", "/tmp/pg-root")
                host("services1", "su", "postgres", "-c", EMPTY)
                found.append(results(program, case, "services1", more, folder))
            host("services1", "su", "postgres", "-c", EMPTY)
            wrong += compare(case, *found)
    return wrong == 0


sys.exit(not main(*sys.argv[1:]))
