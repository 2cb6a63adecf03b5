// Files that wait to be uploaded survive a reload in the browser's database; where it is refused, in memory.

const memory = new Map<string, Blob>();
let db: Promise<IDBDatabase | undefined> | undefined;

function open(): Promise<IDBDatabase | undefined> {
  db ??= new Promise((resolve) => {
    try {
      const r = indexedDB.open("parley", 1);
      r.onupgradeneeded = () => r.result.createObjectStore("files");
      r.onsuccess = () => resolve(r.result);
      r.onerror = () => resolve(undefined);
      r.onblocked = () => resolve(undefined);
    } catch {
      resolve(undefined);
    }
  });
  return db;
}

async function run<T>(mode: IDBTransactionMode, fn: (s: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  const d = await open();
  if (!d) return undefined;
  return new Promise((resolve) => {
    try {
      const r = fn(d.transaction("files", mode).objectStore("files"));
      r.onsuccess = () => resolve(r.result);
      r.onerror = () => resolve(undefined);
    } catch {
      resolve(undefined);
    }
  });
}

export function keepFile(id: string, blob: Blob): void {
  memory.set(id, blob);
  void run("readwrite", (s) => s.put(blob, id));
}

export async function fileOf(id: string): Promise<Blob | undefined> {
  return memory.get(id) ?? (await run<Blob | undefined>("readonly", (s) => s.get(id)));
}

export function forgetFile(id: string): void {
  memory.delete(id);
  void run("readwrite", (s) => s.delete(id));
}

export function forgetFiles(): void {
  memory.clear();
  void run("readwrite", (s) => s.clear());
}
