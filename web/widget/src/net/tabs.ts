// Several tabs of one site: they tell one another what matters, and one of them makes the sound.

export type TabWord = { t: "seen"; id: string } | { t: "sounded"; id: string } | { t: "logout" };

const SETTLE = 250; // ms for another tab to say that it shows the message

export class Tabs {
  private channel: BroadcastChannel | undefined;
  private leader: boolean | undefined; // undefined: cannot be known, so chance decides
  private release: (() => void) | undefined;
  private readonly handled = new Set<string>();

  constructor(
    private readonly name: string,
    private readonly heard: (w: TabWord) => void,
  ) {
    if (typeof BroadcastChannel !== "undefined") {
      this.channel = new BroadcastChannel(name);
      this.channel.onmessage = (e: MessageEvent<TabWord>) => {
        if (e.data.t !== "logout") this.handled.add(e.data.id);
        this.heard(e.data);
      };
    }
    this.resume();
  }

  /** Asks for the lead; whoever asked first keeps it until its page goes. */
  resume(): void {
    const locks = (navigator as Partial<Navigator>).locks;
    if (!locks || this.release) return;
    this.leader = false;
    let give = () => {};
    const held = new Promise<void>((resolve) => {
      give = resolve;
    });
    this.release = give;
    void locks
      .request(`${this.name}.lead`, () => {
        this.leader = true;
        return held;
      })
      .catch(() => {
        this.leader = undefined;
      });
  }

  /** Gives the lead up: a page that holds a lock cannot go to the page cache. */
  suspend(): void {
    this.release?.();
    this.release = undefined;
    this.leader = undefined;
  }

  say(w: TabWord): void {
    if (w.t !== "logout") this.handled.add(w.id);
    this.channel?.postMessage(w);
  }

  /** Runs `alert` in one tab only, and in none when a tab shows the message already. */
  once(id: string, alert: () => void): void {
    const wait = this.leader === undefined ? SETTLE + Math.random() * SETTLE : SETTLE;
    setTimeout(() => {
      if (this.leader === false || this.handled.has(id)) return;
      this.say({ t: "sounded", id });
      alert();
    }, wait);
  }
}
