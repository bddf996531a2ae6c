"""cargo, go, Maven and Gradle: hosts from configuration or installed data, no logins inside, and nothing from the project that nobody accepted."""

from __future__ import annotations

import io
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from paddock.model.settings import Entry, Origin, Scope
from paddock.planner.presets import gradle, maven
from paddock.planner.presets.base import Given
from paddock.planner.presets.collect import Presets, collect
from paddock.planner.presets.secret import looks_secret
from paddock.planner.presets.toml import parsed, written
from paddock.planner.presets.urls import target_of, without_logins
from paddock.planner.view import View
from tests.planner.fakes import APP, HOME, Link, Tree, tree

ASKED = Origin(Scope.USER, "settings.json", 3, key="paddock.network.tools")


def presets(
    files: Tree,
    *tools: str,
    environ: Mapping[str, str] | None = None,
    project: str = APP,
    trusts: Callable[[Entry], bool] = lambda _: False,
    networked: bool = True,
    possible: bool = True,
) -> Presets:
    given = Given(
        view=View(files),
        home=HOME,
        project_root=project,
        config_home=f"{HOME}/.config",
        environ=environ or {},
        programs=("/usr/bin",),
        writable=lambda path: path.startswith(project),
        trusts=trusts,
        networked=networked,
    )
    return collect(given, [(tool, ASKED) for tool in tools], project_root=project, cache_home=f"{HOME}/.cache/paddock", cache_possible=possible)


def installed(files: Tree, *programs: str) -> Tree:
    for program in programs:
        files.programs.add(program)
        files.add(program, files.entries.get(program, b""))
    return files


def content(made: Presets, path: str) -> str:
    (file,) = [file for file in made.files if file.path == path]
    return file.content.decode()


def patterns(made: Presets) -> list[str]:
    return [rule.pattern for rule in made.hosts]


def said(made: Presets, text: str) -> bool:
    return any(text in notice.text for notice in made.notices)


# -- what all of them share


@pytest.mark.parametrize("tool", ["cargo", "go", "maven", "gradle"])
def test_a_tool_that_is_not_there_gives_nothing_and_says_so(tool: str) -> None:
    made = presets(tree({}), tool)
    assert not made.hosts
    assert said(made, f"the preset {tool} gives no host")
    assert not {"CARGO_HOME", "GOCACHE", "GOMODCACHE", "MAVEN_OPTS", "GRADLE_USER_HOME"} & set(made.environment)
    assert len(made.binds) == 1


@pytest.mark.parametrize(
    ("program", "variables"),
    [
        ("cargo", {"CARGO_HOME": "/run/paddock/cargo"}),
        ("go", {"GOMODCACHE": "/run/paddock/cache/go-mod", "GOCACHE": "/run/paddock/cache/go-build"}),
        ("mvn", {"MAVEN_OPTS": f"-Dmaven.repo.local=/run/paddock/cache/maven -Dmaven.repo.local.tail={HOME}/.m2/repository"}),
        ("gradle", {"GRADLE_USER_HOME": "/run/paddock/gradle"}),
    ],
)
def test_a_cache_for_each_tool_that_is_installed(program: str, variables: dict[str, str]) -> None:
    files = installed(tree({}), f"/usr/bin/{program}")
    made = presets(files)
    bare = presets(tree({}))
    assert {name: value for name, value in made.environment.items() if name not in bare.environment} == variables
    nowhere = presets(files, possible=False)
    assert not nowhere.binds
    assert all("/tmp/cache/" in nowhere.environment[name] for name in variables)


def test_what_outlasts_a_run_is_never_reached_through_what_the_command_writes() -> None:
    made = presets(installed(tree({}), "/usr/bin/cargo", "/usr/bin/gradle"))
    writable = [bind.source for bind in made.binds]
    assert len(writable) == 7
    assert all(not one.startswith(f"{other}/") for one in writable for other in writable)


@pytest.mark.parametrize("name", ["CARGO_HOME", "GOCACHE", "GOMODCACHE", "GRADLE_USER_HOME"])
def test_a_place_of_the_callers_that_can_be_written_stays(name: str) -> None:
    files = installed(tree({}), "/usr/bin/cargo", "/usr/bin/go", "/usr/bin/gradle")
    assert name not in presets(files, environ={name: f"{APP}/own"}).environment
    assert name in presets(files, environ={name: f"{HOME}/own"}).environment


def test_without_a_network_what_was_fetched_before_is_worth_more_than_a_place_to_write() -> None:
    files = installed(tree({}), "/usr/bin/cargo", "/usr/bin/mvn", "/usr/bin/go")
    variables = presets(files, networked=False).environment
    assert "CARGO_HOME" not in variables
    assert "MAVEN_OPTS" not in variables
    assert "GOCACHE" in variables


@any_of(st.text())
def test_any_name_is_judged_without_regard_to_how_it_is_written(name: str) -> None:
    assert looks_secret(f"{name}token")
    assert looks_secret(f"AUTH_{name}")
    assert looks_secret("-".join(f"pass{'word'}"))


@pytest.mark.parametrize("name", ["registry", "index", "rustflags", "linker", "url", "GOPROXY", "GOFLAGS", "org.gradle.jvmargs", "directory"])
def test_usual_names_are_no_secrets(name: str) -> None:
    assert not looks_secret(name)


# -- cargo

CARGO = """\
[source.crates-io]
replace-with = "mirror"
[source.mirror]
registry = "sparse+https://u:hush@mirror.example/index/"
[registries.team]
index = "https://team.example:8443/index"
token = "hush"
credential-provider = ["hush"]
[registries.private-tokens]
index = "sparse+https://tokens.example/"
[registry]
token = "hush"
[http]
proxy = "hush"
[net]
git-fetch-with-cli = true
[target.x86_64-unknown-linux-gnu]
rustflags = ["-C", "link-arg=-s"]
[env]
API_TOKEN = "hush"
PLAIN = "kept"
"""
CONFIG = f"{HOME}/.cargo/config.toml"


def test_cargo_keeps_what_it_needs_and_no_login() -> None:
    copy = content(presets(tree({CONFIG: CARGO})), CONFIG)
    assert "hush" not in copy
    table = tomllib.loads(copy)
    assert table["source"]["mirror"] == {"registry": "sparse+https://mirror.example/index/"}
    assert table["registries"] == {"team": {"index": "https://team.example:8443/index"}, "private-tokens": {"index": "sparse+https://tokens.example/"}}
    assert table["target"] == {"x86_64-unknown-linux-gnu": {"rustflags": ["-C", "link-arg=-s"]}}
    assert table["net"] == {"git-fetch-with-cli": True}
    assert table["env"] == {"PLAIN": "kept"}


def test_cargo_reaches_its_registries_and_what_they_say_their_packages_are_at() -> None:
    index = f"{HOME}/.cargo/registry/index"
    files = tree({CONFIG: CARGO, f"{index}/mirror.example-0123456789abcdef/config.json": '{"dl": "https://files.example/{crate}"}'})
    files.add(f"{index}/unasked.example-0123456789abcdef/config.json", '{"dl": "https://no.example/"}')
    files.add(f"{index}/team.example-0123456789abcdef/config.json", "[")
    made = presets(files, "cargo")
    assert patterns(made) == ["mirror.example:443", "files.example:443", "team.example:8443", "tokens.example:443"]
    assert (made.hosts[0].origin.file, made.hosts[0].origin.line) == (CONFIG, 4)


BINARY = b"\x7fELF..sparse+https://iints..sparse+https://index.default.example/sparse+https://no.example/"


def test_what_an_index_of_the_project_once_answered_was_accepted_by_nobody() -> None:
    config = '[registries.x]\nindex = "sparse+https://mirror.example/"\n'
    cached = {f"{HOME}/.cargo/registry/index/mirror.example-0123/config.json": '{"dl": "https://files.example/"}'}
    assert patterns(presets(tree({f"{APP}/.cargo/config.toml": config, **cached}), "cargo", trusts=lambda _: True)) == ["mirror.example:443"]
    assert patterns(presets(tree({CONFIG: config, **cached}), "cargo")) == ["mirror.example:443", "files.example:443"]


def test_cargo_without_configuration_gives_the_index_it_was_built_with() -> None:
    files = installed(tree({"/usr/bin/cargo": BINARY}), "/usr/bin/cargo")
    made = presets(files, "cargo")
    assert patterns(made) == ["index.default.example:443"]
    assert made.hosts[0].origin.scope is Scope.BUILTIN
    assert said(made, "list that host if it is another")
    files.add(f"{HOME}/.cargo/registry/index/index.default.example-0123/config.json", '{"dl": "https://static.default.example/crates"}')
    assert patterns(presets(files, "cargo")) == ["index.default.example:443", "static.default.example:443"]
    files.add(CONFIG, CARGO)
    assert "index.default.example:443" not in patterns(presets(files, "cargo")), "another one takes its place"


def test_a_cargo_of_rustup() -> None:
    files = tree({"/usr/bin/cargo": Link("rustup"), "/usr/bin/rustup": b"", f"{HOME}/.rustup/toolchains/stable/bin/cargo": BINARY})
    assert patterns(presets(installed(files, "/usr/bin/rustup"), "cargo")) == ["index.default.example:443"]


def test_cargo_indexes_of_the_environment() -> None:
    made = presets(
        tree({}), "cargo", environ={"CARGO_REGISTRIES_TEAM_INDEX": "sparse+http://env.example/", "CARGO_REGISTRIES_TEAM_TOKEN": "https://no.example/"}
    )
    assert patterns(made) == ["env.example:80"]


def test_cargos_configuration_is_in_its_own_home_where_no_way_up_leads_to_it() -> None:
    files = installed(tree({CONFIG: CARGO, "/srv/app": None}), "/usr/bin/cargo")
    assert "[" not in content(presets(files, project="/srv/app"), "/run/paddock/cargo/config.toml")[:1]
    assert all(file.path != "/run/paddock/cargo/config.toml" for file in presets(files).files), "found by walking up from the project"


@pytest.mark.parametrize("text", ["= =", "[a", "\x00", "a = " + "[" * 5000])
def test_a_cargo_file_that_is_no_toml_is_said_and_empty_inside(text: str) -> None:
    made = presets(tree({CONFIG: text}), "cargo")
    assert said(made, "TOML")
    assert content(made, CONFIG) == ""


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)),
    max_leaves=20,
)


@any_of(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES))
def test_what_is_written_as_toml_reads_as_the_same(table: dict[str, object]) -> None:
    def has_address(value: object) -> bool:
        if isinstance(value, dict):
            return any(map(has_address, value.values()))
        return any(map(has_address, value)) if isinstance(value, list) else "://" in str(value)

    if not has_address(table):
        assert parsed(written(table)) == table


@any_of(st.binary())
def test_any_bytes_are_read_as_toml_or_not(content: bytes) -> None:
    assert isinstance(parsed(content), dict)


# -- go

GOENV = """\
GOPROXY=https://u:hush@one.example/path,https://u:hush@two.example|https://three.example:8443,direct
GOSUMDB=sums.example+0123 https://u:hush@checks.example/
GOPRIVATE=git.example/team/*,*.wild.example,nodot/x
GOAUTH=git /hush
GIT_TOKEN=hush
GOFLAGS=-mod=mod
"""
GOFILE = f"{HOME}/.config/go/env"


def test_go_reaches_its_proxies_its_checksums_and_private_hosts() -> None:
    made = presets(tree({GOFILE: GOENV}), "go")
    assert patterns(made) == ["one.example:443", "two.example:443", "three.example:8443", "checks.example:443", "git.example:443"]
    assert [rule.origin.line for rule in made.hosts] == [1, 1, 1, 2, 3]
    copy = content(made, GOFILE)
    assert "hush" not in copy
    assert "GOPROXY=https://one.example/path,https://two.example|https://three.example:8443,direct\n" in copy
    assert "GOFLAGS=-mod=mod\n" in copy


def test_the_environment_comes_first_and_its_login_stays_outside() -> None:
    made = presets(tree({GOFILE: GOENV}), "go", environ={"GOPROXY": "https://u:hush@env.example", "GOSUMDB": "off", "GOPRIVATE": "nodot"})
    assert patterns(made) == ["env.example:443"]
    assert made.environment["GOPROXY"] == "https://env.example"


def test_another_file_for_gos_settings() -> None:
    files = tree({GOFILE: GOENV, f"{HOME}/goenv": "GOPROXY=https://moved.example\n"})
    assert patterns(presets(files, "go", environ={"GOENV": f"{HOME}/goenv"})) == ["moved.example:443"]
    assert not patterns(presets(files, "go", environ={"GOENV": "off"}))


GOROOT = "/usr/lib/go"
SOURCE = (
    'package cfg\n\tGOROOT = x\n\tGOPROXY    = envOr("GOPROXY", "https://proxy.default.example,direct")\n\tGOSUMDB = envOr("GOSUMDB", "sums.default.example")\n'
)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("go.env", "# defaults\nGOPROXY=https://proxy.default.example,direct\nGOSUMDB=sums.default.example\n"),
        ("src/cmd/go/internal/cfg/cfg.go", SOURCE),
    ],
)
def test_go_without_configuration_gives_the_defaults_of_its_toolchain(file: str, text: str) -> None:
    files = tree({"/usr/bin/go": Link("../lib/go/bin/go"), f"{GOROOT}/bin/go": "", f"{GOROOT}/{file}": text})
    made = presets(installed(files, f"{GOROOT}/bin/go"), "go")
    assert patterns(made) == ["proxy.default.example:443", "sums.default.example:443"]
    assert (made.hosts[0].origin.scope, made.hosts[0].origin.file) == (Scope.BUILTIN, f"{GOROOT}/{file}")


def test_what_go_fetched_before_is_asked_first() -> None:
    files = installed(tree({GOFILE: "GOPROXY=https://u:hush@one.example\n", f"{HOME}/go/pkg/mod/cache/download": None}), "/usr/bin/go")
    assert presets(files).environment["GOPROXY"] == f"file://{HOME}/go/pkg/mod/cache/download,https://one.example"
    odd = installed(tree({f"{HOME}/a,b/pkg/mod/cache/download": None}), "/usr/bin/go")
    assert "GOPROXY" not in presets(odd, environ={"GOPATH": f"{HOME}/a,b"}).environment


@any_of(st.text())
def test_any_go_file_is_read(text: str) -> None:
    made = presets(tree({GOFILE: text.encode("utf-8", "surrogatepass")}), "go")
    assert all(pattern.rpartition(":")[0] for pattern in patterns(made))


# -- Maven

M2 = f"{HOME}/.m2/settings.xml"
SETTINGS = """\
<?xml version="1.0" encoding="UTF-8"?>
<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0">
  <localRepository>/hush</localRepository>
  <servers><server><id>a</id><username>hush</username><password>hush</password></server></servers>
  <proxies><proxy><host>hush.example</host><password>hush</password></proxy></proxies>
  <mirrors>
    <mirror><id>m</id><mirrorOf>MIRROROF</mirrorOf><url>https://u:hush@mirror.example/maven</url></mirror>
    <mirror><id>b</id><mirrorOf>external:http:*</mirrorOf><url>http://0.0.0.0/</url><blocked>true</blocked></mirror>
  </mirrors>
  <profiles><profile><id>p</id>
    <properties><sonar.token>hush</sonar.token><plain>a &lt; b</plain></properties>
    <repositories><repository><id>r</id><url>https://repo.example:8443/</url></repository></repositories>
    <pluginRepositories><pluginRepository><url>https://plugins.example/</url></pluginRepository></pluginRepositories>
  </profile></profiles>
  <activeProfiles><activeProfile>p</activeProfile></activeProfiles>
</settings>
"""
JAR = "/usr/share/maven/lib/maven-model-builder-3.x.jar"


def jar(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("org/apache/maven/model/pom-4.0.0.xml", text)
    return out.getvalue()


def with_maven(entries: dict[str, str | bytes | Link | None]) -> Tree:
    pom = "<project><repositories><repository><url>https://default.example/maven2</url></repository></repositories></project>"
    files = tree({"/usr/bin/mvn": Link("../share/maven/bin/mvn"), "/usr/share/maven/bin/mvn": "", JAR: jar(pom), **entries})
    return installed(files, "/usr/share/maven/bin/mvn")


def test_maven_keeps_what_it_needs_and_no_login() -> None:
    copy = content(presets(tree({M2: SETTINGS})), M2)
    assert "hush" not in copy
    root = fromstring(copy)  # noqa: S314 -- made here
    assert [child.tag for child in root] == ["mirrors", "profiles", "activeProfiles"]
    assert root.findtext("mirrors/mirror/url") == "https://mirror.example/maven"
    assert root.findtext("profiles/profile/properties/plain") == "a < b"
    assert root.findtext("activeProfiles/activeProfile") == "p"


@pytest.mark.parametrize(
    ("of", "default"), [("*", False), ("central", False), ("external:*,!local", False), ("team", True), ("*,!central", True), ("external:http:*", True)]
)
def test_maven_reaches_its_mirrors_and_the_default_unless_one_stands_for_it(of: str, default: bool) -> None:
    made = presets(with_maven({M2: SETTINGS.replace("MIRROROF", of)}), "maven")
    assert patterns(made) == ["mirror.example:443", "repo.example:8443", "plugins.example:443", *(["default.example:443"] if default else [])]
    assert (made.hosts[0].origin.file, made.hosts[0].origin.line) == (M2, 7)


def test_maven_without_configuration_gives_the_default_it_was_installed_with() -> None:
    made = presets(with_maven({}), "maven")
    assert patterns(made) == ["default.example:443"]
    assert (made.hosts[0].origin.scope, made.hosts[0].origin.file) == (Scope.BUILTIN, JAR)
    broken = presets(with_maven({JAR: b"PK\x03\x04 no archive"}), "maven")
    assert said(broken, "the preset maven gives no host")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>\n<settings><mirrors><mirror><url>https://&b;.example</url></mirror></mirrors></settings>'


@pytest.mark.parametrize(
    "data",
    [
        BOMB.encode(),
        BOMB.encode("utf-16"),
        ('<?xml version="1.0" encoding="cp037"?>' + BOMB).encode("cp037"),
        b'<?xml version="1.0"?><!DOCTYPE settings SYSTEM "file:///etc/passwd"><settings/>',
        b"<settings>",
        b"",
        b"\xff\xfe",
        b"<a>" * 3000 + b"</a>" * 3000,
    ],
    ids=["bomb", "bomb in UTF-16", "bomb in EBCDIC", "external", "truncated", "empty", "no text", "deep"],
)
def test_maven_settings_that_are_no_plain_xml_are_said_and_empty_inside(data: bytes) -> None:
    made = presets(tree({M2: data}), "maven")
    assert not made.hosts
    assert said(made, "no plain XML")
    assert content(made, M2) == "<settings/>\n"


def test_mavens_options_of_the_caller_stay_and_a_repository_that_can_be_written_too() -> None:
    files = installed(tree({}), "/usr/bin/mvn")
    assert presets(files, environ={"MAVEN_OPTS": "-Xmx1g"}).environment["MAVEN_OPTS"].startswith("-Xmx1g -Dmaven.repo.local=/run/paddock/cache/maven ")
    assert "MAVEN_OPTS" not in presets(files, environ={"MAVEN_OPTS": f"-Dmaven.repo.local={APP}/.m2"}).environment


@any_of(st.text(st.characters(codec="utf-8")))
def test_any_text_in_maven_settings_survives_or_is_refused(text: str) -> None:
    from xml.sax.saxutils import escape

    root = maven._parsed(f"<settings><profiles><p>{escape(text)}</p></profiles></settings>".encode())
    if root is not None and "://" not in text:
        copy = fromstring(maven._written(root))  # noqa: S314 -- made here
        assert copy.findtext("profiles/p") == root.findtext("profiles/p")


@any_of(st.binary())
def test_any_bytes_are_maven_settings_or_are_refused(data: bytes) -> None:
    made = presets(tree({M2: data}), "maven")
    assert (content(made, M2) == "<settings/>\n") == said(made, "no plain XML")


# -- Gradle

INIT = """\
allprojects { repositories {
  // maven { url 'https://no.example' }
  maven { url "https://u:hush@g.example/maven"; credentials { username "hush"
      password 'hu\\'sh' } }
  maven { url = uri("https://kotlin.example:8443/") }
  maven("https://short.example/")
  maven { url "https://${host}/x" }
  maven {
    url 'https://header.example/'
    credentials(HttpHeaderCredentials) {
      name = "Private"
      value = "hush"
    }
  }
} }
println "https://no.example"
"""
GRADLE = f"{HOME}/.gradle"


def test_gradle_reaches_the_repositories_written_out_in_the_users_scripts() -> None:
    files = tree(
        {
            f"{GRADLE}/init.gradle": INIT,
            f"{GRADLE}/init.d/a.gradle.kts": 'url = uri("https://d.example")\n',
            f"{GRADLE}/init.d/b.txt": "url 'https://no.example'\n",
        }
    )
    made = presets(files, "gradle")
    assert patterns(made) == ["g.example:443", "kotlin.example:8443", "short.example:443", "header.example:443", "d.example:443"]
    assert made.hosts[1].origin.line == 5


PROPERTIES = """\
org.gradle.parallel=true
systemProp.http.proxyHost=hush
signing.password=hush
repoUser: hush
long.token=a\\
  hush
org.gradle.jvmargs=-Xmx2g
mirror=https\\://u:hush@m.example/
"""


def test_gradle_keeps_its_configuration_without_logins() -> None:
    files = installed(tree({f"{GRADLE}/init.gradle": INIT, f"{GRADLE}/gradle.properties": PROPERTIES}), "/usr/bin/gradle")
    made = presets(files)
    for folder in (GRADLE, "/run/paddock/gradle"):
        script, properties = content(made, f"{folder}/init.gradle"), content(made, f"{folder}/gradle.properties")
        assert "hu" not in script.replace("https", "").replace("println", "")
        assert 'maven { url = uri("https://kotlin.example:8443/") }' in script
        assert properties.splitlines() == ["org.gradle.parallel=true", "org.gradle.jvmargs=-Xmx2g", "mirror=https\\://m.example/"]


def test_a_wrapper_in_the_project_brings_gradle() -> None:
    files = tree(
        {f"{APP}/gradlew": "#!/bin/sh\n", f"{APP}/gradle/wrapper/gradle-wrapper.properties": "a=b\ndistributionUrl=https\\://dist.example/gradle-8.zip\n"}
    )
    made = presets(files, "gradle")
    assert made.environment["GRADLE_USER_HOME"] == "/run/paddock/gradle"
    assert [(entry.value, entry.origin.line) for entry in made.waiting] == [("dist.example:443", 2)]
    assert not made.hosts


@any_of(st.text(st.characters(codec="utf-8")))
def test_any_script_keeps_its_lines(text: str) -> None:
    assert gradle._script(text).count("\n") == text.count("\n")
    assert set(gradle._properties(text).split("\n")) <= {without_logins(line) for line in text.split("\n")} | {""}
    assert all(target_of(url) is not None for _, url in gradle._addresses(f"url '{text}'"))


@any_of(st.text("abc '\\", max_size=20))
def test_nothing_of_a_string_is_left_after_credentials(text: str) -> None:
    out = gradle._script(f'credentials {{ password "{text}xyz')
    assert "xyz" not in out


# -- hosts of the project


@pytest.mark.parametrize(
    ("tool", "file", "text", "host"),
    [
        ("npm", ".npmrc", "registry=https://p.example/\n", "p.example:443"),
        ("yarn", ".yarnrc.yml", 'npmRegistryServer: "https://p.example/"\n', "p.example:443"),
        ("pip", ".venv/pip.conf", "[global]\nindex-url = https://p.example/simple\n", "p.example:443"),
        ("uv", "uv.toml", 'index-url = "https://p.example/simple"\n', "p.example:443"),
        ("uv", "pyproject.toml", '[[tool.uv.index]]\nurl = "https://p.example/simple"\n', "p.example:443"),
        ("cargo", ".cargo/config.toml", '[registries.x]\nindex = "sparse+https://p.example/"\n', "p.example:443"),
        ("gradle", "gradle/wrapper/gradle-wrapper.properties", "distributionUrl=https\\://p.example/g.zip\n", "p.example:443"),
    ],
)
def test_a_host_of_the_project_counts_when_this_very_content_was_accepted(tool: str, file: str, text: str, host: str) -> None:
    files = tree({f"{APP}/{file}": text})
    preset = {"yarn": "npm", "uv": "pip"}.get(tool, tool)
    waiting = presets(files, preset)
    assert host not in patterns(waiting)
    (entry,) = waiting.waiting
    assert entry.origin.text == f"{tool}: {host} (from ./{file}, sha256 {sha256(text.encode()).hexdigest()})"
    assert (entry.origin.scope, entry.origin.key) == (Scope.PROJECT, "paddock.network.tools")
    accepted = presets(files, preset, trusts=lambda other: other.origin.text == entry.origin.text)
    assert host in patterns(accepted)
    assert not accepted.waiting
    assert [other.origin.text for other in accepted.accepted] == [entry.origin.text]
    changed = presets(tree({f"{APP}/{file}": f"{text}# changed\n"}), preset, trusts=lambda other: other.origin.text == entry.origin.text)
    assert host not in patterns(changed)
    assert len(changed.waiting) == 1


def test_one_reading_is_judged_and_used() -> None:
    """A command of another run may write the file between two looks at it."""

    class Flickering(Tree):
        count = 0

        def read(self, path: str, limit: int = 1 << 20) -> bytes | None:
            if path != f"{APP}/.npmrc":
                return super().read(path, limit)
            self.count += 1
            return b"registry=https://good.example/\n" if self.count % 2 == 0 else b"registry=https://evil.example/\n"

    files = Flickering()
    for path, what in tree({f"{APP}/.npmrc": ""}).entries.items():
        files.add(path, what)
    (entry,) = presets(files, "npm").waiting
    assert entry.value == "evil.example:443"
    assert sha256(b"registry=https://evil.example/\n").hexdigest() in entry.origin.text
