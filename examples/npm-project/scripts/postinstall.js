// Writes a small build record, as packages with native parts do.
import { mkdirSync, writeFileSync } from "node:fs";

mkdirSync("node_modules/.cache", { recursive: true });
writeFileSync("node_modules/.cache/built.json", JSON.stringify({ node: process.version }) + "\n");
