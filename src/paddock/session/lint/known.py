"""What the rules know by name. Data only, each with what somebody has to know about it.

Hosts are here because anybody can put data there under an account of their own, not because there is something wrong with them. Hosts of package registries are
left out on purpose: which ones a project uses is for its tools' own configuration to say.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CERTIFICATES", "CERTIFICATE_VARIABLES", "CONTROL_SOCKETS", "EXECUTORS", "OPEN_HOSTS", "PUBLIC_NAMES", "SECRET_NAMES", "SERVICES", "TEMPLATES"]

OPEN_HOSTS: Final[tuple[tuple[str, str], ...]] = (
    # Code hosts: whoever has an account there pushes, opens issues and makes snippets.
    ("github.com", "a code host"),
    ("api.github.com", "a code host"),
    ("uploads.github.com", "a code host"),
    ("gist.github.com", "snippets of anybody"),
    ("codeload.github.com", "archives of anybody's code"),
    ("raw.githubusercontent.com", "files of anybody"),
    ("gist.githubusercontent.com", "snippets of anybody"),
    ("objects.githubusercontent.com", "files of anybody"),
    ("gitlab.com", "a code host"),
    ("bitbucket.org", "a code host"),
    ("api.bitbucket.org", "a code host"),
    ("codeberg.org", "a code host"),
    ("git.sr.ht", "a code host"),
    ("gitee.com", "a code host"),
    ("dev.azure.com", "a code host"),
    ("sourceforge.net", "a code host"),
    # Object stores: a bucket of an attacker's own has a name below the same host.
    ("s3.amazonaws.com", "an object store"),
    ("storage.googleapis.com", "an object store"),
    ("x.blob.core.windows.net", "an object store"),
    ("x.r2.cloudflarestorage.com", "an object store"),
    ("x.r2.dev", "an object store"),
    ("x.digitaloceanspaces.com", "an object store"),
    ("x.backblazeb2.com", "an object store"),
    ("x.s3.wasabisys.com", "an object store"),
    ("x.supabase.co", "a database of anybody"),
    ("x.firebaseio.com", "a database of anybody"),
    ("x.firebasestorage.app", "an object store"),
    # Places to put text or files.
    ("pastebin.com", "a paste site"),
    ("paste.rs", "a paste site"),
    ("dpaste.org", "a paste site"),
    ("dpaste.com", "a paste site"),
    ("hastebin.com", "a paste site"),
    ("termbin.com", "a paste site"),
    ("ix.io", "a paste site"),
    ("0x0.st", "a file drop"),
    ("transfer.sh", "a file drop"),
    ("file.io", "a file drop"),
    ("catbox.moe", "a file drop"),
    ("www.dropbox.com", "a file drop"),
    ("content.dropboxapi.com", "a file drop"),
    ("drive.google.com", "a file drop"),
    ("docs.google.com", "documents and forms of anybody"),
    # Places made to receive requests, and tunnels to anybody's machine.
    ("webhook.site", "a collector of requests"),
    ("requestbin.com", "a collector of requests"),
    ("pipedream.net", "a collector of requests"),
    ("x.ngrok.io", "a tunnel to somebody's machine"),
    ("x.ngrok.app", "a tunnel to somebody's machine"),
    ("x.ngrok-free.app", "a tunnel to somebody's machine"),
    ("x.trycloudflare.com", "a tunnel to somebody's machine"),
    ("x.loca.lt", "a tunnel to somebody's machine"),
    # Chat: a webhook takes messages from anybody who knows its address.
    ("hooks.slack.com", "webhooks"),
    ("discord.com", "webhooks"),
    ("api.telegram.org", "bots of anybody"),
    # Where anybody's code answers.
    ("x.workers.dev", "programs of anybody"),
    ("x.pages.dev", "sites of anybody"),
    ("x.vercel.app", "sites of anybody"),
    ("x.netlify.app", "sites of anybody"),
    ("x.herokuapp.com", "programs of anybody"),
    ("x.github.io", "sites of anybody"),
    ("x.cloudfront.net", "sites of anybody"),
    ("x.execute-api.us-east-1.amazonaws.com", "programs of anybody"),
    ("x.lambda-url.us-east-1.on.aws", "programs of anybody"),
    ("x.azurewebsites.net", "sites of anybody"),
    ("x.cloudfunctions.net", "programs of anybody"),
    ("x.run.app", "programs of anybody"),
)
"""Hosts where others can put or take data. ``x`` stands for any name: what an entry matches is asked with it."""

PUBLIC_NAMES: Final = frozenset(
    {*("com", "org", "net", "io", "dev", "app", "ai", "co", "cloud", "sh", "info", "biz", "me", "tv", "xyz", "site", "online", "tech", "page"), "co.uk"}
    | {*("de", "uk", "fr", "eu", "nl", "us", "ca", "jp", "cn", "in", "br", "ru", "ch", "at", "it", "es", "pl", "se", "au", "gov", "edu", "com.au", "co.jp")}
)
"""Names below which anybody can register one."""

EXECUTORS: Final[tuple[str, ...]] = (
    *("docker", "docker run", "docker exec", "podman", "podman run", "podman exec", "kubectl", "kubectl exec", "nsenter", "chroot", "unshare", "systemd-run"),
    *("npm exec", "npm x", "pnpm dlx", "pnpm exec", "yarn dlx", "yarn exec", "bun x", "uv run", "uv tool run", "pipx run", "poetry run", "pipenv run"),
    *("hatch run", "conda run", "go run", "deno run", "mise exec", "direnv exec", "devbox run", "nix run", "nix-shell", "nix shell", "nix develop"),
    *("git bisect run", "git -c", "git config", "make -f", "find", "parallel", "watch", "timeout", "nohup", "setsid", "doas", "su", "script", "expect"),
    *("gdb", "lldb", "strace", "screen", "tmux", "vim", "vi", "nvim", "emacs", "ed", "man", "at", "batch", "crontab", "tclsh"),
    *("Rscript", "julia", "groovy", "java", "jshell", "scala", "swift", "ghci", "runghc", "elixir", "iex"),
)
"""Programs, or programs with their first word, that run code which their arguments name or hold. Interpreters and package runners are known to the engine."""

CONTROL_SOCKETS: Final[tuple[tuple[str, str], ...]] = (
    ("/run/docker.sock", "the container engine is root on this machine"),
    ("/var/run/docker.sock", "the container engine is root on this machine"),
    ("~/.docker/run/docker.sock", "the container engine starts containers with any folder of this user"),
    ("/run/podman/podman.sock", "the container engine is root on this machine"),
    ("/var/run/podman/podman.sock", "the container engine is root on this machine"),
    ("/run/containerd/containerd.sock", "the container engine is root on this machine"),
    ("/var/run/containerd/containerd.sock", "the container engine is root on this machine"),
    ("/run/crio/crio.sock", "the container engine is root on this machine"),
    ("/run/buildkit/buildkitd.sock", "the image builder runs commands as root"),
    ("/var/lib/lxd/unix.socket", "the container manager is root on this machine"),
    ("/var/lib/incus/unix.socket", "the container manager is root on this machine"),
    ("/var/snap/lxd/common/lxd/unix.socket", "the container manager is root on this machine"),
    ("/run/libvirt/libvirt-sock", "virtual machines can be given any disk of this machine"),
    ("/var/run/libvirt/libvirt-sock", "virtual machines can be given any disk of this machine"),
    ("/run/systemd/private", "the service manager starts anything as root"),
    ("/run/dbus/system_bus_socket", "services of the system take orders there"),
    ("/var/run/dbus/system_bus_socket", "services of the system take orders there"),
    ("/run/user/1000/bus", "the desktop's services start programs outside"),
    ("/run/user/1000/systemd/private", "the user's service manager starts programs outside"),
    ("/run/user/1000/podman/podman.sock", "the container engine starts containers with any folder of this user"),
    ("/run/user/1000/docker.sock", "the container engine starts containers with any folder of this user"),
    ("/run/user/1000/gnupg/S.gpg-agent", "the OpenPGP agent signs and decrypts for whoever reaches it"),
    ("/run/user/1000/keyring/ssh", "the ssh agent signs for whoever reaches it"),
    ("/tmp/.X11-unix/X0", "the display takes keystrokes for other windows"),  # noqa: S108 -- compared, not used
    ("/run/user/1000/wayland-0", "the display of this session"),
    ("/run/snapd.socket", "packages are installed as root there"),
    ("/run/nix/daemon-socket/socket", "builds run outside, as another user"),
    ("/nix/var/nix/daemon-socket/socket", "builds run outside, as another user"),
)
"""Sockets that do things outside for whoever can connect. 1000 stands for the user's own number."""

CERTIFICATES: Final[tuple[str, ...]] = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
    "/usr/share/ca-certificates/mozilla",
    "/usr/local/share/ca-certificates/company.crt",
    "/usr/lib/ssl/cert.pem",
)
"""Where systems keep the certificates that their programs trust."""

CERTIFICATE_VARIABLES: Final[tuple[str, ...]] = (
    *("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    *("NPM_CONFIG_CAFILE", "npm_config_cafile", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "DENO_CERT", "CARGO_HTTP_CAINFO", "NIX_SSL_CERT_FILE"),
)
"""Variables that name a file or folder of certificates to trust."""

SECRET_NAMES: Final[tuple[tuple[str, str], ...]] = (
    (".env", "settings with passwords and keys"),
    (".env.*", "settings with passwords and keys"),
    ("*.env", "settings with passwords and keys"),
    (".dev.vars", "secrets of a local worker"),
    ("id_rsa", "a private key"),
    ("id_ed25519", "a private key"),
    ("id_ecdsa", "a private key"),
    ("*.pem", "a private key"),
    ("*.key", "a private key"),
    ("*.p12", "a key store"),
    ("*.pfx", "a key store"),
    ("*.jks", "a key store"),
    ("*.keystore", "a key store"),
    ("*.ppk", "a private key"),
    ("*.kdbx", "a password safe"),
    (".netrc", "logins"),
    (".pgpass", "database passwords"),
    (".htpasswd", "password hashes"),
    (".git-credentials", "git logins"),
    ("credentials.json", "cloud keys"),
    ("service-account*.json", "cloud keys"),
    ("*.tfstate", "the state of an infrastructure, with its secrets"),
    ("*.tfvars", "variables of an infrastructure, often with secrets"),
    ("secrets.yml", "secrets"),
    ("secrets.yaml", "secrets"),
    ("secrets.json", "secrets"),
    ("master.key", "the key to encrypted settings"),
    (".vault_pass", "the key to encrypted settings"),
)
"""Names of files that usually hold a secret, and what. Files that end in pem or key count when they hold a private key."""

TEMPLATES: Final = frozenset({"example", "examples", "sample", "template", "tmpl", "tpl", "dist", "defaults", "schema", "enc", "age", "gpg", "vault"})
"""Last parts of names that say that the file holds no secret, or holds it encrypted."""

SERVICES: Final[dict[int, str]] = {
    22: "ssh",
    25: "mail",
    53: "name resolution",
    80: "web",
    88: "Kerberos",
    111: "RPC",
    139: "file sharing",
    389: "directory",
    443: "web",
    445: "file sharing",
    465: "mail",
    587: "mail",
    631: "printing",
    636: "directory",
    1433: "SQL Server",
    2049: "file sharing",
    2375: "container engine",
    2376: "container engine",
    3306: "MySQL",
    3389: "remote desktop",
    5432: "PostgreSQL",
    5900: "remote desktop",
    6379: "Redis",
    6443: "cluster",
    9229: "debugger",
    11211: "memcached",
    11434: "local models",
    27017: "MongoDB",
}
"""Ports at which programs of this machine expect a service of its own."""
