// Where I am lives in the URL. A tiny router: paths, a search part and nothing else.
import { store, useStore } from "./store";

export interface Place {
  path: string;
  query: URLSearchParams;
}

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

const place = store<Place>(here());
addEventListener("popstate", () => place.set(here()));

export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  place.set(here());
}

export function where(): Place {
  return place.get();
}

export function usePlace(): Place {
  return useStore(place);
}

/** Where the inbox stands: /inbox/<view>/<conversation>. */
export function inboxAt(path: string): { view: string; conversation?: string } {
  const [, , view, conversation] = path.split("/");
  return {
    view: decodeURIComponent(view || "mine"),
    ...(conversation ? { conversation: decodeURIComponent(conversation) } : {}),
  };
}

export function inboxPath(view: string, conversation?: string): string {
  const search = location.pathname.startsWith("/inbox") ? location.search : "";
  return `/inbox/${encodeURIComponent(view)}${conversation ? `/${encodeURIComponent(conversation)}` : ""}${search}`;
}
