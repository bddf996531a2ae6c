"""curl: HTTP and HTTPS, which it does without knowing that anything is between."""

from __future__ import annotations

from pathlib import Path

from tests.programs.conftest import Serve, need
from tests.programs.servers import Answer, Pages
from tests.programs.world import World


def test_http(world: World, serve: Serve, project: Path) -> None:
    need("curl")
    pages = Pages({"/tides": Answer(b"high water\n")})
    with serve.http("plain.servers.example", pages):
        ran = world.run("curl", "-sS", "http://plain.servers.example/tides", cwd=project, allow=["plain.servers.example"])
        assert ran.good().out == "high water\n"
        assert [flow["subject"] for flow in ran.report["flows"]] == ["plain.servers.example:80"]
        twin = world.run("curl", "-sS", "http://plain.servers.example/tides", cwd=project)
    assert "paddock refused this request" in twin.out
    assert twin.refused("plain.servers.example:80")["area"] == "network"
    assert len(pages.asked) == 1, "the refused one never arrived"


def test_https(world: World, serve: Serve, project: Path) -> None:
    need("curl")
    pages = Pages({"/tides": Answer(b"low water\n")})
    curl = ["curl", "-sS", "--cacert", str(serve.authority.certificate), "https://tls.servers.example/tides"]
    with serve.https("tls.servers.example", pages):
        ran = world.run(*curl, cwd=project, allow=["tls.servers.example"])
        assert ran.good().out == "low water\n"
        twin = world.run(*curl, cwd=project)
    assert twin.code == 35, twin.err  # CURLE_SSL_CONNECT_ERROR
    assert "alert access denied" in twin.err
    assert twin.refused("tls.servers.example:443")["area"] == "network"
    assert len(pages.asked) == 1
