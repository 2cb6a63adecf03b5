// The panel's script: mounts the chat into the loader's shadow root.
import { render } from "preact";
import type { Boot, PageInfo, Panel } from "../contract";
import { Engine } from "../core/engine";
import { badge } from "../model/show";
import { stringsFor } from "../model/strings";
import type { Msg } from "../model/thread";
import { Tabs } from "../net/tabs";
import { App, type Settings } from "../ui/app";
import { type Ctx, PanelContext } from "../ui/context";
import { css } from "../ui/styles";
import { Tease } from "../ui/tease";
import { chime, notify, TitleBadge } from "./alerts";

const PHONE = "(max-width: 480px)";
const KEYBOARD = 120; // px that a phone's keyboard takes at least

class PanelHost implements Panel {
  isOpen = false;
  private readonly engine: Engine;
  private readonly tabs: Tabs;
  private readonly title = new TitleBadge();
  private readonly mountPoint = document.createElement("div");
  private readonly area: { current: HTMLTextAreaElement | null } = { current: null };
  private readonly phone = matchMedia(PHONE);
  private settings: Settings;
  private teased: Msg | undefined;
  private atEnd = true;
  private drawing = false;
  private unreadCount = -1;
  private readonly asked: string; // the language the page or the browser wants
  private context: Ctx | undefined;

  constructor(private readonly boot: Boot) {
    this.asked = boot.options.locale || boot.frame.lang || navigator.language || "en";
    boot.addStyles(css);
    boot.frame.append(this.mountPoint);
    this.engine = new Engine(boot.hub, boot.account, {
      changed: () => this.redraw(),
      arrived: (m) => this.arrived(m),
      locale: () => this.asked,
    });
    this.settings = {
      sound: this.engine.store.get("sound") !== "0",
      notify: this.engine.store.get("notify") === "1",
    };
    this.tabs = new Tabs(`parley.${boot.account}`, (w) => {
      if (w.t === "logout") this.forgotten();
      if (w.t === "seen") this.hideTease();
    });
    this.listen();
    if (this.engine.returning) this.engine.start();
    this.redraw();
  }

  open(focus: boolean): void {
    this.engine.start();
    if (!this.isOpen) {
      this.isOpen = true;
      this.atEnd = true;
      this.teased = undefined;
      this.remember();
      this.boot.frame.classList.add("is-open");
      this.draw();
      this.boot.emit("open", undefined);
      this.look();
    }
    if (focus) this.focus();
  }

  close(): void {
    if (!this.isOpen) return;
    const inside = this.boot.root.activeElement !== null;
    this.isOpen = false;
    this.engine.type(false);
    this.remember();
    this.boot.frame.classList.remove("is-open");
    this.draw();
    if (inside) this.boot.focusLauncher();
    this.boot.emit("close", undefined);
  }

  identify(jwt: string): void {
    this.engine.identify(jwt);
  }

  logout(): void {
    this.engine.logout();
    this.tabs.say({ t: "logout" });
    this.forgotten();
  }

  setPage(page: PageInfo): void {
    this.engine.setPage(page);
  }

  /** This or another tab logged out. */
  private forgotten(): void {
    this.engine.logout(false);
    this.close();
    this.teased = undefined;
    this.redraw();
    this.boot.emit("logout", undefined);
  }

  private listen(): void {
    addEventListener("online", () => this.engine.wake());
    addEventListener("offline", () => this.engine.lost());
    addEventListener("focus", () => this.look());
    addEventListener("blur", () => this.redraw());
    addEventListener("pagehide", () => {
      this.engine.suspend();
      this.tabs.suspend();
    });
    addEventListener("pageshow", (e) => {
      if (!e.persisted) return;
      this.tabs.resume();
      this.engine.resume();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.engine.wake();
      this.look();
    });
    this.phone.addEventListener?.("change", () => this.redraw());
    window.visualViewport?.addEventListener("resize", () => this.fitKeyboard());
    window.visualViewport?.addEventListener("scroll", () => this.fitKeyboard());
  }

  /** What the account or, unless it says, the page wants; the same object until it changes. */
  private words(): Ctx {
    const locale = this.boot.options.locale || this.engine.view().config.locale || this.asked;
    if (this.context?.locale !== locale) {
      this.context = { engine: this.engine, s: stringsFor(locale), locale };
      this.boot.frame.lang = locale;
    }
    return this.context;
  }

  private keys = false;
  /** On a phone the panel takes exactly what the keyboard leaves. */
  private fitKeyboard(): void {
    const v = window.visualViewport;
    if (!v) return;
    this.keys = this.phone.matches && window.innerHeight - v.height > KEYBOARD && v.scale < 1.1;
    this.boot.frame.style.setProperty("--vh", `${v.height}px`);
    this.boot.frame.style.setProperty("--vt", `${v.offsetTop}px`);
    this.redraw();
  }

  private looking(): boolean {
    return this.isOpen && document.visibilityState === "visible" && document.hasFocus();
  }

  /** Whoever looks at the end of the thread has read it. */
  private look(): void {
    if (this.looking() && this.atEnd) this.engine.seen();
    this.redraw();
  }

  private arrived(messages: readonly Msg[]): void {
    const m = messages[messages.length - 1];
    if (!m) return;
    this.boot.emit("message", { text: m.body.text ?? "", name: m.actor.name ?? "", at: m.at });
    if (this.looking()) {
      this.tabs.say({ t: "seen", id: m.id });
      return;
    }
    if (!this.isOpen) this.teased = m;
    this.tabs.once(m.id, () => {
      if (this.settings.sound) chime();
      if (this.settings.notify) notify(this.engine.view().config.title, m, () => this.open(true));
    });
  }

  private hideTease(): void {
    this.teased = undefined;
    this.redraw();
  }

  private redraw(): void {
    if (this.drawing) return;
    this.drawing = true;
    queueMicrotask(() => {
      this.drawing = false;
      if (this.looking() && this.atEnd) this.engine.seen();
      this.draw();
    });
  }

  private draw(): void {
    const view = this.engine.view();
    const context = this.words();
    const { s } = context;
    const n = view.unread.length;
    this.boot.setColor(view.config.color);
    this.boot.setLauncher({
      open: this.isOpen,
      unread: n,
      label: this.isOpen ? s.close : n > 0 ? s.openNew(n) : s.open,
    });
    this.title.show(n > 0 ? badge(n) : "");
    if (n !== this.unreadCount) {
      this.unreadCount = n;
      this.boot.emit("unread", n);
    }
    const tease = !this.isOpen && this.boot.options.launcher && n > 0 ? this.teased : undefined;
    render(
      <PanelContext.Provider value={context}>
        {this.isOpen && (
          <App
            view={view}
            modal={this.phone.matches}
            keys={this.keys}
            settings={this.settings}
            setSettings={(to) => this.set(to)}
            onClose={() => this.close()}
            onForget={() => this.logout()}
            onEnd={(there) => {
              this.atEnd = there;
              this.look();
            }}
            area={this.area}
          />
        )}
        {tease && <Tease msg={tease} onOpen={() => this.open(true)} onHide={() => this.hideTease()} />}
      </PanelContext.Provider>,
      this.mountPoint,
    );
  }

  /** A phone shows the conversation first, not its keyboard. */
  private focus(): void {
    const panel = this.mountPoint.querySelector<HTMLElement>("section");
    if (this.phone.matches) panel?.focus();
    else (this.area.current ?? panel)?.focus();
  }

  private set(to: Settings): void {
    this.engine.store.set("sound", to.sound ? "1" : "0");
    this.engine.store.set("notify", to.notify ? "1" : "0");
    this.settings = to;
    this.redraw();
    if (to.notify && Notification.permission === "default") {
      void Notification.requestPermission().then((p) => {
        if (p !== "granted") this.set({ ...this.settings, notify: false });
      });
    }
  }

  /** Keeps the panel open while the person goes from page to page of the site. */
  private remember(): void {
    try {
      const key = `parley.${this.boot.account}.open`;
      if (this.isOpen) sessionStorage.setItem(key, "1");
      else sessionStorage.removeItem(key);
    } catch {
      // storage is refused: the next page begins closed
    }
  }
}

window.parleyMount = (boot) => new PanelHost(boot);
