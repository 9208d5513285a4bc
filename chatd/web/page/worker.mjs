// @ts-check
/**
 * Keeps the page's files, and is the daemon for them when that cannot be reached.
 *
 * It is a service worker, one of the files of its version, and knows the version by its own
 * address; the page starts it (`offline.mjs`). It keeps all files of that version and the
 * page that names them, or nothing, and once it has them it takes the place of the worker
 * before it, whose files go. The page itself is always asked for, so it is never an older
 * one than the daemon has; what stands below the path of a version never changes. Whatever
 * else is asked for is none of its business. Nothing that is kept here is anybody's own.
 *
 * It is no module, so that browsers run it that know none in workers.
 *
 * @typedef {Event & {waitUntil: (done: Promise<void>) => void}} Lasting
 * @typedef {Event & {request: Request, respondWith: (answer: Promise<Response>) => void}} Asked
 */
{
  /** The types of TypeScript have either windows or workers. @type {any} */
  const worker = self;
  /** Where the files of this version are, and where the page is: `_/VERSION/page/worker.mjs`. */
  const files = new URL("../", location.href).href;
  const home = new URL("../../", files).href;
  const version = files.slice(home.length);
  /** Caches belong to a whole origin, on which there may be other pages of this kind. */
  const ours = `chatd ${home} `;
  const name = ours + version;

  /** Keep all files of this version, or none. */
  async function keep() {
    try {
      const [page, all] = await Promise.all([fetch(home, { cache: "no-cache" }), fetch(`${files}all`)]);
      if (!page.ok || page.redirected || !all.ok) throw new Error(`not kept: ${page.status} and ${all.status}`);
      if (!(await page.clone().text()).includes(version)) throw new Error("not kept: the page is of another version");
      const cache = await caches.open(name);
      const parts = [...(await all.formData())];
      await Promise.all([
        cache.put(home, page),
        ...parts.map(([path, file]) => cache.put(files + path, new Response(file))),
      ]);
    } catch (error) {
      await caches.delete(name);
      throw error;
    }
    await worker.skipWaiting();
  }

  /** Let go of what was kept of other versions, and serve also the pages that are open. */
  async function begin() {
    const others = (await caches.keys()).filter((one) => one.startsWith(ours) && one !== name);
    await Promise.all(others.map((one) => caches.delete(one)));
    await worker.clients.claim();
  }

  /** What is kept under an address. @param {string} url */
  const kept = (url) => caches.match(url, { cacheName: name });

  /** The page, as the daemon has it now, or as it was. @param {Request} request */
  async function page(request) {
    /** @type {Response|undefined} */
    let answer;
    try {
      answer = await fetch(request);
      // With these a proxy says that there is no daemon behind it.
      if (answer.status < 502) return answer;
    } catch {
      // There is no network, or nobody in it who listens.
    }
    return (await kept(home)) ?? answer ?? Response.error();
  }

  /** One of the files. @param {Request} request */
  const file = async (request) => (await kept(request.url)) ?? fetch(request);

  worker.addEventListener("install", (/** @type {Lasting} */ event) => event.waitUntil(keep()));
  worker.addEventListener("activate", (/** @type {Lasting} */ event) => event.waitUntil(begin()));
  worker.addEventListener("fetch", (/** @type {Asked} */ event) => {
    const { method, mode, url } = event.request;
    if (method !== "GET") return;
    if (mode === "navigate" && url.replace(/[?#].*/, "") === home) event.respondWith(page(event.request));
    else if (url.startsWith(files)) event.respondWith(file(event.request));
  });
}
