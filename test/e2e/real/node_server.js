// An HTTP server as people write them for Node: what it answers depends on the path. It takes its
// port from the kernel; NODE_KEEP_ALIVE is how many milliseconds its connections may idle.
"use strict";
const http = require("http");

let connections = 0;

const answers = {
  // Which of the server's connections the request came on.
  "/connection": (request, response) => response.end(String(request.socket.number)),

  // Chunks, and fields after them.
  "/chunks": (request, response) => {
    response.writeHead(200, { Trailer: "Digest" });
    let left = 200;
    const write = () => {
      while (left > 0) {
        const piece = Buffer.alloc(1000, left);
        left -= 1;
        if (!response.write(piece)) {
          response.once("drain", write);
          return;
        }
      }
      response.addTrailers({ Digest: "of all" });
      response.end();
    };
    write();
  },

  // The body, while it comes; how it was framed in fields.
  "/echo": (request, response) => {
    response.setHeader("X-Framing", request.headers["transfer-encoding"] || request.headers["content-length"] || "none");
    request.pipe(response);
  },

  // What the request looked like from here.
  "/head": (request, response) => {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers }));
  },

  "/hints": (request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.end("hinted");
  },

  "/nothing": (request, response) => {
    response.writeHead(204);
    response.end();
  },

  // The connection breaks in the middle of a chunked answer.
  "/broken": (request, response) => {
    response.write("half", () => request.socket.destroy());
  },
};

const server = http.createServer((request, response) => {
  const answer = answers[new URL(request.url, "http://here").pathname];
  if (answer) {
    answer(request, response);
  } else {
    response.writeHead(404);
    response.end("not here");
  }
});

server.on("connection", (socket) => {
  connections += 1;
  socket.number = connections;
});

// Asked whether a body is welcome: at /echo it is, elsewhere not.
server.on("checkContinue", (request, response) => {
  if (request.url === "/echo") {
    response.writeContinue();
    server.emit("request", request, response);
  } else {
    response.writeHead(413, { Connection: "close" });
    response.end("too much");
  }
});

// A protocol of its own: everything comes back in capitals, and an end is answered with one.
server.on("upgrade", (request, socket, head) => {
  if (request.headers.upgrade !== "capitals/1") {
    socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: capitals/1\r\n\r\n");
  const capitals = (data) => Buffer.from(data.toString("latin1").toUpperCase(), "latin1");
  socket.write(capitals(head));
  socket.on("data", (data) => {
    if (!socket.write(capitals(data))) {
      socket.pause();
      socket.once("drain", () => socket.resume());
    }
  });
  socket.on("end", () => socket.end());
  socket.on("error", () => socket.destroy());
});

if (process.env.NODE_KEEP_ALIVE) {
  server.keepAliveTimeout = Number(process.env.NODE_KEEP_ALIVE);
}
server.listen(0, "127.0.0.1");
