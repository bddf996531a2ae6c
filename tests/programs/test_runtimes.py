"""Programs that know nothing of proxies because their runtimes read no variables: Node, a static binary, a JVM."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.conftest import must
from tests.programs.conftest import Serve, need
from tests.programs.servers import Answer, Pages
from tests.programs.world import World

NODE = """\
fetch(process.argv[1]).then(async answer => console.log(answer.status, (await answer.text()).trim())).catch(error => {
  console.error(error.cause?.code ?? error.message)
  process.exitCode = 3
})
"""
GO = """\
package main

import ("fmt"; "io"; "net/http"; "os")

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(3) }
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(body))
}
"""
C = """\
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* No libc of the machine and no variable: an address, a port and a Host header from the arguments. */
#include <arpa/inet.h>
int main(int count, char **words) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(80)};
    char text[4096];
    if (count < 3 || inet_pton(AF_INET, words[1], &where.sin_addr) != 1) return 2;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&where, sizeof where)) { perror("connect"); return 3; }
    int length = snprintf(text, sizeof text, "GET /tides HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n", words[2]);
    if (write(fd, text, length) != length) return 4;
    while ((length = read(fd, text, sizeof text)) > 0) fwrite(text, 1, length, stdout);
    return 0;
}
"""
JAVA = """\
import java.io.*;
import java.net.*;
import java.security.*;
import java.security.cert.*;
import javax.net.ssl.*;

class Ask {
    public static void main(String[] words) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (InputStream file = new FileInputStream(words[0])) {
            trusted.setCertificateEntry("test", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        for (int i = 1; i < words.length; i++) {
            HttpsURLConnection connection = (HttpsURLConnection) new URL(words[i]).openConnection();
            connection.setSSLSocketFactory(context.getSocketFactory());
            try (InputStream body = connection.getInputStream()) {
                System.out.print(new String(body.readAllBytes()));
            } catch (IOException error) {
                System.out.println(error);
            }
        }
    }
}
"""


def test_node_fetch(world: World, serve: Serve, project: Path) -> None:
    need("node")
    host = "node.servers.example"
    words = ["node", "-e", NODE, f"https://{host}/tides"]
    extra = {"NODE_EXTRA_CA_CERTS": str(serve.authority.certificate)}
    with serve.https(host, Pages({"/tides": Answer(b"high water\n")})):
        assert world.run(*words, cwd=project, allow=[host], extra=extra).good().out == "200 high water\n"
        twin = world.run(*words, cwd=project, extra=extra)
    assert (twin.code, twin.err.splitlines()[0]) == (3, "ERR_SSL_TLSV1_ALERT_ACCESS_DENIED")
    assert twin.refused(f"{host}:443")["area"] == "network"


def test_a_static_go_program(world: World, serve: Serve, project: Path, tmp_path: Path) -> None:
    need("go")
    (tmp_path / "ask.go").write_text(GO)
    program = project / "ask"
    extra = {"CGO_ENABLED": "0", "GOCACHE": str(tmp_path / "go-cache"), "GOPATH": str(tmp_path / "go"), "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    world.unfenced("go", "build", "-o", program, tmp_path / "ask.go", cwd=tmp_path, extra=extra).good()
    host = "go.servers.example"
    trust = {"SSL_CERT_FILE": str(serve.authority.certificate)}
    with serve.https(host, Pages({"/tides": Answer(b"high water\n")})):
        assert world.run(program, f"https://{host}/tides", cwd=project, allow=[host], extra=trust).good().out == "200 high water\n\n"
        twin = world.run(program, f"https://{host}/tides", cwd=project, extra=trust)
    assert twin.code == 3
    assert "remote error: tls: access denied" in twin.err
    assert twin.refused(f"{host}:443")["area"] == "network"


def test_a_static_c_program_that_dials_an_address(world: World, serve: Serve, project: Path, tmp_path: Path) -> None:
    must(shutil.which("gcc") or shutil.which("cc"), "no C compiler is installed")
    (tmp_path / "ask.c").write_text(C)
    program = project / "ask"
    built = subprocess.run(["cc", "-static", "-o", str(program), str(tmp_path / "ask.c")], capture_output=True, text=True, check=False)
    must(built.returncode == 0, f"cannot build a static program: {built.stderr}")
    pages = Pages({"/tides": Answer(b"high water\n")})
    with serve.http("static.servers.example", pages) as address:
        ran = world.run(program, address, address, cwd=project, allow=[address])
        assert ran.good().out.endswith("\n\nhigh water\n")
        twin = world.run(program, address, "static.servers.example", cwd=project, allow=["static.servers.example"])
    assert "high water" not in twin.out
    assert twin.refused(f"{address}:80")["area"] == "network"
    assert len(pages.asked) == 1


def test_a_java_program(world: World, serve: Serve, project: Path, tmp_path: Path) -> None:
    need("java", "javac")
    (project / "Ask.java").write_text(JAVA)
    allowed, refused = "java.servers.example", "elsewhere.servers.example"
    pages, other = Pages({"/tides": Answer(b"high water\n")}), Pages()
    with serve.https(allowed, pages), serve.https(refused, other):
        words = ["java", "Ask.java", str(serve.authority.certificate), f"https://{allowed}/tides", f"https://{refused}/tides"]
        ran = world.run(*words, cwd=project, allow=[allowed])
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "high water"
    assert "access_denied" in lines[1]
    assert ran.refused(f"{refused}:443")["area"] == "network"
    assert other.asked == []
