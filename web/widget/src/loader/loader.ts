// The script that a site embeds. It draws the button, keeps what the page asks until the panel is there, and fetches
// the panel when the person comes near it. It asks nobody but the hub it came from, and sets no cookie.
import type { Boot, EventName, Mount, PageInfo, Panel } from "../contract";
import { brand } from "../model/colour";
import { badge } from "../model/show";
import { css } from "./styles";

declare const PANEL: string; // path of the panel's script, put in by the build

type Listener = (value: unknown) => void;
type Call = [string, ...unknown[]];

const SVG = "http://www.w3.org/2000/svg";
const BUBBLE =
  "M3 20l1.3-3.9c-2.324-3.437-1.426-7.872 2.1-10.374c3.526-2.501 8.59-2.296 11.845.48c3.255 2.777 3.695 7.266 1.029 10.501c-2.666 3.235-7.615 4.215-11.574 2.293l-4.7 1";
const DOWN = "M6 9l6 6l6-6";
const PHONE = "(max-width: 480px)";

function script(): HTMLScriptElement | null {
  const s = document.currentScript;
  if (s instanceof HTMLScriptElement && s.dataset.account) return s;
  return document.querySelector("script[data-account][src*='widget.js']");
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** A page may demand that scripts are added by named policies only; ours is called "parley". */
function trusted(url: string): string {
  const types = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
  try {
    return types ? types.createPolicy("parley", { createScriptURL: (u) => u }).createScriptURL(url) : url;
  } catch {
    return url; // the page does not allow the policy; it may not demand one
  }
}

/** Starts the widget; a page that includes the script twice gets one. */
function start(tag: HTMLScriptElement): void {
  const waiting = window.Parley;
  if (waiting && !Array.isArray(waiting)) return;
  const w = new Loader(tag);
  window.Parley = w.api();
  for (const call of waiting ?? []) window.Parley.push(call);
  if (document.body) w.draw();
  else addEventListener("DOMContentLoaded", () => w.draw());
}

class Loader {
  private readonly hub: string;
  private readonly account: string;
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly queue: ((p: Panel) => void)[] = [];
  private readonly frame = document.createElement("div");
  private readonly button = document.createElement("button");
  private readonly count = document.createElement("b");
  private readonly glyph = document.createElementNS(SVG, "path");
  private root: ShadowRoot | undefined;
  private panel: Panel | undefined;
  private loading = false;
  private color: string | undefined;

  constructor(private readonly tag: HTMLScriptElement) {
    this.hub = new URL(tag.src, location.href).origin;
    this.account = tag.dataset.account ?? "";
    this.color = tag.dataset.color || this.remembered();
  }

  /** What a page may call. */
  api(): ParleyAPI {
    const api: ParleyAPI = {
      open: () => this.with((p) => p.open(true)),
      close: () => this.with((p) => p.close()),
      toggle: () => this.with((p) => (p.isOpen ? p.close() : p.open(true))),
      identify: (jwt) => this.with((p) => p.identify(jwt)),
      logout: () => this.with((p) => p.logout()),
      setPage: (page) => this.with((p) => p.setPage(page)),
      on: (name, fn) => this.on(name, fn),
      push: (call) => {
        const fn = (api as unknown as Record<string, unknown>)[call[0]];
        if (typeof fn === "function") fn(...call.slice(1));
        return 0;
      },
    };
    return api;
  }

  draw(): void {
    const host = document.createElement("div");
    host.id = "parley-widget";
    this.root = host.attachShadow({ mode: "open" });
    this.addStyles(css);
    this.frame.className = "p";
    this.frame.dir = getComputedStyle(document.documentElement).direction;
    this.frame.lang = this.tag.dataset.locale || document.documentElement.lang || navigator.language;
    if (this.tag.dataset.side) this.frame.dataset.side = this.tag.dataset.side;
    this.drawButton();
    this.frame.append(this.button);
    this.root.append(this.frame);
    this.followTheme();
    document.body.append(host);
    this.resume();
    if (this.queue.length > 0) this.load();
  }

  private drawButton(): void {
    const svg = document.createElementNS(SVG, "svg");
    for (const [k, v] of Object.entries({
      class: "i",
      viewBox: "0 0 24 24",
      width: "26",
      height: "26",
      "aria-hidden": "true",
    }))
      svg.setAttribute(k, v);
    this.glyph.setAttribute("d", BUBBLE);
    svg.append(this.glyph);
    this.count.hidden = true;
    this.button.className = "lau";
    this.button.type = "button";
    this.button.append(svg, this.count);
    this.button.hidden = this.tag.dataset.launcher === "none";
    this.button.setAttribute("aria-label", /^zh/i.test(this.frame.lang) ? "打开聊天" : "Open chat");
    this.button.setAttribute("aria-expanded", "false");
    this.button.onclick = () => this.with((p) => (p.isOpen ? p.close() : p.open(true)));
    this.button.onpointerenter = this.button.onfocus = () => this.load();
  }

  /** A visitor who was here before learns of new messages without opening anything. */
  private resume(): void {
    try {
      if (sessionStorage.getItem(`parley.${this.account}.open`) && !matchMedia(PHONE).matches) {
        this.with((p) => p.open(false));
        return;
      }
      if (!localStorage.getItem(`parley.${this.account}.token`)) return;
    } catch {
      return; // storage is refused: nothing to resume
    }
    const later = (window as Partial<Window>).requestIdleCallback ?? ((fn: () => void) => setTimeout(fn, 500));
    later(() => this.load());
  }

  private followTheme(): void {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const set = () => {
      const wanted = this.tag.dataset.theme;
      const theme = wanted === "light" || wanted === "dark" ? wanted : dark.matches ? "dark" : "light";
      this.frame.dataset.theme = theme;
      const colors = brand(this.color, theme);
      for (const [k, v] of Object.entries(colors))
        this.frame.style.setProperty(`--${k.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`, v);
    };
    set();
    dark.addEventListener?.("change", set);
    new MutationObserver(set).observe(this.tag, { attributeFilter: ["data-theme"] });
    this.recolor = set;
  }

  private recolor = () => {};

  private with(fn: (p: Panel) => void): void {
    if (this.panel) {
      fn(this.panel);
      return;
    }
    this.queue.push(fn);
    if (this.root) this.load();
  }

  private load(): void {
    if (this.loading || this.panel) return;
    this.loading = true;
    const s = document.createElement("script");
    s.src = trusted(`${this.hub}/${PANEL}`);
    s.async = true;
    if (this.tag.nonce) s.nonce = this.tag.nonce;
    s.onload = () => {
      s.remove();
      const mount = window.parleyMount;
      window.parleyMount = undefined;
      if (mount) this.mount(mount);
    };
    s.onerror = () => {
      s.remove();
      this.loading = false; // the next touch tries again
      if (this.queue.length > 0) setTimeout(() => this.load(), 2000);
    };
    document.head.append(s);
  }

  private mount(mount: Mount): void {
    if (!this.root) return;
    const boot: Boot = {
      root: this.root,
      frame: this.frame,
      hub: this.hub,
      account: this.account,
      options: { locale: this.tag.dataset.locale ?? "", launcher: !this.button.hidden },
      emit: (name, value) => this.emit(name, value),
      addStyles: (text) => this.addStyles(text),
      setColor: (color) => {
        this.color = this.tag.dataset.color || color;
        this.recolor();
      },
      setLauncher: (s) => this.setLauncher(s),
      focusLauncher: () => this.button.focus(),
    };
    const panel = mount(boot);
    this.panel = panel;
    for (const fn of this.queue.splice(0)) fn(panel);
    this.emit("ready", undefined);
  }

  private setLauncher(s: { open: boolean; unread: number; label: string }): void {
    this.glyph.setAttribute("d", s.open ? DOWN : BUBBLE);
    this.count.hidden = s.open || s.unread === 0;
    this.count.textContent = badge(s.unread);
    this.button.setAttribute("aria-label", s.label);
    this.button.setAttribute("aria-expanded", String(s.open));
  }

  private addStyles(text: string): void {
    const root = this.root as ShadowRoot;
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    } catch {
      const style = document.createElement("style"); // browsers before 2023
      if (this.tag.nonce) style.nonce = this.tag.nonce;
      style.textContent = text;
      root.append(style);
    }
  }

  private on(name: EventName, fn: Listener): () => void {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(fn));
    return () => set.delete(fn);
  }

  private emit(name: EventName, value: unknown): void {
    for (const fn of this.listeners.get(name) ?? []) {
      try {
        fn(value);
      } catch (e) {
        setTimeout(() => {
          throw e; // the page's own mistake, shown as its own
        });
      }
    }
  }

  /** The brand's colour from the last visit, so that the button does not change its colour. */
  private remembered(): string | undefined {
    try {
      const c = JSON.parse(localStorage.getItem(`parley.${this.account}.config`) ?? "{}") as { color?: string };
      return c.color;
    } catch {
      return undefined;
    }
  }
}

export interface ParleyAPI {
  open(): void;
  close(): void;
  toggle(): void;
  identify(jwt: string): void;
  logout(): void;
  setPage(page: PageInfo): void;
  /** Listens; the answer stops listening. */
  on(name: EventName, fn: Listener): () => void;
  push(call: Call): number;
}

declare global {
  interface Window {
    Parley?: ParleyAPI | Call[];
  }
}

const tag = script();
if (tag) start(tag);
