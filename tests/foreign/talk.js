// Holds a conversation with chatd through node's `ws`: two guests, one message.
// Prints "all is well" and ends with 0, or says what was wrong and ends with 1.
"use strict";
const assert = require("node:assert");
const WebSocket = require("ws");

const url = process.argv[2];
setTimeout(() => fail(new Error("nothing happened for too long")), 30000).unref();

function fail(error) {
  console.error(error);
  process.exit(1);
}

function connect(name) {
  const ws = new WebSocket(url, "chatd.v1");
  const waiting = [];
  const heard = [];
  ws.on("error", fail);
  ws.on("message", (data, binary) => {
    assert(!binary);
    const frame = JSON.parse(data.toString());
    const index = waiting.findIndex(({ wanted }) => wanted(frame));
    if (index >= 0) waiting.splice(index, 1)[0].resolve(frame);
    else heard.push(frame);
  });
  return {
    ws,
    open: new Promise((resolve) => ws.on("open", resolve)),
    closed: new Promise((resolve) => ws.on("close", (code) => resolve(code))),
    say: (frame) => ws.send(JSON.stringify(frame)),
    hear: (wanted) => {
      const index = heard.findIndex(wanted);
      if (index >= 0) return Promise.resolve(heard.splice(index, 1)[0]);
      return new Promise((resolve) => waiting.push({ wanted, resolve }));
    },
    name,
  };
}

async function enter(person) {
  await person.open;
  assert.strictEqual(person.ws.protocol, "chatd.v1");
  person.say({ type: "hello", name: person.name });
  await person.hear((frame) => frame.type === "welcome");
  person.say({ type: "join", room: "lobby", id: 1 });
  await person.hear((frame) => frame.type === "caught_up");
}

async function main() {
  const ann = connect("ann");
  const bob = connect("bob");
  await enter(ann);
  await enter(bob);
  const text = "grüße 👋 " + "x".repeat(2000);
  ann.say({ type: "send", room: "lobby", text, cid: "n1", id: "s" });
  const ok = await ann.hear((frame) => frame.re === "send");
  const event = await bob.hear((frame) => frame.type === "message");
  assert.strictEqual(event.text, text);
  assert.strictEqual(event.seq, ok.seq);
  const pong = new Promise((resolve) => ann.ws.on("pong", resolve));
  ann.ws.ping("are you there");
  assert.strictEqual((await pong).toString(), "are you there");
  ann.say({ type: "logout" });
  assert.strictEqual(await ann.closed, 1000);
  bob.ws.close(1000);
  assert.strictEqual(await bob.closed, 1000);
  console.log("all is well");
}

main().then(() => process.exit(0), fail);
