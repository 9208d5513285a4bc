// The WebSocket is found below the page, whatever stands in front of the daemon.
const url = new URL("ws", location.href);
url.protocol = url.protocol.replace("http", "ws");

for (const place of document.querySelectorAll(".url")) {
  place.textContent = url.href;
}
