"""Paddock's own defaults: the weakest scope, shown like any other, lifted by naming the place in ``allowRead``, ``allowWrite`` or ``paddock.environment.keep``.

Data with a reason per entry. A path belongs here when it usually holds something that lets its reader act as somebody else, or a record of what somebody did;
not when it is merely private. Paths that do not exist cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from paddock.model.globs import escape
from paddock.model.paths import is_beneath
from paddock.model.settings import Context, Entry, Origin, Scope
from paddock.settings.layer import Family, Layer
from paddock.settings.overrides import EVERY, HIDDEN_SECRETS

__all__ = ["AGENT_VARIABLES", "DENY_READ", "KEEP", "PROCESSES", "REMOVE", "layer"]

DENY_READ: tuple[tuple[str, str], ...] = (
    # Keys and logins of remote machines and clouds.
    ("~/.ssh", "ssh keys and hosts"),
    ("~/.aws", "AWS keys"),
    ("~/.config/gcloud", "Google Cloud tokens"),
    ("~/.boto", "Google Cloud and AWS keys"),
    ("~/.azure", "Azure tokens"),
    ("~/.kube", "Kubernetes clients' certificates and tokens"),
    ("~/.config/doctl", "DigitalOcean tokens"),
    ("~/.config/hcloud", "Hetzner tokens"),
    ("~/.config/scw", "Scaleway keys"),
    ("~/.config/linode-cli", "Linode tokens"),
    ("~/.oci", "Oracle Cloud keys"),
    ("~/.aliyun", "Alibaba Cloud keys"),
    ("~/.bluemix", "IBM Cloud tokens"),
    ("~/.fly", "Fly tokens"),
    ("~/.config/heroku", "Heroku tokens"),
    ("~/.config/netlify", "Netlify tokens"),
    ("~/.vercel", "Vercel tokens"),
    ("~/.local/share/com.vercel.cli", "Vercel tokens"),
    ("~/.config/.wrangler", "Cloudflare tokens"),
    ("~/.cloudflared", "Cloudflare tunnel keys"),
    ("~/.config/rclone", "passwords of cloud storage"),
    ("~/.s3cfg", "S3 keys"),
    ("~/.mc", "S3 keys"),
    ("~/.terraform.d/credentials.tfrc.json", "Terraform tokens"),
    ("~/.terraformrc", "Terraform tokens"),
    ("~/.pulumi/credentials.json", "Pulumi tokens"),
    ("~/.vault-token", "Vault token"),
    ("~/.config/op", "1Password session"),
    ("~/.config/sops", "sops age keys"),
    ("~/.config/age", "age keys"),
    # Containers.
    ("~/.docker/config.json", "registry logins"),
    ("~/.config/containers/auth.json", "registry logins"),
    ("~/.config/helm/registry", "registry logins"),
    # Package managers: only the files that hold logins; the presets show a copy without them.
    ("~/.npmrc", "npm tokens"),
    ("~/.yarnrc", "yarn tokens"),
    ("~/.yarnrc.yml", "yarn tokens"),
    ("~/.config/pnpm/rc", "pnpm tokens"),
    ("~/.pypirc", "package upload logins"),
    ("~/.pip/pip.conf", "index logins"),
    ("~/.config/pip/pip.conf", "index logins"),
    ("~/.config/uv/credentials", "index logins"),
    ("~/.local/share/uv/credentials", "index logins"),
    ("~/.config/pypoetry/auth.toml", "index logins"),
    ("~/.continuum", "channel logins"),
    ("~/.cargo/credentials", "crate registry tokens"),
    ("~/.cargo/credentials.toml", "crate registry tokens"),
    ("~/.gem/credentials", "gem push keys"),
    ("~/.local/share/gem/credentials", "gem push keys"),
    ("~/.bundle/config", "gem source logins"),
    ("~/.m2/settings.xml", "Maven repository logins"),
    ("~/.m2/settings-security.xml", "Maven master password"),
    ("~/.gradle/gradle.properties", "Gradle repository logins and signing keys"),
    ("~/.sbt/.credentials", "sbt repository logins"),
    ("~/.ivy2/.credentials", "Ivy repository logins"),
    ("~/.composer/auth.json", "Composer tokens"),
    ("~/.config/composer/auth.json", "Composer tokens"),
    ("~/.nuget/NuGet/NuGet.Config", "NuGet source logins"),
    ("~/.config/NuGet/NuGet.Config", "NuGet source logins"),
    ("~/.hex", "Hex keys"),
    ("~/.pub-cache/credentials.json", "pub tokens"),
    ("~/.config/dart/pub-credentials.json", "pub tokens"),
    ("~/.conan/.conan.db", "Conan logins"),
    ("~/.conan2/.conan.db", "Conan logins"),
    ("~/.huggingface", "model hub token"),
    ("~/.cache/huggingface/token", "model hub token"),
    ("~/.cache/huggingface/stored_tokens", "model hub tokens"),
    ("~/.kaggle", "Kaggle key"),
    # Git and forges.
    ("~/.git-credentials", "git logins"),
    ("~/.config/git/credentials", "git logins"),
    ("~/.cache/git/credential", "git's credential daemon"),
    ("~/.git-credential-cache", "git's credential daemon"),
    ("~/.netrc", "logins for curl, git and others"),
    ("~/.authinfo", "logins for mail and news"),
    ("~/.authinfo.gpg", "logins for mail and news"),
    ("~/.config/gh", "GitHub tokens"),
    ("~/.config/hub", "GitHub tokens"),
    ("~/.config/glab-cli", "GitLab tokens"),
    ("~/.config/tea", "Gitea tokens"),
    # Databases and mail.
    ("~/.pgpass", "PostgreSQL passwords"),
    ("~/.my.cnf", "MySQL passwords"),
    ("~/.mylogin.cnf", "MySQL passwords"),
    ("~/.mongorc.js", "MongoDB logins"),
    ("~/.msmtprc", "mail logins"),
    ("~/.config/msmtp", "mail logins"),
    ("~/.mbsyncrc", "mail logins"),
    ("~/.fetchmailrc", "mail logins"),
    ("~/.config/neomutt", "mail logins"),
    ("~/.cifs", "file share passwords"),
    ("~/.smbcredentials", "file share passwords"),
    ("~/.vnc/passwd", "VNC password"),
    # Histories: commands and the secrets that were typed into them.
    ("~/.bash_history", "shell history"),
    ("~/.zsh_history", "shell history"),
    ("~/.zhistory", "shell history"),
    ("~/.histfile", "shell history"),
    ("~/.sh_history", "shell history"),
    ("~/.ash_history", "shell history"),
    ("~/.ksh_history", "shell history"),
    ("~/.history", "shell history"),
    ("~/.local/share/fish/fish_history", "shell history"),
    ("~/.config/fish/fish_history", "shell history"),
    ("~/.local/share/atuin", "shell history and its key"),
    ("~/.config/nushell/history.txt", "shell history"),
    ("~/.python_history", "interpreter history"),
    ("~/.local/state/python/history", "interpreter history"),
    ("~/.node_repl_history", "interpreter history"),
    ("~/.irb_history", "interpreter history"),
    ("~/.ipython/profile_default/history.sqlite", "interpreter history"),
    ("~/.psql_history", "database history"),
    ("~/.mysql_history", "database history"),
    ("~/.sqlite_history", "database history"),
    ("~/.rediscli_history", "database history"),
    ("~/.mongosh", "database history"),
    ("~/.dbshell", "database history"),
    ("~/.lesshst", "pager history"),
    # Browsers and mail readers: cookies are logins.
    ("~/.mozilla", "Firefox profiles"),
    ("~/.config/mozilla", "Firefox profiles"),
    ("~/.thunderbird", "Thunderbird profiles"),
    ("~/.config/google-chrome", "Chrome profiles"),
    ("~/.config/google-chrome-beta", "Chrome profiles"),
    ("~/.config/google-chrome-unstable", "Chrome profiles"),
    ("~/.config/chromium", "Chromium profiles"),
    ("~/.config/BraveSoftware", "Brave profiles"),
    ("~/.config/microsoft-edge", "Edge profiles"),
    ("~/.config/microsoft-edge-beta", "Edge profiles"),
    ("~/.config/microsoft-edge-dev", "Edge profiles"),
    ("~/.config/vivaldi", "Vivaldi profiles"),
    ("~/.config/opera", "Opera profiles"),
    ("~/.librewolf", "LibreWolf profiles"),
    ("~/.zen", "Zen profiles"),
    ("~/.tor-browser", "Tor Browser profiles"),
    ("~/.config/evolution", "mail logins"),
    ("~/.local/share/evolution", "mail"),
    ("~/snap/firefox", "Firefox profiles"),
    ("~/snap/chromium", "Chromium profiles"),
    ("~/snap/brave", "Brave profiles"),
    ("~/snap/thunderbird", "Thunderbird profiles"),
    ("~/.var/app/org.mozilla.firefox", "Firefox profiles"),
    ("~/.var/app/org.mozilla.Thunderbird", "Thunderbird profiles"),
    ("~/.var/app/com.google.Chrome", "Chrome profiles"),
    ("~/.var/app/org.chromium.Chromium", "Chromium profiles"),
    ("~/.var/app/com.brave.Browser", "Brave profiles"),
    ("~/.var/app/com.microsoft.Edge", "Edge profiles"),
    # Chat clients keep login tokens in their profiles.
    ("~/.config/Slack", "chat login"),
    ("~/.config/discord", "chat login"),
    ("~/.config/Signal", "chat keys"),
    ("~/.config/Element", "chat keys"),
    ("~/.local/share/TelegramDesktop", "chat login"),
    # Keyrings and password managers.
    ("~/.gnupg", "OpenPGP keys"),
    ("~/.password-store", "pass"),
    ("~/.local/share/keyrings", "GNOME keyring"),
    ("~/.local/share/kwalletd", "KDE wallet"),
    ("~/.local/share/secrets", "desktop secret service"),
    ("~/.local/share/python_keyring", "Python keyring"),
    ("~/.config/keepassxc", "KeePassXC"),
    ("~/.config/Bitwarden", "Bitwarden"),
    ("~/.config/Bitwarden CLI", "Bitwarden"),
    ("~/.config/1Password", "1Password"),
    ("~/.local/share/1password", "1Password"),
    ("~/.lastpass", "LastPass"),
    ("~/.config/lastpass", "LastPass"),
    ("~/.local/share/lpass", "LastPass"),
    ("~/.pki", "certificate store"),
    ("~/.Xauthority", "access to the X display"),
    ("~/.ICEauthority", "access to the desktop session"),
    ("~/.config/pulse/cookie", "access to the sound server"),
    # Other agents: logins, transcripts and instructions that they would obey.
    ("~/.claude", "another agent's login and transcripts"),
    ("~/.claude.json", "another agent's login and state"),
    ("~/.config/claude", "another agent's login"),
    ("~/.config/Claude", "another agent's login"),
    ("~/.codex", "another agent's login and transcripts"),
    ("~/.gemini", "another agent's login and transcripts"),
    ("~/.cursor", "another agent's state"),
    ("~/.config/Cursor", "another agent's login"),
    ("~/.codeium", "another agent's login"),
    ("~/.config/Windsurf", "another agent's login"),
    ("~/.config/github-copilot", "another agent's login"),
    ("~/.copilot", "another agent's login"),
    ("~/.aider*", "another agent's history and keys"),
    ("~/.continue", "another agent's keys and transcripts"),
    ("~/.config/opencode", "another agent's keys"),
    ("~/.local/share/opencode", "another agent's login and transcripts"),
    ("~/.config/goose", "another agent's keys"),
    ("~/.local/share/goose", "another agent's transcripts"),
    ("~/.config/amp", "another agent's login"),
    ("~/.local/share/amp", "another agent's login"),
    ("~/.qwen", "another agent's login"),
    ("~/.factory", "another agent's login"),
    ("~/.config/io.datasette.llm", "keys of a model client"),
    # System files that hold password hashes, host keys or network secrets. An ordinary user cannot read most of them; a caller with uid 0 can.
    ("/etc/apt/auth.conf", "logins of package mirrors"),
    ("/etc/apt/auth.conf.d", "logins of package mirrors"),
    ("/etc/shadow", "password hashes"),
    ("/etc/shadow-", "password hashes"),
    ("/etc/gshadow", "password hashes"),
    ("/etc/gshadow-", "password hashes"),
    ("/etc/security/opasswd", "old password hashes"),
    ("/var/backups/shadow.bak", "password hashes"),
    ("/var/backups/gshadow.bak", "password hashes"),
    ("/etc/sudoers", "who may become root"),
    ("/etc/sudoers.d", "who may become root"),
    ("/etc/ssh/ssh_host_*_key", "host keys"),
    ("/etc/ssl/private", "server keys"),
    ("/etc/pki/tls/private", "server keys"),
    ("/etc/letsencrypt", "server keys"),
    ("/etc/krb5.keytab", "Kerberos host key"),
    ("/etc/NetworkManager/system-connections", "network passwords"),
    ("/etc/wpa_supplicant", "network passwords"),
    ("/etc/netplan", "network passwords"),
    ("/etc/wireguard", "tunnel keys"),
    ("/etc/openvpn", "tunnel keys"),
    ("/etc/ppp/chap-secrets", "dial-in passwords"),
    ("/etc/ppp/pap-secrets", "dial-in passwords"),
    ("/etc/kubernetes", "cluster keys"),
    ("/etc/rancher", "cluster keys"),
    ("/var/lib/kubelet", "cluster keys"),
    ("/etc/docker/key.json", "container engine key"),
    ("/var/lib/cloud/instances", "start-up data of cloud machines, often with passwords"),
    ("/var/lib/sss/db", "cached logins"),
    ("/var/lib/sss/secrets", "cached logins"),
)
"""Unreadable unless re-opened: (path entry, why)."""

_RELOCATED: tuple[tuple[str, str], ...] = (
    # Variables that move one of the places above. Only absolute values count; a value may be a list for KUBECONFIG, whose parts all count.
    ("AWS_SHARED_CREDENTIALS_FILE", "AWS keys"),
    ("AWS_CONFIG_FILE", "AWS keys"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "Google Cloud tokens"),
    ("CLOUDSDK_CONFIG", "Google Cloud tokens"),
    ("AZURE_CONFIG_DIR", "Azure tokens"),
    ("KUBECONFIG", "Kubernetes clients' certificates and tokens"),
    ("DOCKER_CONFIG", "registry logins"),
    ("REGISTRY_AUTH_FILE", "registry logins"),
    ("NPM_CONFIG_USERCONFIG", "npm tokens"),
    ("npm_config_userconfig", "npm tokens"),
    ("PIP_CONFIG_FILE", "index logins"),
    ("NETRC", "logins for curl, git and others"),
    ("PGPASSFILE", "PostgreSQL passwords"),
    ("HISTFILE", "shell history"),
    ("GNUPGHOME", "OpenPGP keys"),
    ("PASSWORD_STORE_DIR", "pass"),
    ("GH_CONFIG_DIR", "GitHub tokens"),
    ("GLAB_CONFIG_DIR", "GitLab tokens"),
    ("RCLONE_CONFIG", "passwords of cloud storage"),
    ("TF_CLI_CONFIG_FILE", "Terraform tokens"),
    ("XAUTHORITY", "access to the X display"),
    ("CLAUDE_CONFIG_DIR", "another agent's login and transcripts"),
    ("CODEX_HOME", "another agent's login and transcripts"),
)

REMOVE: tuple[tuple[str, str], ...] = (
    # Names that say what they hold.
    ("*TOKEN*", "a token by its name"),
    ("*SECRET*", "a secret by its name"),
    ("*PASSWORD*", "a password by its name"),
    ("*PASSWD*", "a password by its name"),
    ("*PASSPHRASE*", "a passphrase by its name"),
    ("*CREDENTIAL*", "credentials by their name"),
    ("*_PASS", "a password by its name"),
    ("*_PWD", "a password by its name"),
    ("*_KEY", "a key by its name"),
    ("*_KEY_ID", "half of a key pair"),
    ("*APIKEY*", "a key by its name"),
    ("*API_KEY*", "a key by its name"),
    ("*ACCESS_KEY*", "a key by its name"),
    ("*PRIVATE_KEY*", "a key by its name"),
    ("*_PAT", "a personal access token"),
    ("*_AUTH", "a login by its name"),
    ("*_COOKIE", "a session by its name"),
    ("*AUTH_HEADER*", "a login by its name"),
    ("*WEBHOOK_URL*", "an address that is a secret"),
    # Addresses with a login inside.
    ("*_DSN", "a database address with a login"),
    ("*CONNECTION_STRING*", "a database address with a login"),
    ("*DATABASE_URL*", "a database address with a login"),
    ("REDIS_URL", "a database address with a login"),
    ("MONGO_URL", "a database address with a login"),
    ("MONGODB_URI", "a database address with a login"),
    ("MONGODB_URL", "a database address with a login"),
    ("AMQP_URL", "a queue address with a login"),
    ("*_PROXY", "a proxy address, often with a login; not reachable from inside"),
    # Clouds and tools whose other variables lead to keys.
    ("AWS_*", "AWS access"),
    ("AZURE_CLIENT_*", "Azure access"),
    ("ARM_CLIENT_*", "Azure access"),
    ("KUBECONFIG", "where cluster keys are"),
    ("DOCKER_HOST", "a container engine is root on the host"),
    ("CONTAINER_HOST", "a container engine is root on the host"),
    ("OTEL_EXPORTER_OTLP*_HEADERS", "telemetry login"),
    # Doors to the person's session: agents, desktops, editors.
    ("SSH_AUTH_SOCK", "the ssh agent signs for whoever reaches it"),
    ("SSH_AGENT_PID", "the ssh agent"),
    ("SSH_ASKPASS", "asks the person for a password"),
    ("GIT_ASKPASS", "asks the person for a password"),
    ("SUDO_ASKPASS", "asks the person for a password"),
    ("GPG_AGENT_INFO", "the OpenPGP agent"),
    ("GNOME_KEYRING_CONTROL", "the keyring"),
    ("DBUS_SESSION_BUS_ADDRESS", "the desktop's bus"),
    ("DBUS_SYSTEM_BUS_ADDRESS", "the system's bus"),
    ("XAUTHORITY", "access to the X display"),
    ("DISPLAY", "the X display"),
    ("WAYLAND_DISPLAY", "the Wayland display"),
    ("WAYLAND_SOCKET", "the Wayland display"),
    ("XDG_RUNTIME_DIR", "where the session's sockets are"),
    ("VSCODE_GIT_*", "an editor's door for logins"),
    ("VSCODE_IPC_*", "an editor's remote control"),
    ("NVIM", "an editor's remote control"),
    ("TMUX", "a terminal multiplexer runs commands outside"),
    ("STY", "a terminal multiplexer runs commands outside"),
    ("KITTY_LISTEN_ON", "a terminal's remote control"),
    ("WEZTERM_UNIX_SOCKET", "a terminal's remote control"),
    ("KRB5CCNAME", "Kerberos tickets"),
)
"""Variables that the command does not get: (pattern, why). Compared without case."""

KEEP: tuple[tuple[str, str], ...] = (
    # Public values that the patterns above would catch.
    ("AWS_REGION", "says where, not who"),
    ("AWS_DEFAULT_REGION", "says where, not who"),
    ("AWS_PAGER", "a program to page with"),
    ("AWS_CA_BUNDLE", "the name of a file of certificates"),
    ("TOKENIZERS_PARALLELISM", "a switch of a library"),
    ("NO_PROXY", "names only"),
    ("no_proxy", "names only"),
)
"""Variables that stay although a pattern in ``REMOVE`` matches: (name, why)."""

AGENT_VARIABLES: tuple[tuple[str, str], ...] = (("OTEL_*", "an agent's own telemetry, which its commands do not get"),)
"""Variables that the documented semantics keep from commands (spec 8)."""

PROCESSES = 1280
"""Processes and threads at a time: enough for a parallel build, few enough that a fork bomb stops within the fence."""


def layer(context: Context, environ: Mapping[str, str], overrides: frozenset[str] = EVERY) -> Layer:
    """The builtin scope for one person: the data above, plus where this environment moves those places, plus Paddock's own."""
    out = Layer(Scope.BUILTIN, Family.BUILTIN, "builtin")
    remove = AGENT_VARIABLES
    if HIDDEN_SECRETS in overrides:
        own = ((context.paddock_config_home, "Paddock's own settings"), (context.state_home, "Paddock's own state"))
        paths = (*DENY_READ, *_moved_config(context, environ), *_relocated(environ), *own)
        out.lists["sandbox.filesystem.denyRead"] = [_entry("sandbox.filesystem.denyRead", path, why) for path, why in paths]
        out.lists["paddock.environment.keep"] = [_entry("paddock.environment.keep", name, why) for name, why in KEEP]
        remove = (*REMOVE, *AGENT_VARIABLES)
    out.lists["paddock.environment.remove"] = [_entry("paddock.environment.remove", name, why) for name, why in remove]
    limit = Origin(Scope.BUILTIN, "builtin", key="paddock.limits.processes", text=str(PROCESSES))
    out.scalars["paddock.limits.processes"] = Entry(PROCESSES, limit)
    return out


def _entry(key: str, value: str, why: str) -> Entry:
    return Entry(value, Origin(Scope.BUILTIN, "builtin", key=key, text=f"{value} ({why})"))


def _moved_config(context: Context, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Entries below ``~/.config`` and ``~/.local/share`` again below ``$XDG_CONFIG_HOME`` and ``$XDG_DATA_HOME``, where those lead elsewhere."""
    out: list[tuple[str, str]] = []
    for variable, default in (("XDG_CONFIG_HOME", "~/.config"), ("XDG_DATA_HOME", "~/.local/share")):
        moved = environ.get(variable, "").rstrip("/")
        if moved.startswith("/") and moved != context.home + default[1:]:
            out += [(escape(moved) + path[len(default) :], why) for path, why in DENY_READ if path.startswith(default + "/")]
    return out


def _relocated(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for variable, why in _RELOCATED:
        parts = environ.get(variable, "").split(":")
        # A value such as HISTFILE=/dev/null names a device that everything needs.
        out += [(escape(part), why) for part in parts if part.startswith("/") and part.strip("/") and not is_beneath(part, "/dev")]
    return out
