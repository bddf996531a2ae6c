// Points git at the project's hooks, as hook managers do. Where git's configuration cannot be written, the hooks are somebody else's business.
import { spawnSync } from "node:child_process";

const git = spawnSync("git", ["config", "core.hooksPath", ".husky"], { encoding: "utf8" });
if (git.status !== 0) {
  console.log(`prepare: git hooks were left as they are (${(git.stderr ?? "").trim() || git.error?.code})`);
}
