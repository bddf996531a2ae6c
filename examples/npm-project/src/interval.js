import isNumber from "is-number";
import ms from "ms";

/** A time span in milliseconds, from a number or from words such as "12h". */
export function interval(text) {
  const span = isNumber(text) ? Number(text) : ms(text);
  if (!Number.isFinite(span) || span <= 0) {
    throw new TypeError(`not a time span: ${text}`);
  }
  return span;
}
