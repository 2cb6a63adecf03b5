// A picture, and a server elsewhere that hands it out and counts who asked.
import { createServer } from "node:http";

export const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export class Elsewhere {
  asked = [];

  static async start() {
    const e = new Elsewhere();
    e.server = createServer((req, res) => {
      e.asked.push(req.url);
      res.writeHead(200, { "Content-Type": "image/png" }).end(Buffer.from(PNG, "base64"));
    });
    await new Promise((r) => e.server.listen(0, "127.0.0.1", r));
    e.url = `http://127.0.0.1:${e.server.address().port}`;
    return e;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }
}
