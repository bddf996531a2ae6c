import { createServer } from "node:http";
import { TIDE, highTides } from "./tides.js";

const port = Number(process.env.PORT ?? 3000);
const step = process.env.STEP ? (await import("./interval.js")).interval(process.env.STEP) : TIDE;

const server = createServer((request, response) => {
  if (request.url !== "/") {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ tides: highTides(0, 4, step) }) + "\n");
});

server.listen(port, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
