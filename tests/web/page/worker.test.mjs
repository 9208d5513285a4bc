/** What the worker keeps of the page's files, and for what it answers. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const source = readFileSync(new URL("../../../chatd/web/page/worker.mjs", import.meta.url), "utf8");

const ROOT = "https://chat.example.org/";
const HOME = `${ROOT}chat/`;
const PAGE = '<link href="_/v2/page/app.css">';

/** Caches as a browser has them for an origin, with what they are asked for. */
class Caches {
  all = new Map();

  async open(name) {
    const held = this.all.get(name) ?? new Map();
    this.all.set(name, held);
    return { put: async (url, answer) => void held.set(url, answer) };
  }

  match = async (url, { cacheName }) => this.all.get(cacheName)?.get(url)?.clone();
  keys = async () => [...this.all.keys()];
  delete = async (name) => this.all.delete(name);
  /** The texts by their addresses. */
  texts = async (name) =>
    Object.fromEntries(
      await Promise.all([...this.all.get(name)].map(async ([url, answer]) => [url, await answer.clone().text()])),
    );
}

const bundle = () => {
  const form = new FormData();
  form.append("page/app.css", new File(["a{}"], "app.css", { type: "text/css" }));
  form.append("page/app.mjs", new File(["1"], "app.mjs", { type: "text/javascript" }));
  return new Response(form);
};

/**
 * A worker at an address, on an origin with caches, in a network.
 *
 * @param {(url: string) => Response|Promise<Response>} network What comes for an address.
 */
function worker(network, caches = new Caches(), address = `${HOME}_/v2/page/worker.mjs`) {
  const heard = new Map();
  const done = [];
  const asked = [];
  const scope = {
    addEventListener: (type, listener) => heard.set(type, listener),
    skipWaiting: async () => void done.push("skipped"),
    clients: { claim: async () => void done.push("claimed") },
    fetch: async (what) => {
      asked.push(what.url ?? what);
      return network(what.url ?? what);
    },
    ...{ caches, URL, Response, location: new URL(address) },
  };
  scope.self = scope;
  runInNewContext(source, scope);
  /** Resolves when what an event causes is done. */
  const tell = async (type) => {
    let lasts;
    heard.get(type)({ waitUntil: (one) => (lasts = one) });
    await lasts;
  };
  /** What is answered; undefined is left to the network. */
  const ask = (url, { mode = "cors", method = "GET" } = {}) => {
    let answer;
    heard.get("fetch")({ request: { url, mode, method }, respondWith: (one) => (answer = one) });
    return answer;
  };
  const visit = (url, options) => ask(url, { mode: "navigate", ...options });
  return { caches, done, asked, tell, ask, visit };
}

/** A daemon that has what is asked for. */
const daemon = (url) => (url.endsWith("/all") ? bundle() : new Response(PAGE));
const nobody = () => Promise.reject(new TypeError("Failed to fetch"));

/** A worker that has all files, and whose network is another from then on. */
async function kept(network) {
  let now = daemon;
  const one = worker((url) => now(url));
  await one.tell("install");
  await one.tell("activate");
  now = network;
  one.asked.length = 0;
  return one;
}

const NAME = `chatd ${HOME} _/v2/`;

test("all files of a version are kept, then its worker takes over", async () => {
  const one = worker(daemon);
  await one.tell("install");
  assert.deepEqual(one.asked, [HOME, `${HOME}_/v2/all`]);
  assert.deepEqual(await one.caches.texts(NAME), {
    [HOME]: PAGE,
    [`${HOME}_/v2/page/app.css`]: "a{}",
    [`${HOME}_/v2/page/app.mjs`]: "1",
  });
  const style = await one.ask(`${HOME}_/v2/page/app.css`);
  assert.equal(style.headers.get("Content-Type"), "text/css");
  assert.deepEqual(one.done, ["skipped"]);
  await one.tell("activate");
  assert.deepEqual(one.done, ["skipped", "claimed"]);
});

test("what was kept of other versions goes, what others keep stays", async () => {
  const caches = new Caches();
  const others = [`chatd ${ROOT} _/v1/`, `chatd ${HOME}too/ _/v1/`, "somebody's"];
  for (const name of [`chatd ${HOME} _/v1/`, ...others]) await caches.open(name);
  const one = worker(daemon, caches);
  await one.tell("install");
  assert.equal((await caches.keys()).length, 5);
  await one.tell("activate");
  assert.deepEqual(await caches.keys(), [...others, NAME]);
});

test("where not all can be had, nothing is kept, and the worker before it stays", async () => {
  const redirected = new Response(PAGE);
  Object.defineProperty(redirected, "redirected", { value: true });
  const networks = {
    "nobody is there": nobody,
    "the page is refused": (url) => (url === HOME ? new Response(PAGE, { status: 429 }) : daemon(url)),
    "the page is elsewhere, as where one has to log in": (url) => (url === HOME ? redirected : daemon(url)),
    "the page is of another version": (url) => (url === HOME ? new Response("_/v3/") : daemon(url)),
    "the files are": (url) => (url === HOME ? daemon(url) : new Response("", { status: 404 })),
    "the files are cut off": (url) =>
      url === HOME
        ? daemon(url)
        : new Response("--b\r\nContent-Disp", { headers: { "Content-Type": "multipart/form-data; boundary=b" } }),
  };
  for (const [why, network] of Object.entries(networks)) {
    const one = worker(network);
    await one.caches.open(`chatd ${HOME} _/v1/`);
    await assert.rejects(one.tell("install"), undefined, why);
    assert.deepEqual(await one.caches.keys(), [`chatd ${HOME} _/v1/`], why);
    assert.deepEqual(one.done, [], why);
  }
});

test("the page is always asked for, and what comes is shown", async () => {
  for (const status of [200, 304, 401, 404, 429, 500, 501]) {
    const body = status === 304 ? null : "as it is now";
    const one = await kept(() => new Response(body, { status }));
    for (const url of [HOME, `${HOME}?a=b`, `${HOME}#room=lobby`, `${HOME}?a#b`]) {
      assert.equal((await one.visit(url)).status, status);
    }
    assert.equal(one.asked.length, 4);
  }
});

test("where nobody is there, or only a proxy, the page is as it was", async () => {
  for (const network of [nobody, ...[502, 503, 504, 522].map((status) => () => new Response("", { status }))]) {
    const one = await kept(network);
    for (const url of [HOME, `${HOME}?a=b`, `${HOME}#room=lobby`]) {
      assert.equal(await (await one.visit(url)).text(), PAGE);
    }
  }
});

test("where nothing is kept, what came is shown, or that nothing did", async () => {
  const gone = async (network) => {
    const one = await kept(network);
    one.caches.all.clear();
    return one;
  };
  assert.equal((await (await gone(() => new Response("", { status: 502 }))).visit(HOME)).status, 502);
  assert.equal((await (await gone(nobody)).visit(HOME)).type, "error");
  const one = await gone(() => new Response("from there"));
  assert.equal(await (await one.ask(`${HOME}_/v2/page/app.css`)).text(), "from there");
});

test("a file that is kept is not asked for", async () => {
  const one = await kept(nobody);
  assert.equal(await (await one.ask(`${HOME}_/v2/page/app.css`)).text(), "a{}");
  assert.deepEqual(one.asked, []);
});

test("what is not the page's own is left to the network", async () => {
  const one = await kept(nobody);
  for (const url of ["ws", "api/uploads", "metrics", "healthz", "_/", "_/v1/page/app.css", "_/v20/page/app.css"]) {
    assert.equal(one.ask(HOME + url), undefined, url);
    assert.equal(one.visit(HOME + url), undefined, url);
  }
  for (const url of [ROOT, `${ROOT}chat`, `${HOME}index.html`, `${HOME}too/`, "https://elsewhere.example/chat/"]) {
    assert.equal(one.visit(url), undefined, url);
  }
  // Only whoever opens the page gets it so.
  assert.equal(one.ask(HOME), undefined);
  assert.equal(one.visit(HOME, { method: "POST" }), undefined);
  assert.equal(one.ask(`${HOME}_/v2/page/app.css`, { method: "HEAD" }), undefined);
  assert.deepEqual(one.asked, []);
});

test("the page may lie at the root of its host", async () => {
  const one = worker(daemon, new Caches(), `${ROOT}_/v2/page/worker.mjs`);
  await one.tell("install");
  assert.deepEqual(await one.caches.keys(), [`chatd ${ROOT} _/v2/`]);
  assert.equal(one.visit(HOME), undefined);
});
