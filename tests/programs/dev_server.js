// A dev server as many are: HTTP that keeps connections, an upgrade, and a plain server beside it. Arguments: HOST PORT.
const crypto = require("crypto"), http = require("http"), net = require("net");
const [host, port] = [process.argv[2], Number(process.argv[3])];
const server = http.createServer({ keepAliveTimeout: 60000 }, (request, response) => {
  const [path, size] = request.url.split("?");
  if (path === "/sum") {
    const sum = crypto.createHash("sha256");
    request.on("data", (part) => sum.update(part)).on("end", () => response.end(sum.digest("hex")));
  } else {
    response.end(path === "/big" ? Buffer.alloc(Number(size), "x") : "hello\n");
  }
});
server.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.on("data", (part) => socket.write(part.toString().toUpperCase())).on("error", () => {});
});
const counter = net.createServer({ allowHalfOpen: true }, (socket) => {
  let count = 0;
  socket.on("data", (part) => (count += part.length)).on("end", () => socket.end(String(count))).on("error", () => {});
});
server.listen(port, host, () => counter.listen(port + 1, host, () => console.log("READY", port)));
