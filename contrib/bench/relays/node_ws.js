// A relay with node's `ws`: a loop of `send`.
"use strict";
const { WebSocketServer } = require("../../../tests/foreign/node_modules/ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("listening", () => console.log("PORT", server.address().port));
server.on("connection", (socket) => {
  socket._socket.setNoDelay(true);
  socket.on("error", () => socket.terminate());
  socket.on("message", (data) => {
    for (const member of server.clients) {
      if (member.readyState === 1) member.send(data, { binary: false });
    }
  });
});
