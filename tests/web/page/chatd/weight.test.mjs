import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { minify } from "../../../../contrib/web/node_modules/terser/main.js";

const source = readFileSync(new URL("../../../../chatd/web/page/chatd.mjs", import.meta.url), "utf8");

test("what a bundler makes of the library has at most 6 kB, compressed", async () => {
  const { code } = await minify(source, { module: true });
  const weight = brotliCompressSync(code).length;
  assert.ok(weight <= 6_000, `${weight} bytes`);
});

test("what a browser loads of it, comments and all, has at most 10.5 kB, compressed", () => {
  const weight = brotliCompressSync(source).length;
  assert.ok(weight <= 10_500, `${weight} bytes`);
});
