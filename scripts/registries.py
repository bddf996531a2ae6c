"""Which hosts this machine's npm, pip and apt download from, asked of the tools themselves, so that no file of the project has to name one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["apt_hosts", "hosts_in", "npm_hosts", "npm_registry", "pip_hosts", "pip_indexes", "reachable"]

ANSWER_SECONDS = 10


def hosts_in(text: str) -> set[str]:
    """The hosts of every http and https address in a text."""
    hosts = {urlsplit(address).hostname for address in re.findall(r"https?://[^\s'\"<>,)]+", text)}
    return {host for host in hosts if host and "." in host}


def ask(argv: list[str], environment: Mapping[str, str]) -> str:
    """What a tool prints, or nothing when it is not there or does not answer. Run in ``/``, so that no project's own files have a say."""
    if not shutil.which(argv[0], path=environment.get("PATH")):
        return ""
    answer = subprocess.run(argv, capture_output=True, text=True, check=False, env=dict(environment), cwd="/", timeout=60)
    return answer.stdout if answer.returncode == 0 else ""


def npm_registry(environment: Mapping[str, str]) -> str:
    """The address of the registry that npm uses, or nothing."""
    return ask(["npm", "config", "get", "registry"], environment).strip()


def npm_hosts(environment: Mapping[str, str]) -> set[str]:
    """The hosts that npm downloads from."""
    return hosts_in(npm_registry(environment))


def pip_indexes(environment: Mapping[str, str], python: str = sys.executable) -> list[str]:
    """The web addresses of the package indexes that pip uses: configured, else the default that its own help names."""
    configured = ask([python, "-m", "pip", "config", "list"], environment)
    lines = configured.splitlines()
    main = [address for line in lines if ".index-url=" in line for address in addresses(line)]
    extra = [address for line in lines if ".extra-index-url=" in line for address in addresses(line)]
    if not main:
        help_text = ask([python, "-m", "pip", "help", "install"], environment)
        default = re.search(r"\(default\s+(https?://\S+?)\)", help_text)
        main = [default.group(1)] if default else []
    return main + extra


def addresses(text: str) -> list[str]:
    """Every http and https address in a text, in order."""
    return re.findall(r"https?://[^\s'\"\\]+", text)


def pip_hosts(environment: Mapping[str, str], python: str = sys.executable, *, package: str = "h11") -> set[str]:
    """The hosts of pip's indexes and of the files that they point to, read from the page of one small package. Offline: of the indexes alone."""
    hosts: set[str] = set()
    for index in pip_indexes(environment, python):
        hosts |= hosts_in(index)
        try:
            request = urllib.request.Request(f"{index.rstrip('/')}/{package}/", headers={"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"})  # noqa: S310 -- addresses() gave http or https
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as page:  # noqa: S310 -- as above
                text = page.read().decode("utf-8", errors="replace")
        except (urllib.error.URLError, TimeoutError):
            continue
        links = [file["url"] for file in json.loads(text)["files"]] if text.startswith("{") else re.findall(r'href="([^"#]+)', text)
        hosts |= hosts_in(" ".join(links))
    return hosts


def apt_hosts() -> set[str]:
    """The hosts in this machine's apt sources."""
    sources = [*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    return set().union(*(hosts_in(source.read_text(encoding="utf-8", errors="replace")) for source in sources))


def reachable(address: str) -> bool:
    """Whether a web address answers at all; an HTTP error is an answer."""
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS):  # noqa: S310 -- the tools' own configuration names it
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, TimeoutError, ValueError):
        return False
