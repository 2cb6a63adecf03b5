// What the loader and the panel know of one another. The panel comes later and is mounted by the loader.

export interface Options {
  locale: string; // empty: from the account, the page, the browser
  launcher: boolean; // whether a button is drawn
}

export interface PageInfo {
  url: string;
  title: string;
}

export interface Boot {
  readonly root: ShadowRoot;
  /** Where the panel draws itself; carries theme, direction and colours. */
  readonly frame: HTMLElement;
  readonly hub: string;
  readonly account: string;
  readonly options: Options;
  emit(name: EventName, value: unknown): void;
  /** Styles for the shadow root, under a strict policy too. */
  addStyles(css: string): void;
  setColor(color: string | undefined): void;
  /** What the button says and shows. */
  setLauncher(state: { open: boolean; unread: number; label: string }): void;
  focusLauncher(): void;
}

export interface Panel {
  open(focus: boolean): void;
  close(): void;
  readonly isOpen: boolean;
  identify(jwt: string): void;
  logout(): void;
  setPage(page: PageInfo): void;
}

export type Mount = (boot: Boot) => Panel;

export type EventName = "ready" | "open" | "close" | "unread" | "message" | "logout";

declare global {
  interface Window {
    /** Set by the panel's script for the loader, which takes it away again. */
    parleyMount?: Mount | undefined;
  }
}
