import { createServer } from "node:http";
import { highTides } from "./tides.js";

const port = Number(process.env.PORT ?? 3000);

const server = createServer((request, response) => {
  if (request.url !== "/") {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ tides: highTides(0, 4) }) + "\n");
});

server.listen(port, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
