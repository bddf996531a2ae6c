import { createServer } from "node:http";
import { metresPerSecond } from "./knots.js";

const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
createServer((request, response) => {
  const knots = Number(new URL(request.url, "http://localhost").searchParams.get("knots"));
  response.end(`${metresPerSecond(knots)}\n`);
}).listen(port, "127.0.0.1", () => console.log(`listening on ${port}`));
