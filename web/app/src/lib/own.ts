// What an agent leaves in this browser is kept under that agent's id: whoever signs in next neither
// reads nor sends it, and it is there again when its owner returns.
import { read, type Store, save, store } from "./store";

const PRESENT = "parley.agent";
const owned: ((agent: string) => void)[] = [];
let present = "";

/** A store of the agent who is signed in; without one it is as at first and is kept nowhere. */
export function ownKept<T>(name: string, first: T): Store<T> {
  const s = store(first);
  const key = () => `${name}.${present}`;
  let loading = false;
  owned.push(() => {
    loading = true;
    s.set(present ? read(key(), first) : first);
    loading = false;
  });
  s.watch(() => {
    if (present && !loading) save(key(), s.get());
  });
  return s;
}

/** Whose stores they are now; nobody's: "". */
export function owner(): string {
  return present;
}

/** Takes out what this agent has left here, and puts away what another had. */
export function own(agent: string): void {
  if (agent === present) return;
  present = agent;
  for (const f of owned) f(agent);
  if (agent) save(PRESENT, agent);
}

/** Calls f when another tab of this browser signs somebody else in: its cookies are ours too. */
export function otherOwner(f: () => void): () => void {
  const look = (e: StorageEvent) => {
    if (e.key === PRESENT && present && e.newValue && e.newValue !== JSON.stringify(present)) f();
  };
  addEventListener("storage", look);
  return () => removeEventListener("storage", look);
}
