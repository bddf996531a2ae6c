"""git: clone and push over https and over ssh."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import applies, must
from tests.programs.conftest import Serve, need
from tests.programs.servers import accepting, git_backend
from tests.programs.world import World

IDENTITY = {"GIT_AUTHOR_NAME": "Some Body", "GIT_AUTHOR_EMAIL": "some@body.example"}
IDENTITY |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in IDENTITY.items()}
# One command line for the whole exchange, so that one fence sees clone, commit and push.
EXCHANGE = 'git clone -q "$0" copy && cd copy && echo changed >>tides.txt && git commit -q -a -m "Change" && git push -q origin HEAD:main'


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A folder with the bare repository ``tides.git``, which holds one commit on ``main``."""
    need("git")
    root = tmp_path / "served"
    work = tmp_path / "work"
    work.mkdir()
    for words in (["init", "-q", "-b", "main", "."], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        (work / "tides.txt").write_text("high\n")
        subprocess.run(["git", *words], cwd=work, check=True, env=os.environ | IDENTITY)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(root / "tides.git")], check=True)
    return root


def log(served: Path) -> list[str]:
    done = subprocess.run(["git", "-C", str(served / "tides.git"), "log", "--format=%s", "main"], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_https(world: World, serve: Serve, project: Path, served: Path) -> None:
    url = "https://code.servers.example/tides.git"
    extra = IDENTITY | {"GIT_SSL_CAINFO": str(serve.authority.certificate)}
    with serve.https("code.servers.example", git_backend(served)):
        world.run("sh", "-c", EXCHANGE, url, cwd=project, allow=["code.servers.example"], extra=extra).good()
        assert log(served) == ["Change", "Begin"]
        twin = world.run("git", "clone", "-q", url, "other", cwd=project, extra=extra)
    assert twin.code == 128
    assert "denied" in twin.err, twin.err
    assert twin.refused("code.servers.example:443")["area"] == "network"
    assert not (project / "other").exists()


class Sshd:
    """OpenSSH's server, one process for each connection, letting one key in to whoever runs the test."""

    def __init__(self, folder: Path, key: Path) -> None:
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")
        must(program, "sshd is not installed (openssh-server)")
        host_key = folder / "host_key"
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", ""]
        for file in (host_key, key):
            subprocess.run([*keygen, "-f", str(file)], check=True)
        config = folder / "sshd_config"
        config.write_text(
            f"HostKey {host_key}\nAuthorizedKeysFile {key}.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nPidFile none\n"
        )
        sshd = shlex.join([str(program), "-i", "-e", "-f", str(config)])
        # As root it wants an empty /run/sshd, which its package makes; here in a mount namespace, so that none is left behind.
        room = ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs run /run && mkdir -m 755 /run/sshd && exec {sshd}"]
        self.log = folder / "sshd.log"
        self._command = room if os.geteuid() == 0 else ["sh", "-c", f"exec {sshd}"]

    def __call__(self, peer: socket.socket) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with self.log.open("ab") as log:
            subprocess.run(self._command, stdin=peer.fileno(), stdout=peer.fileno(), stderr=log, check=False, env=environment)


def test_ssh(world: World, project: Path, served: Path, tmp_path: Path) -> None:
    need("ssh", "ssh-keygen")
    key = project / "deploy_key"
    sshd = Sshd(tmp_path, key)
    name = "ssh.servers.example"
    url = f"ssh://{pwd.getpwuid(os.geteuid()).pw_name}@{name}{served}/tides.git"
    ssh = f"ssh -i {key} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    extra = IDENTITY | {"GIT_SSH_COMMAND": ssh}
    with accepting(world.listen(world.host(name), 22), sshd):
        world.run("sh", "-c", EXCHANGE, url, cwd=project, allow=[f"{name}:22"], extra=extra).good()
        assert log(served) == ["Change", "Begin"]
        twin = world.run("git", "clone", "-q", url, "other", cwd=project, extra=extra)
    assert twin.code == 128
    assert "Connection reset by" in twin.err, twin.err
    assert twin.refused(f"{name}:22")["area"] == "network"
    assert not (project / "other").exists()


def test_ssh_takes_the_machines_drop_ins(world: World, project: Path) -> None:
    """ssh wants root or the caller to own them, and in a user namespace root is nobody."""
    applies(os.geteuid() != 0, "root is somebody inside")
    need("ssh")
    must(world.unfenced("grep", "-q", "", "/etc/ssh/ssh_config.d/20-machine.conf", cwd=project).code == 0, "no file of root's to stand in for a drop-in")
    words = ["ssh", "-G", "code.servers.example"]
    assert "Bad owner" in world.unfenced(*words, cwd=project).err, "the twin: this machine is such a namespace itself"
    assert "hostname code.servers.example\n" in world.run(*words, cwd=project).good().out
