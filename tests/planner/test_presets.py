"""Package managers: configuration without logins, hosts from configuration or installed data, nothing from the project."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paddock.model.settings import Origin, Scope
from paddock.planner.presets.base import Given
from paddock.planner.presets.collect import Presets, collect
from paddock.planner.presets.urls import Target, target_of, without_login, without_logins
from paddock.planner.view import View
from tests.planner.fakes import APP, HOME, Link, Tree, tree

ASKED = Origin(Scope.USER, "settings.json", 3, key="paddock.network.tools")
NPM = "/usr/lib/node_modules/npm"
DEFINITIONS = f"{NPM}/node_modules/@npmcli/config/lib/definitions/definitions.js"


def presets(files: Tree, *tools: str, environ: dict[str, str] | None = None, hidden: Callable[[str], bool] = lambda _: False, uid: int = 0) -> Presets:
    given = Given(
        view=View(files),
        home=HOME,
        project_root=APP,
        config_home=f"{HOME}/.config",
        environ=environ or {},
        programs=(f"{APP}/node_modules/.bin", "/usr/bin"),
        writable=lambda path: path.startswith(APP),
        hidden=hidden,
        uid=uid,
    )
    return collect(given, [(tool, ASKED) for tool in tools], project_root=APP, cache_home=f"{HOME}/.cache/paddock", cache_possible=True)


def content(made: Presets, path: str) -> str:
    (file,) = [file for file in made.files if file.path == path]
    return file.content.decode()


def patterns(made: Presets) -> list[str]:
    return [rule.pattern for rule in made.hosts]


# -- addresses


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://m.example/npm/", ("m.example", 443)),
        ("http://m.example:4873", ("m.example", 4873)),
        ("https://u:p@M.Example:8443/x?y#z", ("m.example", 8443)),
        ("https://u:p@ss@m.example/", ("m.example", 443)),
        ("https://[fd00::1]:8/x", ("fd00::1", 8)),
        ("ssh://git@m.example/x", ("m.example", 22)),
        ("git@m.example:team/x.git", ("m.example", 22)),
        ("https://m.example?x=@evil.example", ("m.example", 443)),
        ("https://m.example\\@evil.example/", None),
        ("file:///srv/wheels", None),
        ("/srv/wheels", None),
        ("./a:b", None),
        ("https://m_1.example", ("m_1.example", 443)),
        ("https://*.example/", None),
        ("https:///x", None),
        ("https://m.example:port/", None),
        ("https://m.example:0/", None),
        ("https://m.example:65536/", None),
        ("https://m.example\n.evil.example/", None),
        ("javascript://x", None),
        ("", None),
    ],
)
def test_targets(url: str, target: tuple[str, int] | None) -> None:
    assert target_of(url) == (None if target is None else Target(*target))


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://u:p@m.example/x", "https://m.example/x"),
        ("https://token@m.example/x", "https://m.example/x"),
        ("https://u:p@ss@m.example/x", "https://m.example/x"),
        ("https://m.example/a@b", "https://m.example/a@b"),
        ("ssh://git@m.example/x", "ssh://git@m.example/x"),
        ("ssh://git:pw@m.example/x", "ssh://m.example/x"),
        ("plain", "plain"),
    ],
)
def test_logins_are_taken_out(url: str, clean: str) -> None:
    assert without_login(url) == clean


def test_logins_are_taken_out_of_any_text() -> None:
    text = "deb http://u:hush@one.example/x y\nURIs:https://u:hu@sh@two.example\n # a@b https://three.example/a@b ://"
    assert without_logins(text) == "deb http://one.example/x y\nURIs:https://two.example\n # a@b https://three.example/a@b ://"
    assert without_logins("no address") == "no address"


# -- npm

NPMRC = """\
registry=https://user:hush1@mirror.example/npm/
@team:registry = https://team.example:8443/
//mirror.example/npm/:_authToken=hush2
_auth=hush3
//team.example:8443/:_password=hush4
save-exact=true
script-shell=/srv/evil
proxy=http://u:hush5@proxy.example
; a comment
cert="-----BEGIN hush6"
omit[]=dev
"""


def test_npm_keeps_what_it_needs_and_no_login() -> None:
    copy = content(presets(tree({f"{HOME}/.npmrc": NPMRC})), f"{HOME}/.npmrc")
    assert copy.splitlines() == ["registry=https://mirror.example/npm/", "@team:registry=https://team.example:8443/", "save-exact=true", "omit[]=dev"]


def test_npm_reaches_its_mirrors_and_not_its_default() -> None:
    files = tree({f"{HOME}/.npmrc": NPMRC, NPM: None, DEFINITIONS: "'registry', {\n default: 'https://default.example/',\n})"})
    made = presets(files, "npm")
    assert patterns(made) == ["mirror.example:443", "team.example:8443"]
    origin = made.hosts[1].origin
    assert (origin.scope, origin.file, origin.line, origin.key) == (Scope.USER, f"{HOME}/.npmrc", 2, "paddock.network.tools")


@pytest.mark.parametrize(
    "text",
    [
        "const x = {\n  registry: new Definition('registry', {\n    default: 'https://default.example/',\n    type: url,\n  }),\n}",
        "define('registry-other', {\n  default: 'https://no.example',\n})\ndefine('registry', {\n  default: `https://default.example/`,\n})",
    ],
)
def test_npm_without_configuration_gives_the_default_it_was_installed_with(text: str) -> None:
    files = tree({"/usr/bin/npm": Link("../lib/node_modules/npm/bin/npm-cli.js"), f"{NPM}/bin/npm-cli.js": "", DEFINITIONS: text})
    files.programs.add(f"{NPM}/bin/npm-cli.js")
    made = presets(files, "npm")
    assert patterns(made) == ["default.example:443"]
    assert (made.hosts[0].origin.scope, made.hosts[0].origin.file) == (Scope.BUILTIN, DEFINITIONS)


def test_npm_that_is_not_there_gives_nothing_and_says_so() -> None:
    made = presets(tree({}), "npm")
    assert not made.hosts
    assert any("npm gives no host" in notice.text for notice in made.notices)


def test_an_npm_that_the_project_brought_is_not_believed() -> None:
    own = f"{APP}/node_modules/npm"
    files = tree({f"{APP}/node_modules/.bin/npm": Link("../npm/bin/npm-cli.js"), f"{own}/bin/npm-cli.js": ""})
    files.add(f"{own}/node_modules/@npmcli/config/lib/definitions/definitions.js", "'registry', {\ndefault: 'https://evil.example'")
    files.programs.add(f"{own}/bin/npm-cli.js")
    assert not presets(files, "npm").hosts


def test_a_registry_of_the_environment() -> None:
    assert patterns(presets(tree({}), "npm", environ={"npm_config_registry": "http://localhost:4873/"})) == ["localhost:4873"]


def test_no_host_without_the_preset() -> None:
    assert not presets(tree({f"{HOME}/.npmrc": NPMRC})).hosts


def test_an_rc_file_in_the_project_is_left_alone_and_widens_nothing() -> None:
    made = presets(tree({f"{APP}/rc": NPMRC}), "npm", environ={"npm_config_userconfig": f"{APP}/rc"})
    assert not made.files
    assert not made.hosts
    assert [(entry.value, entry.origin.file, entry.origin.line) for entry in made.waiting] == [
        ("mirror.example:443", f"{APP}/rc", 1),
        ("team.example:8443", f"{APP}/rc", 2),
    ]


YARNRC = """\
npmRegistryServer: "https://u:hush@y.example/"
npmAuthToken: hush
npmRegistries:
  "//y.example":
    npmAuthToken: hush
"""


def test_the_projects_own_rc_file_is_named_and_not_believed() -> None:
    made = presets(tree({f"{APP}/.npmrc": "registry=https://p.example/\n", f"{HOME}/.npmrc": "registry=https://u.example/\n"}), "npm")
    assert patterns(made) == ["u.example:443"]
    assert [entry.value for entry in made.waiting] == ["p.example:443"]


def test_yarn_and_pnpm() -> None:
    files = tree(
        {
            f"{HOME}/.yarnrc.yml": YARNRC,
            f"{HOME}/.config/pnpm/rc": "registry=https://p.example/\n//p.example/:_authToken=hush\n",
        }
    )
    made = presets(files)
    assert content(made, f"{HOME}/.yarnrc.yml") == 'npmRegistryServer: "https://y.example/"\n'
    assert content(made, f"{HOME}/.config/pnpm/rc") == "registry=https://p.example/\n"


YARN_SCOPES = """\
npmRegistryServer: https://u:hush@y.example/
npmScopes:
  team:
    npmAuthToken: hush
    npmRegistryServer: "https://team.example:8443/"
  # a comment: of nobody
  lonely:
    npmAuthToken: hush
  other:
    npmRegistryServer: https://other.example/
npmRegistries:
  "https://y.example/":
    npmAuthToken: hush
    npmRegistryServer: https://not-here.example/
"""


def test_yarns_scopes_keep_their_registries_and_no_login() -> None:
    made = presets(tree({f"{HOME}/.yarnrc.yml": YARN_SCOPES, f"{HOME}/.yarnrc": '"@old:registry" "https://u:hush@old.example/"\nlastUpdateCheck 12\n'}), "npm")
    assert content(made, f"{HOME}/.yarnrc.yml").splitlines() == [
        "npmRegistryServer: https://y.example/",
        "npmScopes:",
        "  team:",
        '    npmRegistryServer: "https://team.example:8443/"',
        "  other:",
        "    npmRegistryServer: https://other.example/",
    ]
    assert content(made, f"{HOME}/.yarnrc") == '"@old:registry" "https://old.example/"\n'
    assert patterns(made) == ["old.example:443", "y.example:443", "team.example:8443", "other.example:443"]
    assert made.hosts[2].origin.line == 5


def test_pnpm_reaches_its_own_registry() -> None:
    made = presets(tree({f"{HOME}/.config/pnpm/rc": "@team:registry=https://p.example:4873/\n"}), "npm")
    assert patterns(made) == ["p.example:4873"]


# -- ssh


def test_sshs_drop_ins_belong_to_the_caller_inside() -> None:
    files = tree(
        {"/etc/ssh/ssh_config.d/20-x.conf": "SendEnv X\n", "/etc/ssh/ssh_config.d/old": "", "/etc/ssh/ssh_config.d/30-y.conf": Link("../y"), "/etc/ssh/y": "\n"}
    )
    made = presets(files, uid=1000)
    assert {file.path: file.content for file in made.files} == {"/etc/ssh/ssh_config.d/20-x.conf": b"SendEnv X\n", "/etc/ssh/y": b"\n"}
    assert not presets(files, uid=0).files, "root is somebody inside too"


# -- certificates

COMPANY = f"{HOME}/company.pem"
PEM = "a word before\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n"
ONLY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (f"{HOME}/.npmrc", "cafile=${HOME}/company.pem\n"),
        (f"{HOME}/.npmrc", f'cafile="{COMPANY}"\n'),
        (f"{HOME}/.config/pip/pip.conf", "[global]\ncert = ~/company.pem\n"),
        (f"{HOME}/.gitconfig", '[http "https://u:hush@m.example/"]\n\tsslCAInfo = ~/company.pem\n\textraHeader = hush\n'),
    ],
)
def test_a_hidden_certificate_that_a_tool_trusts_is_shown_without_its_key(where: str, text: str) -> None:
    files = tree({where: text, COMPANY: PEM})
    environ = {"HOME": HOME}
    assert content(presets(files, environ=environ, hidden=lambda path: path == COMPANY), COMPANY) == ONLY
    assert all(file.path != COMPANY for file in presets(files, environ=environ).files), "what is not hidden stays as it is"
    assert "hush" not in content(presets(files, environ=environ), where)


@pytest.mark.parametrize(
    ("value", "text"),
    [(COMPANY, "no certificate"), (COMPANY, ONLY.replace("MIIB", "-----BEGIN PRIVATE KEY-----")), ("company.pem", PEM), (f"{HOME}/gone.pem", PEM), (APP, PEM)],
)
def test_what_is_no_certificate_is_not_shown(value: str, text: str) -> None:
    made = presets(tree({COMPANY: text}), environ={"NODE_EXTRA_CA_CERTS": value}, hidden=lambda _: True)
    assert not made.files


def test_one_certificate_that_many_name_is_shown_once() -> None:
    environ = {"NODE_EXTRA_CA_CERTS": COMPANY, "SSL_CERT_FILE": COMPANY}
    made = presets(tree({COMPANY: PEM}), environ=environ, hidden=lambda _: True)
    assert [file.path for file in made.files] == [COMPANY]


def test_a_configuration_that_is_a_link_is_shown_with_the_way_to_it() -> None:
    files = tree({f"{HOME}/.npmrc": Link("dotfiles/npmrc"), f"{HOME}/dotfiles/npmrc": "save-exact=true\n"})
    made = presets(files, hidden=lambda path: path.startswith(HOME))
    assert content(made, f"{HOME}/dotfiles/npmrc") == "save-exact=true\n"
    assert [link for link, _ in made.links] == [f"{HOME}/.npmrc"]
    assert presets(files).links == (), "where nothing is hidden the link is there anyway"


# -- pip

PIP = """\
[global]
index-url = https://u:hush1@pip.example/simple
extra-index-url =
    https://one.example/simple
    https://u:hush2@two.example:8443/simple
proxy = http://u:hush3@proxy.example
client-cert = /home/dev/hush4.pem
[install]
no_binary: :all:
"""
PIP_CONF = f"{HOME}/.config/pip/pip.conf"


def test_pip_keeps_what_it_needs_and_no_login() -> None:
    copy = content(presets(tree({PIP_CONF: PIP})), PIP_CONF)
    assert "hush" not in copy
    assert copy.splitlines() == [
        "[global]",
        "index-url = https://pip.example/simple",
        "extra-index-url = ",
        "    https://one.example/simple",
        "    https://two.example:8443/simple",
        "[install]",
        "no-binary = :all:",
    ]


def test_pip_reaches_its_mirrors() -> None:
    assert patterns(presets(tree({PIP_CONF: PIP}), "pip")) == ["pip.example:443", "one.example:443", "two.example:8443"]


@pytest.mark.parametrize("where", ["/usr/lib/python3/dist-packages", "/usr/lib/python3.12/site-packages"])
def test_pip_without_configuration_gives_the_default_it_was_installed_with(where: str) -> None:
    text = 'PyPI = PackageIndex("https://default.example/", file_storage_domain="files.example")\nTestPyPI = PackageIndex("https://test.example/")\n'
    made = presets(tree({f"{where}/pip/_internal/models/index.py": text}), "pip")
    assert patterns(made) == ["default.example:443", "files.example:443"]


def test_pip_that_is_not_there_gives_nothing_and_says_so() -> None:
    made = presets(tree({}), "pip")
    assert not made.hosts
    assert any("pip gives no host" in notice.text for notice in made.notices)


def test_a_login_in_an_index_variable_stays_outside() -> None:
    made = presets(tree({}), "pip", environ={"PIP_INDEX_URL": "https://u:hush@v.example/simple"})
    assert made.environment["PIP_INDEX_URL"] == "https://v.example/simple"
    assert "v.example:443" in patterns(made)


def test_uv() -> None:
    text = 'index-url = "https://uv.example/simple"\n[[index]]\nname = "x"\nurl = "https://more.example/simple"\n'
    assert patterns(presets(tree({f"{HOME}/.config/uv/uv.toml": text}), "pip")) == ["uv.example:443", "more.example:443"]


UV = """\
index-url = "https://u:hush@uv.example/simple"
keyring-provider = "subprocess"
native-tls = true
concurrent-downloads = 4
no-binary-package = ["a", "b"]
[[index]]
name = "qu\\"oted \u00e9"
url = "https://u:hush@more.example/simple"
[pip]
extra-index-url = ["https://u:hush@third.example/simple"]
"""


def test_uv_keeps_what_it_needs_and_no_login() -> None:
    import tomllib

    copy = content(presets(tree({f"{HOME}/.config/uv/uv.toml": UV})), f"{HOME}/.config/uv/uv.toml")
    expected = tomllib.loads(UV.replace("u:hush@", ""))
    del expected["keyring-provider"]
    assert tomllib.loads(copy) == expected


def test_a_uv_file_that_is_no_toml_is_said() -> None:
    made = presets(tree({f"{HOME}/.config/uv/uv.toml": "= ="}), "pip")
    assert any("TOML" in notice.text for notice in made.notices)


# -- git

GITCONFIG = """\
[user]
\tname = A "B" C
\temail = a@b.example
[core]
\tautocrlf = input
\tfsmonitor = /srv/evil
\thooksPath = /srv/evil
\teditor = vim
\tpager = less
[alias]
\tx = !evil
[credential]
\thelper = store
[credential "https://m.example"]
\tusername = hush
[url "https://u:hush@m.example/"]
\tinsteadOf = https://o.example/
[filter "lfs"]
\tclean = git-lfs clean
[http]
\textraHeader = Authorization: hush
[include]
\tpath = more
[safe]
\tdirectory = *
[gpg]
\tprogram = evil
"""


def test_git_keeps_who_commits_and_no_program_and_no_login() -> None:
    files = tree({f"{HOME}/.gitconfig": GITCONFIG, f"{HOME}/more": "[pull]\n\trebase = true\n[core]\n\tsshCommand = evil\n"})
    copy = content(presets(files), f"{HOME}/.gitconfig")
    for gone in ("hush", "evil", "helper", "include", "lfs", "editor", "pager", "alias"):
        assert gone not in copy, gone
    for kept in ('name = "A B C"', 'email = "a@b.example"', 'autocrlf = "input"', '[url "https://m.example/"]', 'rebase = "true"', 'directory = "*"'):
        assert kept in copy, kept


def test_git_reaches_the_mirrors_of_the_users_configuration() -> None:
    assert patterns(presets(tree({f"{HOME}/.gitconfig": GITCONFIG}), "git")) == ["m.example:443"]


def test_a_repositorys_remotes_widen_nothing() -> None:
    files = tree({f"{APP}/.git/config": '[remote "origin"]\n\turl = https://evil.example/x\n[url "https://evil.example/"]\n\tinsteadOf = x\n'})
    assert not presets(files, "git").hosts


# -- apt


ONE_LINE = """\
# deb http://off.example x y
deb [arch=amd64 signed-by=/x] http://one.example/debian stable main
deb-src https://two.example/ x
"""
FIELDS = """\
Types: deb
URIs: https://three.example/x
 https://four.example/
Suites: s

Enabled: no
URIs: http://off.example
"""


def test_apt_reads_both_forms() -> None:
    files = tree(
        {
            "/etc/apt/sources.list": ONE_LINE,
            "/etc/apt/sources.list.d/a.sources": FIELDS,
            "/etc/apt/sources.list.d/b.list.save": "deb http://off.example x\n",
            "/etc/apt/sources.list.d/c.list": "deb cdrom:[Debian]/ x\n",
        }
    )
    assert patterns(presets(files, "apt")) == ["one.example:80", "two.example:443", "three.example:443", "four.example:443"]


def test_apts_lists_are_copied_when_they_hold_a_login() -> None:
    files = tree({"/etc/apt/sources.list": ONE_LINE, "/etc/apt/sources.list.d/a.sources": "URIs: https://u:hush@three.example/x\n# somebody@example.org\n"})
    made = presets(files)
    assert content(made, "/etc/apt/sources.list.d/a.sources") == "URIs: https://three.example/x\n# somebody@example.org\n"
    assert [file.path for file in made.files] == ["/etc/apt/sources.list.d/a.sources"]


def test_apt_without_lists_says_so() -> None:
    assert any("apt gives no host" in notice.text for notice in presets(tree({}), "apt").notices)


def test_private_files_do_not_cover_what_the_command_owns() -> None:
    made = presets(tree({f"{APP}/gc": GITCONFIG}), environ={"GIT_CONFIG_GLOBAL": f"{APP}/gc"})
    assert not made.files
