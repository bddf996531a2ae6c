import assert from "node:assert/strict";
import { test } from "node:test";
import { highTides } from "../src/tides.js";

test("high tides are twelve hours and twenty-five minutes apart", () => {
  assert.deepEqual(highTides(0, 2), [44_700_000, 89_400_000]);
});

test("none were asked for", () => {
  assert.deepEqual(highTides(0, 0), []);
});

test("a word is no time", () => {
  assert.throws(() => highTides("noon", 1), TypeError);
});
