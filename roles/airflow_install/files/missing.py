"""Print, one a line, what is missing: missing.py NAME==VERSION DISTRIBUTION,... MODULE,..."""
import importlib.util
import sys
from importlib import metadata


def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


name, wanted = sys.argv[1].split("==")
if version(name) != wanted:
    print("%s %s (found: %s)" % (name, wanted, version(name)))
for distribution in filter(None, sys.argv[2].split(",")):
    if version(distribution) is None:
        print(distribution)
for module in filter(None, sys.argv[3].split(",")):
    if importlib.util.find_spec(module) is None:
        print("the module " + module)
