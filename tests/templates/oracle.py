"""Runs template cases through ansible-core, or through Jinja2 alone.

Reads a JSON list of {mode, template, vars} on standard input and writes a JSON list of {"ok": value}
or {"error": message}. The first argument is the folder that lookups and includes search.
Without ansible-core only the mode `jinja` is answered; other cases give {"skip": true}.
"""

import json
import os
import sys

import jinja2

try:
    from ansible._internal._templating._engine import TemplateOptions
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar, trust_as_template
except ImportError:
    Templar = None


def trust(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trust(item) for item in value]
    if isinstance(value, dict):
        return {key: trust(item) for key, item in value.items()}
    return value


def plain(value):
    if isinstance(value, (bool, type(None))):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return str(value)


def with_ansible(case, loader):
    engine = Templar(loader=loader, variables=trust(case["vars"]))._engine
    template = trust_as_template(case["template"])
    mode = case["mode"]
    if mode == "playbook":
        return engine.template(template, options=TemplateOptions(value_for_omit="<omitted>"))
    if mode == "file":
        result = engine.template(template, options=TemplateOptions(escape_backslashes=False))
        return "" if result is None else str(result)
    if mode == "expression":
        return engine.evaluate_expression(template)
    return engine.evaluate_conditional(template)


def with_jinja(case, folder):
    environment = jinja2.Environment(
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
        loader=jinja2.FileSystemLoader(folder),
    )
    return environment.from_string(case["template"]).render(case["vars"])


def main():
    folder = sys.argv[1]
    loader = None
    if Templar is not None:
        init_plugin_loader()
        loader = DataLoader()
        loader.set_basedir(folder)
    results = []
    for case in json.load(sys.stdin):
        try:
            if case["mode"] == "jinja":
                results.append({"ok": with_jinja(case, folder)})
            elif Templar is None:
                results.append({"skip": True})
            else:
                results.append({"ok": plain(with_ansible(case, loader))})
        except Exception as error:
            results.append({"error": str(error)})
    json.dump(results, sys.stdout)


main()
