import assert from "node:assert/strict";
import { test } from "node:test";
import { metresPerSecond } from "../knots.js";

test("eighteen knots", () => assert.equal(metresPerSecond(18), 9.26));
