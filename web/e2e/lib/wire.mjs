// A cable between a browser and the hub that a test can cut: open connections break, new ones are refused.
import { connect, createServer } from "node:net";

export class Wire {
  sockets = new Set();
  whole = true;

  static async to(addr) {
    const [host, port] = addr.split(":");
    const w = new Wire();
    w.server = createServer((near) => {
      if (!w.whole) return near.destroy();
      const far = connect(Number(port), host);
      for (const [a, b] of [
        [near, far],
        [far, near],
      ]) {
        w.sockets.add(a);
        a.pipe(b);
        a.on("error", () => b.destroy());
        a.on("close", () => {
          w.sockets.delete(a);
          b.destroy();
        });
      }
    });
    await new Promise((r) => w.server.listen(0, "127.0.0.1", r));
    w.url = `http://127.0.0.1:${w.server.address().port}`;
    return w;
  }

  cut() {
    this.whole = false;
    for (const s of this.sockets) s.destroy();
  }

  mend() {
    this.whole = true;
  }

  stop() {
    this.cut();
    this.server.close();
  }
}
