#!/usr/bin/env python3
"""Writes down how this machine reaches its package registries, for the lab's hosts.

usage: machine_settings.py DIR                      -> DIR/pip.conf, DIR/environment, DIR/binds
       machine_settings.py --certificates BUNDLE DIR -> DIR/machine-N.crt for each certificate that this machine
                                                        trusts and BUNDLE lacks

Nothing is named here: pip's files, the PIP_* and *_proxy variables and the certificate bundle are copied as found.
"""

import configparser
import os
import pathlib
import re
import ssl
import sys

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Settings that speak of this machine's own folders or users.
NOT_COPIED = {"cache-dir", "config-file", "log", "require-virtualenv", "user", "target", "prefix", "root", "src"}


def pip_settings():
    """pip's settings for this user, later sources winning: section -> {key: value}."""
    home = pathlib.Path.home()
    files = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    if os.environ.get("PIP_CONFIG_FILE"):
        files.append(os.environ["PIP_CONFIG_FILE"])
    parser = configparser.RawConfigParser()
    parser.read([str(f) for f in files])
    settings = {section: dict(parser.items(section)) for section in parser.sections()}
    general = settings.setdefault("global", {})
    for name, value in os.environ.items():
        if name.startswith("PIP_") and value:
            general[name[4:].lower().replace("_", "-")] = value
    for section in settings.values():
        for key in NOT_COPIED & set(section):
            del section[key]
        if "cert" in section:
            section["cert"] = BUNDLE  # the hosts' bundle holds this machine's certificates
    general["cache-dir"] = "/var/cache/pip"
    return settings


def write_settings(folder):
    """pip.conf, environment (proxies) and binds (local wheel folders, one a line)."""
    settings = pip_settings()
    lines = []
    for section, items in sorted(settings.items()):
        lines.append(f"[{section}]")
        lines += [f"{key} = " + value.replace("\n", "\n    ") for key, value in sorted(items.items())]
    (folder / "pip.conf").write_text("\n".join(lines) + "\n")
    proxies = {n: v for n, v in os.environ.items() if re.fullmatch(r"(?i)(https?|ftp|all|no)_proxy", n) and v}
    (folder / "environment").write_text("".join(f"{n}={v}\n" for n, v in sorted(proxies.items())))
    links = " ".join(items.get("find-links", "") for items in settings.values()).split()
    (folder / "binds").write_text("".join(f"{p}\n" for p in links if p.startswith("/") and os.path.isdir(p)))


def certificates(text):
    """The certificates of a PEM bundle, as bytes without armour."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S)
    return [ssl.PEM_cert_to_DER_cert(block) for block in blocks]


def write_certificates(bundle, folder):
    """One file for each certificate that is missing from the bundle."""
    known = set(certificates(pathlib.Path(bundle).read_text()))
    sources = {BUNDLE} | {os.environ[n] for n in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE") if os.environ.get(n)}
    extra = []
    for source in sorted(sources):
        if os.path.isfile(source):
            extra += [c for c in certificates(pathlib.Path(source).read_text()) if c not in known and c not in extra]
    for number, certificate in enumerate(extra):
        (folder / f"machine-{number}.crt").write_text(ssl.DER_cert_to_PEM_cert(certificate))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        write_settings(pathlib.Path(sys.argv[1]))
    elif len(sys.argv) == 4 and sys.argv[1] == "--certificates":
        write_certificates(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        sys.exit(__doc__)
