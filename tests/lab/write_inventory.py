#!/usr/bin/env python3
"""Writes what reaches a lab's hosts into its state folder: inventory.json, known_hosts, ssh_config.

usage: write_inventory.py DIR

The keys in known_hosts are read from the hosts' disks, where up.sh put them: nobody on the network is asked who
he is. inventory.json is what an inventory script prints for --list (see inventory/lab/hosts.sh).
"""

import json
import pathlib
import sys


def main(folder):
    hosts = {}
    for address in folder.glob("hosts/*/address"):
        hosts[address.parent.name] = address.read_text().strip()
    by_address = sorted(hosts, key=lambda name: [int(n) for n in hosts[name].split(".")])

    known = []
    for name in by_address:
        for key in sorted((folder / "hosts" / name / "up/etc/ssh").glob("ssh_host_*_key.pub")):
            kind, blob = key.read_text().split()[:2]
            known.append(f"{hosts[name]},{name} {kind} {blob}\n")
    (folder / "known_hosts").write_text("".join(known))

    key, known_hosts = folder / "id_ed25519", folder / "known_hosts"
    config = [f"Host {name}\n  HostName {hosts[name]}\n" for name in by_address]
    config.append(
        f"Host *\n  User root\n  IdentityFile {key}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {known_hosts}\n  StrictHostKeyChecking yes\n"
    )
    (folder / "ssh_config").write_text("".join(config))

    groups = {"airflow": [], "airflow_old": [], "services": []}
    for name in by_address:
        groups[{"ser": "services", "old": "airflow_old"}.get(name[:3], "airflow")].append(name)
    inventory = {
        "_meta": {"hostvars": {name: {"ansible_host": hosts[name]} for name in by_address}},
        "all": {
            "children": [g for g in groups],
            "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(key),
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes",
                "ansible_python_interpreter": "/usr/bin/python3",
                "lab_subnet": hosts[by_address[0]].rsplit(".", 1)[0] + ".0/24",
            },
        },
        **{group: {"hosts": names} for group, names in groups.items()},
    }
    temporary = folder / "inventory.json.new"
    temporary.write_text(json.dumps(inventory, indent=2) + "\n")
    temporary.rename(folder / "inventory.json")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve())
