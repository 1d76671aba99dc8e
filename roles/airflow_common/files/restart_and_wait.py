"""Restart a unit that runs, and wait until it is active and the web server calls everything healthy.

usage: restart_and_wait.py UNIT HEALTH_URL SECONDS
Prints "restarted UNIT ..." or "left UNIT ...": the first word says whether anything was done.
"""
import json
import subprocess
import sys
import time
import urllib.request


def active(unit):
    return subprocess.call(["systemctl", "is-active", "--quiet", unit]) == 0


def healthy(url):
    """What is not healthy, or nothing when all is."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            report = json.load(answer)
    except (OSError, ValueError) as error:
        return str(error)
    parts = [part for part in ("metadatabase", "scheduler") if report[part]["status"] != "healthy"]
    return ", ".join(parts) + " not healthy" if parts else ""


def main(unit, url, seconds):
    if not active(unit):
        print("left", unit, "alone: it does not run")
        return
    start = time.monotonic()
    subprocess.check_call(["systemctl", "daemon-reload"])
    subprocess.check_call(["systemctl", "restart", unit])
    trouble = "not asked yet"
    while time.monotonic() - start < seconds:
        time.sleep(1)
        trouble = healthy(url) if active(unit) else "it is not active"
        if not trouble:
            print("restarted %s, healthy after %d s" % (unit, time.monotonic() - start))
            return
    subprocess.call(["journalctl", "--no-pager", "--lines=20", "--unit", unit], stdout=sys.stderr)
    sys.exit("%s was restarted, but after %d s: %s" % (unit, seconds, trouble))


main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
