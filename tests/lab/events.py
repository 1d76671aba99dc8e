#!/usr/bin/env python3
"""Questions to what `rplay --output jsonl` said of a run.

usage: events.py changed RUN...      the tasks that changed, one `HOST: TASK` a line, of each run's last word on it
       events.py predicts CHECK RUN  passes when a check run changed what the run after it changed
       events.py apart RUN TASK      passes when the task ran on one host after another
A prediction is compared by role: where a task cannot say what it would do, another one says it in check mode.
"""
import json
import sys


def events(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines if line.startswith("{")]


def changed(path):
    names = {event["id"]: event["task"] for event in events(path) if event["event"] == "task_start"}
    results = [event for event in events(path) if event["event"] == "result"]
    return sorted({f"{event['host']}: {names[event['id']]}" for event in results if event["status"] == "changed"})


def roles(path):
    """`HOST: ROLE` of all that changed."""
    return sorted({line.rsplit(" : ", 1)[0] for line in changed(path)})


def predicts(check, run):
    said, done = roles(check), roles(run)
    for line in sorted(set(said) ^ set(done)):
        print("predicted, not done:" if line in said else "done, not predicted:", line)
    return said == done and bool(done)


def apart(path, task):
    ids = {event["id"] for event in events(path) if event["event"] == "task_start" and event["task"].endswith(task)}
    busy, hosts = None, set()
    for event in events(path):
        if event.get("id") not in ids:
            continue
        if event["event"] == "host_start":
            if busy:
                print(f"{event['host']} began while {busy} was at it")
                return False
            busy = event["host"]
            hosts.add(busy)
        elif event["event"] == "result":
            busy = None
    print("one after another:", sorted(hosts))
    return len(hosts) > 1


def main(what, *args):
    if what == "changed":
        print("\n".join(line for path in args for line in changed(path)))
        return True
    return {"predicts": predicts, "apart": apart}[what](*args)


sys.exit(not main(*sys.argv[1:]))
