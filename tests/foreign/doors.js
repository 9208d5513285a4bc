// Comes in through each URL with two clients of node's: `ws`, and the built-in one,
// which is undici's. Closes with the codes that were registered after RFC 6455.
// Prints "all is well" and ends with 0, or says what was wrong and ends with 1.
"use strict";
const assert = require("node:assert");
const Ws = require("ws");
const { WebSocket: BuiltIn } = require("undici");

const [origin, ...urls] = process.argv.slice(2);
setTimeout(() => fail(new Error("nothing happened for too long")), 30000).unref();

function fail(error) {
  console.error(error);
  process.exit(1);
}

function once(socket, name) {
  return new Promise((resolve, reject) => {
    socket.addEventListener(name, resolve, { once: true });
    socket.addEventListener("error", (event) => reject(event.error ?? event), { once: true });
  });
}

async function talk(socket, code) {
  await once(socket, "open");
  assert.equal(socket.protocol, "chatd.v1");
  socket.send('{"type":"hello","name":"ann"}');
  const welcome = JSON.parse((await once(socket, "message")).data);
  assert.equal(welcome.type, "welcome");
  const closed = once(socket, "close");
  socket.close(code, "späteren Gruß");
  const { code: answered, reason, wasClean } = await closed;
  assert.deepEqual([answered, reason, wasClean], [code, "späteren Gruß", true]);
}

(async () => {
  for (const url of urls) {
    for (const code of [1000, 1012, 1013, 1014, 4000])
      await talk(new Ws(url, "chatd.v1", { origin }), code);
    for (const code of [1000, 3000, 4999])
      await talk(new BuiltIn(url, { protocols: "chatd.v1", headers: { origin } }), code);
  }
  console.log("all is well");
})().catch(fail);
