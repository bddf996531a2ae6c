import assert from "node:assert/strict";
import { test } from "node:test";
import { interval } from "../src/interval.js";
import { highTides } from "../src/tides.js";

test("high tides are twelve hours and twenty-five minutes apart", () => {
  assert.deepEqual(highTides(0, 2), [44_700_000, 89_400_000]);
});

test("a word is no time", () => {
  assert.throws(() => highTides("noon", 1), TypeError);
});

test("time spans are numbers or words", () => {
  assert.equal(interval("12h"), 43_200_000);
  assert.equal(interval("1500"), 1500);
  assert.throws(() => interval("a while"), TypeError);
});
