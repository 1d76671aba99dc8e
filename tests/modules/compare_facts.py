#!/usr/bin/env python3
"""Facts of this machine by rplay and by ansible-core, key by key: values, types and letter case.

usage: compare_facts.py RPLAY ANSIBLE_PLAYBOOK
Run by tests/run.sh where ansible-core is installed. Ends with 1 when a fact differs that is not named below."""
import json
import os
import subprocess
import sys
import tempfile

# Facts that rplay does not have, by the beginning of their names, and why.
ABSENT = {
    "facter_": "another program's facts, which comes with Ruby",
    "ohai_": "another program's facts, which comes with Ruby",
    "ansible_facter": "as above",
    "ansible_ohai": "as above",
    "ansible_oracle": "of Solaris and AIX only",
}

# They change from moment to moment, or tell of the process that asks: only their types are compared.
PASSING = {
    "ansible_date_time", "ansible_loadavg", "ansible_memfree_mb", "ansible_swapfree_mb", "ansible_memory_mb",
    "ansible_uptime_seconds", "ansible_env", "ansible_locally_reachable_ips",
}
# Within other facts.
PASSING_PARTS = {"block_available", "block_used", "inode_available", "inode_used", "size_available"}
# Of the run, not of the machine.
SKIPPED = {"discovered_interpreter_python", "gather_subset", "module_setup"}
# Lists whose order is that of a folder's entries.
UNORDERED = {"ansible_interfaces", "ansible_all_ipv4_addresses", "ansible_all_ipv6_addresses",
             "ansible_virtualization_tech_guest", "ansible_virtualization_tech_host"}

PLAY = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - setup:\n"


def facts(command, environment=()):
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as play:
        play.write(PLAY)
        play.flush()
        env = dict(os.environ, PATH="/usr/sbin:/usr/bin:/sbin:/bin", **dict(environment))
        text = subprocess.run([*command, "-i", "localhost,", "-c", "local", play.name], env=env, check=True,
                              stdout=subprocess.PIPE, text=True).stdout
    report = json.JSONDecoder().raw_decode(text[text.index("{"):])[0]
    return report["plays"][0]["tasks"][0]["hosts"]["localhost"]["ansible_facts"]


def types(value):
    if isinstance(value, dict):
        return {key: types(inner) for key, inner in value.items() if key == key.lower()}
    return [types(value[0])] if isinstance(value, list) and value else type(value).__name__


def comparable(key, value):
    if key in PASSING:
        return types({} if key == "ansible_env" else value)
    return plain(sorted(value) if key in UNORDERED and isinstance(value, list) else value)


def plain(value):
    if isinstance(value, dict):
        # A bridge lists its interfaces in the order of a folder too.
        return {key: plain(sorted(inner) if key == "interfaces" else inner)
                for key, inner in value.items() if key not in PASSING_PARTS}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    # 1 and 1.0 are the same number, but not the same type.
    return (type(value).__name__, value)


def differences(name, want, got):
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(set(want) | set(got)):
            yield from differences(f"{name}.{key}", want.get(key, "nothing"), got.get(key, "nothing"))
    elif want != got:
        yield f"{name}: want {show(want)}, got {show(got)}"


def show(value):
    text = json.dumps(value[1] if isinstance(value, tuple) else value)
    return text if len(text) < 300 else text[:300] + " …"


def main():
    rplay, ansible = sys.argv[1:]
    want = facts([ansible, "-e", "ansible_python_interpreter=/usr/bin/python3"], {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_DEPRECATION_WARNINGS": "0"}.items())
    got = facts([rplay, "--output", "json"])
    wrong, compared = [], 0
    for key in sorted(set(want) | set(got)):
        if key in SKIPPED or (key not in got and key.startswith(tuple(ABSENT))):
            continue
        compared += 1
        if key not in want or key not in got:
            wrong.append(f"{key}: " + (f"only rplay has it: {show(got[key])}" if key in got else f"missing: {show(want[key])}"))
        else:
            wrong.extend(differences(key, comparable(key, want[key]), comparable(key, got[key])))
    print(f"{compared} facts compared, {len(wrong)} differences")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


main()
