// The page's own storage, under a prefix per account. A browser that refuses storage gets memory instead:
// everything works, but is forgotten with the page.

export interface Store {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  remove(key: string): void;
  keys(): string[];
  clear(): void;
  /** Calls back when another tab changed a key. */
  watch(fn: (key: string, value: string | undefined) => void): void;
}

interface Backing {
  getItem(k: string): string | null;
  setItem(k: string, v: string): void;
  removeItem(k: string): void;
  keys(): string[];
}

export function openStore(account: string): Store {
  const prefix = `parley.${account}.`;
  const backing = local() ?? memory();
  const keys = () => backing.keys().filter((k) => k.startsWith(prefix));
  return {
    get: (k) => backing.getItem(prefix + k) ?? undefined,
    set: (k, v) => write(backing, prefix + k, v),
    remove: (k) => backing.removeItem(prefix + k),
    keys: () => keys().map((k) => k.slice(prefix.length)),
    clear: () => {
      for (const k of keys()) backing.removeItem(k);
    },
    watch: (fn) =>
      addEventListener("storage", (e) => {
        if (e.key?.startsWith(prefix)) fn(e.key.slice(prefix.length), e.newValue ?? undefined);
      }),
  };
}

function local(): Backing | undefined {
  try {
    const s = window.localStorage;
    s.setItem("parley.test", "1");
    s.removeItem("parley.test");
    return {
      getItem: (k) => s.getItem(k),
      setItem: (k, v) => s.setItem(k, v),
      removeItem: (k) => s.removeItem(k),
      keys: () => Object.keys(s),
    };
  } catch {
    return undefined; // refused by the browser or a sandbox
  }
}

function memory(): Backing {
  const m = new Map<string, string>();
  return {
    getItem: (k) => m.get(k) ?? null,
    setItem: (k, v) => m.set(k, v),
    removeItem: (k) => m.delete(k),
    keys: () => [...m.keys()],
  };
}

function write(b: Backing, key: string, value: string): void {
  try {
    b.setItem(key, value);
  } catch {
    // Full: what is in memory still works; there is nowhere else to keep it.
  }
}

/** What was stored as JSON, if it still is. */
export function readJSON<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}
